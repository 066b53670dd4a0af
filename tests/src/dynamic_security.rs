//! mosquitto as the gate's README sets it up: with the plugin by which the gate says who may log in.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::debian::Tool;
use crate::network::free_address;
use crate::process::{Output, Process, run_ok};
use crate::tls::Certificates;

/// The plugin's user that the gate commands it as.
pub const GATE: &str = "gate";
/// A user of the maker's own service, that may speak to every printer.
pub const SERVICE: &str = "print-service";
/// Both users' password.
pub const PASSWORD: &str = "a-password-of-the-makers-own";

const LIMIT: Duration = Duration::from_secs(60);

/// A broker on this machine's loopback, over TLS; ends when dropped.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    authority: PathBuf,
    process: Process,
    folder: tempfile::TempDir,
}

impl Broker {
    /// A broker with this certificate, started. `Err` says why there is none here.
    pub fn start(tls: &Certificates) -> Result<Self, String> {
        let (address, folder) = (free_address(), tempfile::tempdir());
        let folder = folder.expect("a temporary folder");
        let broker = Tool::find("mosquitto", "mosquitto")?;
        let users = folder.path().join("dynamic-security.json");
        let mut init = Tool::find("mosquitto_ctrl", "mosquitto")?.command();
        run_ok(
            init.args(["dynsec", "init"])
                .arg(&users)
                .args([GATE, PASSWORD]),
            LIMIT,
        );
        let config = folder.path().join("mosquitto.conf");
        let text = config_of(address, tls, &plugin(&broker), &users);
        fs::write(&config, text).expect("writing");
        let mut process = Process::spawn(broker.command().arg("-c").arg(&config));
        let ready = process.wait_for_line(LIMIT, |line| line.contains(" running"));
        if ready.is_none() {
            panic!("mosquitto did not start: {}", process.finish(LIMIT));
        }
        let broker = Self {
            address,
            authority: tls.authority.clone(),
            process,
            folder,
        };
        broker.let_the_service_in()?;
        Ok(broker)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a message as the maker's own service does.
    pub fn publish(&self, topic: &str, message: &str) -> Result<(), String> {
        let mut send = Tool::find("mosquitto_pub", "mosquitto-clients")?.command();
        send.args(self.as_user(SERVICE))
            .args(["-q", "1", "-t", topic, "-m", message]);
        run_ok(&mut send, LIMIT);
        Ok(())
    }

    /// Hears everything that is sent to a topic, a line a message, from now on. `Err` says why this machine has no client.
    pub fn watch(&self, topic: &str) -> Result<Process, String> {
        let mut hear = Tool::find("mosquitto_sub", "mosquitto-clients")?.command();
        hear.args(self.as_user(SERVICE))
            .args(["-d", "-q", "1", "-t", topic]);
        let mut process = Process::spawn(&mut hear);
        match process.wait_for_any_line(LIMIT, |line| line.starts_with("Subscribed")) {
            Some(_) => Ok(process),
            None => panic!("no subscription: {}", process.finish(LIMIT)),
        }
    }

    /// A client of the broker's, logged in so. `Err` says why there is none here.
    pub fn listen(&self, user: &str, password: &str, topic: &str) -> Result<Output, String> {
        let mut hear = Tool::find("mosquitto_sub", "mosquitto-clients")?.command();
        hear.args(self.location())
            .args(["-u", user, "-P", password, "-i", user, "-q", "1"])
            // It ends when it is subscribed, or refused.
            .args(["-E", "-t", topic]);
        Ok(crate::process::run(&mut hear, LIMIT))
    }

    /// What it said; it does not run any more then.
    pub fn stop(self) -> Output {
        self.process.kill()
    }

    /// The plugin's own file.
    pub fn users(&self) -> String {
        let path = self.folder.path().join("dynamic-security.json");
        fs::read_to_string(path).expect("reading the plugin's file")
    }

    fn let_the_service_in(&self) -> Result<(), String> {
        let all = "device/#";
        for words in [
            &["createRole", SERVICE][..],
            &["addRoleACL", SERVICE, "publishClientSend", all, "allow"],
            &["addRoleACL", SERVICE, "publishClientReceive", all, "allow"],
            &["addRoleACL", SERVICE, "subscribePattern", all, "allow"],
            &["createClient", SERVICE, "-p", PASSWORD],
            &["addClientRole", SERVICE, SERVICE],
        ] {
            let mut control = Tool::find("mosquitto_ctrl", "mosquitto")?.command();
            control.args(self.as_user(GATE)).arg("dynsec").args(words);
            run_ok(&mut control, LIMIT);
        }
        Ok(())
    }

    fn as_user(&self, user: &str) -> Vec<String> {
        let user = ["-u", user, "-P", PASSWORD].map(str::to_owned);
        self.location().into_iter().chain(user).collect()
    }

    fn location(&self) -> Vec<String> {
        let authority = self.authority.display().to_string();
        let port = self.address.port().to_string();
        ["-h", "127.0.0.1", "-p", &port, "--cafile", &authority]
            .map(str::to_owned)
            .into()
    }
}

/// As in the gate's README.
fn config_of(address: SocketAddr, tls: &Certificates, plugin: &Path, users: &Path) -> String {
    // Started by root, it would become somebody else, who cannot read the certificates.
    format!(
        "user root\nlog_dest stderr\nlog_type all\nlistener {} {}\ncertfile {}\nkeyfile {}\nallow_anonymous false\n\
         plugin {}\nplugin_opt_config_file {}\n",
        address.port(),
        address.ip(),
        tls.certificate.display(),
        tls.key.display(),
        plugin.display(),
        users.display(),
    )
}

fn plugin(broker: &Tool) -> PathBuf {
    let place = format!(
        "usr/lib/{}-linux-gnu/mosquitto_dynamic_security.so",
        std::env::consts::ARCH
    );
    let unpacked = broker.unpacked(&place);
    unpacked.unwrap_or_else(|| Path::new("/").join(place))
}
