//! The maker's cloud, as `cloud/gate/README.md` and `nginx.example.conf` build it: nginx in front of gates, mosquitto and
//! an S3-compatible store beside them, all real, on this machine's loopback.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::dynamic_security::{self, Broker};
use crate::gate::Gate;
use crate::network::free_address;
use crate::nginx::{Nginx, Site};
use crate::process::Process;
use crate::tls::Certificates;
use crate::web::{Answer, Web};
use crate::workshop::{checkout, scratch};
use crate::{nginx, s3};

/// The token of the maker's own services.
pub const SERVICE: &str = "token-of-the-makers-services";
/// The token of the operator.
pub const OPERATOR: &str = "token-of-the-operator";
/// What the printers' passwords for the broker are made with.
pub const MQTT: &str = "what-mqtt-passwords-are-made-with";

/// What a cloud is made of.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The folder of the repository that it serves.
    pub repository: &'a Path,
    /// The census's database.
    pub database: &'a str,
    /// Gates behind one nginx.
    pub gates: usize,
    /// The service that cloud printing is asked of.
    pub print_service: SocketAddr,
    /// For how many seconds a presigned URL is good.
    pub url_lifetime: u32,
}

/// A cloud at work; its servers end when it is dropped.
#[derive(Debug)]
pub struct Cloud {
    gates: Vec<Option<Gate>>,
    nginx: Process,
    /// The broker.
    pub broker: Broker,
    /// The store of model files.
    pub store: s3::Store,
    /// Which speaks TLS through this.
    store_front: Nginx,
    /// The authority of every server's certificate.
    pub certificates: Certificates,
    addresses: Addresses,
    web: Web,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
struct Addresses {
    gates: Vec<SocketAddr>,
    /// Clear text: updates.
    updates: SocketAddr,
    /// TLS: everything that printers and slicers ask.
    cloud: SocketAddr,
    /// Clear text, where only the operator is.
    operator: SocketAddr,
}

impl Cloud {
    /// Starts it. `Err` says what this machine lacks.
    pub fn start(plan: &Plan<'_>) -> Result<Self, String> {
        let folder = scratch();
        let certificates = Certificates::create(folder.path());
        let addresses = Addresses {
            gates: (0..plan.gates).map(|_| free_address()).collect(),
            updates: free_address(),
            cloud: free_address(),
            operator: free_address(),
        };
        let broker = Broker::start(&certificates)?;
        let store = s3::Store::on_loopback()?;
        let store_front = Nginx::serve_site(Site::Behind(store.address()), &certificates)?;
        let served = folder.path().join("srv");
        fs::create_dir(&served).expect("making a folder");
        symlink(plan.repository, served.join("firmware")).expect("linking the repository");
        let config = nginx_config(folder.path(), &addresses, plan.print_service);
        let mut cloud = Self {
            gates: (0..plan.gates).map(|_| None).collect(),
            nginx: nginx::launch(folder.path(), &config, |command| command)?,
            web: Web::trusting(&certificates.authority),
            broker,
            store,
            store_front,
            certificates,
            addresses,
            folder,
        };
        cloud.configure_gates(plan);
        (0..plan.gates).for_each(|at| cloud.start_gate(at));
        Ok(cloud)
    }

    /// Starts a gate again, at its address and with what it kept.
    #[track_caller]
    pub fn start_gate(&mut self, at: usize) {
        self.gates[at] = Some(Gate::start(&self.gate_folder(at).join("gate.toml")));
    }

    /// Kills a gate as a power cut would.
    #[track_caller]
    pub fn kill_gate(&mut self, at: usize) {
        self.gates[at].take().expect("a gate that runs").kill();
    }

    /// Waits for a line of a gate's log.
    #[track_caller]
    pub fn hear_gate(&mut self, at: usize, accept: impl Fn(&str) -> bool) -> String {
        let gate = self.gates[at].as_mut().expect("a gate that runs");
        gate.hear(accept).expect("the gate goes on")
    }

    /// A gate's own address, past nginx.
    pub fn gate(&self, at: usize) -> String {
        format!("http://{}", self.addresses.gates[at])
    }

    /// Where updates are, in clear text; ends with a slash.
    pub fn updates(&self) -> String {
        format!("http://{}/firmware/", self.addresses.updates)
    }

    /// Where printers and slicers ask.
    pub fn url(&self) -> String {
        format!("https://{}", self.addresses.cloud)
    }

    /// Where the operator asks.
    pub fn operator(&self) -> String {
        format!("http://{}", self.addresses.operator)
    }

    /// A client that believes the cloud's certificates.
    pub fn web(&self) -> &Web {
        &self.web
    }

    /// Asks for something as one of the maker's services.
    #[track_caller]
    pub fn serve(&self, path: &str, body: &Value) -> Answer {
        let token = format!("Bearer {SERVICE}");
        let url = format!("{}{path}", self.url());
        let headers = [("authorization", token.as_str())];
        self.web.ask("POST", &url, &headers, body.to_string())
    }

    /// Ends everything, and gives whatever nginx, the gates and the broker have written: logs, and what gates keep.
    pub fn words(self) -> String {
        let mut words = String::new();
        for gate in self.gates.into_iter().flatten() {
            words.push_str(&gate.stop().to_string());
        }
        words.push_str(&self.nginx.kill().to_string());
        words.push_str(&self.broker.stop().to_string());
        words.push_str(&read(&self.folder.path().join("access.log")));
        for at in 0..self.addresses.gates.len() {
            let folder = self.folder.path().join(format!("gate-{at}"));
            words.push_str(&read(&folder.join("audit.jsonl")));
        }
        words
    }

    fn gate_folder(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("gate-{at}"))
    }

    fn configure_gates(&self, plan: &Plan<'_>) {
        for (at, listen) in self.addresses.gates.iter().enumerate() {
            let folder = self.gate_folder(at);
            fs::create_dir(&folder).expect("making a folder");
            for (name, secret) in [
                ("operator", OPERATOR),
                ("service", SERVICE),
                ("database", plan.database),
                ("s3", s3::SECRET),
                ("mqtt", MQTT),
                ("broker", dynamic_security::PASSWORD),
            ] {
                fs::write(folder.join(name), secret).expect("writing a secret");
            }
            let anchor = plan.repository.join("metadata/1.root.json");
            fs::copy(anchor, folder.join("root.json")).expect("copying the trust anchor");
            let config = self.gate_config(*listen, plan);
            fs::write(folder.join("gate.toml"), config).expect("writing a configuration");
        }
    }

    fn gate_config(&self, listen: SocketAddr, plan: &Plan<'_>) -> String {
        let file = |name: &str| json!({ "file": name });
        let table = json!({
            "listen": listen,
            "state": "state",
            "audit": "audit.jsonl",
            "repository": {
                "url": self.updates(),
                "trust_anchor": "root.json",
                "channels": ["stable"],
                "refresh_seconds": 1,
            },
            "census": { "database_url": file("database") },
            "tokens": { "operator": file("operator"), "service": file("service") },
            "files": {
                "endpoint": self.store_front.url(),
                "region": "us-east-1",
                "bucket": s3::BUCKET,
                "key_id": s3::KEY_ID,
                "secret": file("s3"),
                "lifetime_seconds": plan.url_lifetime,
            },
            "mqtt": {
                "secret": file("mqtt"),
                "dynamic_security": {
                    "host": "127.0.0.1",
                    "port": self.broker.address().port(),
                    "username": dynamic_security::GATE,
                    "password": file("broker"),
                    "extra_ca": self.certificates.authority,
                },
            },
        });
        toml::to_string(&table).expect("TOML")
    }
}

/// The project's example, with the names, ports and places of this cloud.
fn nginx_config(folder: &Path, addresses: &Addresses, print_service: SocketAddr) -> String {
    let example = checkout().join("cloud/gate/nginx.example.conf");
    let mut config = fs::read_to_string(example).expect("reading the example");
    let gates = addresses.gates.iter();
    let gates: String = gates
        .map(|gate| format!("server {gate} max_fails=0;\n"))
        .collect();
    let place = |name: &str| folder.join(name).display().to_string();
    for (old, new) in [
        ("server 127.0.0.1:8484 max_fails=0;", gates),
        ("server 127.0.0.1:9000;", format!("server {print_service};")),
        ("listen 80;", format!("listen {};", addresses.updates)),
        (
            "listen 443 ssl;",
            format!("listen {} ssl;", addresses.cloud),
        ),
        (
            "listen 127.0.0.1:8485;",
            format!("listen {};", addresses.operator),
        ),
        ("/srv;", format!("{};", place("srv"))),
        ("/etc/nginx/cloud.pem", place("server.pem")),
        ("/etc/nginx/cloud.key", place("server.key")),
        ("/var/log/nginx/access.log", place("access.log")),
    ] {
        assert!(config.contains(old), "the example has no {old}");
        config = config.replacen(old, &new, 1);
    }
    config
}

fn read(path: &Path) -> String {
    let shown = path.display();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("reading {shown}: {error}"))
}
