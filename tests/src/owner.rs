//! An owner on the LAN, with the clients that owners have: mosquitto's for MQTT, curl for FTPS.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::debian::Tool;
use crate::device::{Device, LIMIT, OWNER, SERIAL};
use crate::process::{Output, Process};

/// How a client speaks: MQTT's version and TLS's, in mosquitto's words.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// `mqttv311` or `mqttv5`.
    pub mqtt: &'static str,
    /// `tlsv1.2` or `tlsv1.3`.
    pub tls: &'static str,
}

/// What most clients speak.
pub const USUAL: Dialect = Dialect {
    mqtt: "mqttv311",
    tls: "tlsv1.2",
};

/// A client that listens to the printer's reports, and sends it commands.
#[derive(Debug)]
pub struct Owner<'a> {
    device: &'a Device,
    code: String,
    authority: PathBuf,
    dialect: Dialect,
    listening: Process,
    sent: u32,
}

/// mosquitto's clients; `Err` says why there are none here.
pub fn mosquitto(program: &str) -> Result<Tool, String> {
    Tool::find(program, "mosquitto-clients")
}

impl<'a> Owner<'a> {
    /// Logs in with the printer's code, and listens.
    pub fn connect(device: &'a Device, dialect: Dialect) -> Result<Self, String> {
        let (code, authority) = (device.access_code(), device.authority());
        let mut listen = mosquitto("mosquitto_sub")?.command();
        // `-d` says when the subscription is granted: what happens after that is not missed.
        listen.args(words(&code, &authority, dialect)).args([
            "-d",
            "-t",
            &format!("device/{SERIAL}/report"),
        ]);
        let mut listening = Process::spawn(&mut device.network().inside(&listen));
        let subscribed = listening.wait_for_output(LIMIT, |line| line.starts_with("Subscribed"));
        assert!(
            subscribed.is_some(),
            "no subscription: {}",
            listening.finish(LIMIT)
        );
        Ok(Self {
            device,
            code,
            authority,
            dialect,
            listening,
            sent: 0,
        })
    }

    /// Publishes a request.
    #[track_caller]
    pub fn send(&self, request: &str) {
        self.publish(request).expect_success("mosquitto_pub");
    }

    /// Publishes a request, which may fail.
    pub fn publish(&self, request: &str) -> Output {
        let tool = mosquitto("mosquitto_pub").expect("it comes with mosquitto_sub");
        let mut publish = tool.command();
        publish
            .args(words(&self.code, &self.authority, self.dialect))
            .args([
                "-q",
                "1",
                "-t",
                &format!("device/{SERIAL}/request"),
                "-m",
                request,
            ]);
        self.device.run(&publish)
    }

    /// Sends a command `{kind: {command: …, …}}` and waits for its acknowledgement.
    #[track_caller]
    pub fn command(&mut self, kind: &str, mut body: Value) -> Value {
        self.sent += 1;
        let sequence = format!("{}", 20_000 + self.sent);
        body["sequence_id"] = sequence.clone().into();
        let name = body["command"].clone();
        let mut request = serde_json::Map::new();
        request.insert(kind.to_owned(), body);
        self.send(&Value::Object(request).to_string());
        let report = self.hear(|report| {
            report[kind]["sequence_id"] == sequence.as_str() && report[kind]["command"] == name
        });
        report[kind].clone()
    }

    /// Sends a command that must succeed.
    #[track_caller]
    pub fn must(&mut self, kind: &str, body: Value) -> Value {
        let told = self.command(kind, body);
        let result = told["result"].as_str().unwrap_or_default().to_lowercase();
        assert_eq!(result, "success", "{told}");
        told
    }

    /// Waits for a report that the predicate accepts.
    #[track_caller]
    pub fn hear(&mut self, accept: impl Fn(&Value) -> bool) -> Value {
        self.hear_within(LIMIT, accept)
    }

    /// The same, with a limit of its own.
    #[track_caller]
    pub fn hear_within(&mut self, limit: Duration, accept: impl Fn(&Value) -> bool) -> Value {
        let line = self.listening.wait_for_output(limit, |line| {
            serde_json::from_str(line).is_ok_and(|report: Value| accept(&report))
        });
        serde_json::from_str(&line.expect("the connection ended before the report")).expect("JSON")
    }

    /// Waits until a report says that the job is in this state.
    #[track_caller]
    pub fn hear_state(&mut self, state: &str) -> Value {
        self.hear(|report| report["print"]["gcode_state"] == state)
    }

    /// `curl` to the printer's card, by the serial number that its certificate names. `url` is a path.
    pub fn curl(&self, words: &[&str], url: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--ssl-reqd", "--cacert"])
            .arg(&self.authority)
            .args(["--user", &format!("bblp:{}", self.code)])
            .args(["--resolve", &format!("{SERIAL}:990:{OWNER}")])
            .args(words)
            .arg(format!("ftps://{SERIAL}:990/{url}"));
        curl
    }

    /// Uploads a file.
    #[track_caller]
    pub fn upload(&self, file: &Path, to: &str) {
        let file = file.to_str().expect("a path of ours");
        self.device.run_ok(&self.curl(&["--upload-file", file], to));
    }

    /// The access code that it logged in with.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The file with the authority that it trusts.
    pub fn authority(&self) -> &Path {
        &self.authority
    }
}

/// What every client of mosquitto's is told. The name in the certificate is the serial number, and these clients
/// compare it with the address: the chain is verified all the same.
fn words(code: &str, authority: &Path, dialect: Dialect) -> Vec<String> {
    let mut words = [
        "-h",
        "127.0.0.1",
        "-p",
        "8883",
        "-u",
        "bblp",
        "--insecure",
        "-k",
        "5",
    ]
    .map(str::to_owned)
    .to_vec();
    words.extend([
        "-P".to_owned(),
        code.to_owned(),
        "--cafile".to_owned(),
        authority.display().to_string(),
    ]);
    words.extend(["-V", dialect.mqtt, "--tls-version", dialect.tls].map(str::to_owned));
    words
}
