//! The plugin's commands (`$CONTROL/dynamic-security/v1`), and what it answers.

use firstlayer_census::Serial;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::BrokerError;
use crate::limits::PAGE;
use crate::mqtt::Credentials;

/// What the description of each client of ours begins with; the time follows, in seconds.
const UNTIL: &str = "firstlayer-gate until ";

/// One answer of the plugin's.
#[derive(Debug, Deserialize)]
pub(super) struct Response {
    command: String,
    error: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Debug, Default, Deserialize)]
struct Data {
    #[serde(default)]
    clients: Vec<Client>,
}

/// A client that the broker knows.
#[derive(Debug, Deserialize)]
pub(super) struct Client {
    username: String,
    #[serde(default)]
    textdescription: String,
}

/// Whatever the plugin answers to one message.
#[derive(Debug, Deserialize)]
pub(super) struct Responses {
    pub(super) responses: Vec<Response>,
}

/// A client and its role, in place of those before: their connection, if there is one, is closed by that.
pub(super) fn admit(credentials: &Credentials) -> Vec<Value> {
    let serial = &credentials.serial;
    let topics = format!("device/{serial}/#");
    let rules = [
        "publishClientSend",
        "publishClientReceive",
        "subscribePattern",
        "unsubscribePattern",
    ]
    .map(|kind| json!({ "acltype": kind, "topic": topics, "priority": 0, "allow": true }));
    let mut commands = dismiss(serial).to_vec();
    commands.push(json!({
        "command": "createRole", "rolename": role(serial), "acls": rules,
    }));
    commands.push(json!({
        "command": "createClient",
        "username": serial.as_str(),
        "clientid": serial.as_str(),
        "password": credentials.password.expose(),
        "textdescription": format!("{UNTIL}{}", credentials.until.as_second()),
        "roles": [{ "rolename": role(serial), "priority": 0 }],
    }));
    commands
}

/// The client and its role go; that they are not there is no error.
pub(super) fn dismiss(serial: &Serial) -> [Value; 2] {
    [
        json!({ "command": "deleteClient", "username": serial.as_str() }),
        json!({ "command": "deleteRole", "rolename": role(serial) }),
    ]
}

/// The clients from this one on.
pub(super) fn list(offset: usize) -> Value {
    json!({ "command": "listClients", "verbose": true, "count": PAGE, "offset": offset })
}

fn role(serial: &Serial) -> String {
    format!("printer-{serial}")
}

impl Response {
    /// Whether the command was done, or had nothing to do.
    pub(super) fn check(&self) -> Result<(), BrokerError> {
        match &self.error {
            Some(why) if !(self.command.starts_with("delete") && why.ends_with("not found")) => {
                Err(BrokerError::Command {
                    command: self.command.clone(),
                    why: why.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn into_clients(self) -> Vec<Client> {
        self.data.clients
    }
}

impl Client {
    /// The printer, if it is one of ours whose time has ended.
    pub(super) fn ended(&self, now: Timestamp) -> Option<Serial> {
        let until: i64 = self.textdescription.strip_prefix(UNTIL)?.parse().ok()?;
        let serial = self.username.parse().ok()?;
        (until <= now.as_second()).then_some(serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::Issuer;
    use crate::secret::Secret;
    use std::time::Duration;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_printer_gets_its_own_topics_and_a_time_that_ends() {
        let issuer = Issuer::new(&Secret::new("secret"), Duration::from_secs(60));
        let commands = admit(&issuer.issue(&"FL-1".parse().unwrap(), at(1000)));
        let names: Vec<_> = commands
            .iter()
            .map(|c| c["command"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["deleteClient", "deleteRole", "createRole", "createClient"]
        );
        for rule in commands[2]["acls"].as_array().unwrap() {
            assert_eq!(rule["topic"], "device/FL-1/#");
        }
        let client: Client = serde_json::from_value(commands[3].clone()).unwrap();
        assert!(client.ended(at(1059)).is_none());
        assert_eq!(client.ended(at(1060)).unwrap().as_str(), "FL-1");
    }

    #[test]
    fn clients_of_others_are_left_alone() {
        for text in ["", "until 5", "firstlayer-gate until soon"] {
            let client = Client {
                username: "FL-1".to_owned(),
                textdescription: text.to_owned(),
            };
            assert!(client.ended(at(1000)).is_none(), "{text}");
        }
    }

    #[test]
    fn only_what_was_not_there_may_fail() {
        let response = |command: &str, error: &str| Response {
            command: command.to_owned(),
            error: Some(error.to_owned()),
            data: Data::default(),
        };
        assert!(response("deleteClient", "Client not found").check().is_ok());
        assert!(response("deleteRole", "Role not found").check().is_ok());
        assert!(response("createClient", "Role not found").check().is_err());
        assert!(response("deleteRole", "Internal error").check().is_err());
    }
}
