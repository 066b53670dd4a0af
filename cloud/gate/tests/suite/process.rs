//! The gate as its operator runs it: a process with a configuration, signals, and exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use firstlayer_census::Store;
use serde_json::json;

use crate::gate::REPOSITORY;
use crate::repository::{Repository, releases};
use crate::rules::PAST;

const OPERATOR: &str = "operator-token-of-a-process";

/// What an operator has set up.
struct Installed {
    folder: tempfile::TempDir,
    repository: Repository,
}

impl Installed {
    fn new() -> Self {
        let repository = Repository::with_rule(&releases(), PAST);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("operator"), OPERATOR).unwrap();
        fs::write(folder.path().join("root.json"), repository.anchor()).unwrap();
        let toml = format!(
            "listen = \"127.0.0.1:0\"\nstate = \"state\"\naudit = \"audit.jsonl\"\n\
             [repository]\nurl = \"{REPOSITORY}\"\nfolder = \"{}\"\ntrust_anchor = \"root.json\"\n\
             channels = [\"stable\"]\n[census]\ndatabase = \"sqlite:{}\"\n\
             [tokens]\noperator = {{ file = \"operator\" }}\n",
            repository.folder.path().display(),
            folder.path().join("census.db").display(),
        );
        fs::write(folder.path().join("gate.toml"), toml).unwrap();
        Self { folder, repository }
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gate"));
        command
            .args(["--config", "gate.toml", verb])
            .current_dir(self.folder.path())
            .stderr(Stdio::piped());
        command
    }

    fn finish(&self, verb: &str) -> Output {
        self.command(verb).output().unwrap()
    }

    fn change(&self, old: &str, new: &str) {
        let path = self.folder.path().join("gate.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(path, text.replacen(old, new, 1)).unwrap();
    }

    /// A gate that listens and has its rules.
    fn start(&self) -> Started {
        let mut child = self.command("run").spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (say, said) = channel();
        // Reads on until the end: a full pipe would stop the gate.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        let (mut address, mut in_force) = (None, false);
        let mut before = Vec::new();
        while address.is_none() || !in_force {
            let Ok(line) = said.recv() else {
                panic!("the gate ended: {before:#?}");
            };
            in_force |= line.contains("rules are in force");
            if let Some((_, rest)) = line.split_once("127.0.0.1:") {
                let digits = rest.chars().take_while(char::is_ascii_digit);
                let port = digits.collect::<String>().parse().unwrap();
                address = Some(SocketAddr::from(([127, 0, 0, 1], port)));
            }
            before.push(line);
        }
        Started {
            child,
            address: address.unwrap(),
        }
    }
}

/// A gate that is killed if nobody ends it.
struct Started {
    child: Child,
    address: SocketAddr,
}

impl Started {
    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// The answer's first line; `None` if the gate is gone.
    fn post(&self, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.lines().next().map(str::to_owned)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serial(at: usize) -> String {
    format!("FL-{at}")
}

fn report(at: usize) -> String {
    json!({ "serial": serial(at), "model": "first-mini", "version": "1.2.0", "channel": "stable" })
        .to_string()
}

/// The serial numbers in a census.
fn recorded(folder: &Path) -> Vec<String> {
    let url = format!("sqlite:{}", folder.join("census.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut csv = Vec::new();
    runtime.block_on(async {
        let store = Store::open(&url.parse().unwrap()).await.unwrap();
        store.export(&mut csv).await.unwrap();
    });
    let text = String::from_utf8(csv).unwrap();
    let lines = text.lines().skip(1);
    lines
        .map(|line| line.split(',').next().unwrap().to_owned())
        .collect()
}

#[test]
fn sigterm_ends_it_in_good_order() {
    let installed = Installed::new();
    let mut gate = installed.start();
    // Nobody waits for this one: the end writes it.
    assert_eq!(
        gate.post("/v1/decisions", &report(1)).unwrap(),
        "HTTP/1.1 200 OK"
    );
    gate.signal("TERM");
    assert_eq!(gate.child.wait().unwrap().code(), Some(0));
    assert_eq!(recorded(installed.folder.path()), ["FL-1"]);
}

/// Killed at a moment that nothing chose: what was acknowledged before it is there afterwards.
#[test]
fn a_gate_killed_under_load_loses_no_acknowledged_report() {
    let installed = Installed::new();
    let gate = installed.start();
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let report_until_gone = |first: usize| {
            let gate = &gate;
            move || {
                let all = (first..).step_by(4);
                let mut acknowledged = Vec::new();
                for at in all {
                    match gate.post("/v1/reports", &report(at)).as_deref() {
                        Some("HTTP/1.1 200 OK") => acknowledged.push(serial(at)),
                        _ => return acknowledged,
                    }
                    if acknowledged.len() == 25 {
                        gate.signal("KILL");
                    }
                }
                unreachable!("a gate that was killed answers no more")
            }
        };
        let threads: Vec<_> = (0..4)
            .map(|first| scope.spawn(report_until_gone(first)))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.flatten().collect()
    });
    assert!(acknowledged.len() >= 25, "{acknowledged:?}");
    let recorded = recorded(installed.folder.path());
    for serial in acknowledged {
        assert!(recorded.contains(&serial), "{serial} was acknowledged");
    }
}

#[test]
fn a_check_says_what_would_be_in_force_and_changes_nothing() {
    let installed = Installed::new();
    let output = installed.finish("check");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    for line in [
        "rules: revision 1",
        "channel: stable",
        "first-mini on stable: 1.4.0",
    ] {
        assert!(said.contains(line), "{said}");
    }
    for kept in ["state", "census.db", "audit.jsonl"] {
        assert!(!installed.folder.path().join(kept).exists(), "{kept}");
    }
}

#[test]
fn exit_codes_say_whose_fault_it_is() {
    let told = |installed: &Installed, verb: &str| {
        let output = installed.finish(verb);
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    };
    let installed = Installed::new();
    assert_eq!(told(&installed, "serve").0, Some(2));
    assert_eq!(told(&installed, "--help").0, Some(0));
    installed.change("[\"stable\"]", "[]");
    let (code, said) = told(&installed, "run");
    assert!(
        code == Some(2) && said.contains("repository.channels"),
        "{said}"
    );
    let installed = Installed::new();
    fs::remove_dir_all(installed.repository.folder.path().join("metadata")).unwrap();
    let (code, said) = told(&installed, "check");
    assert!(code == Some(3) && said.contains("not accepted"), "{said}");
    let installed = Installed::new();
    fs::create_dir(installed.folder.path().join("audit.jsonl")).unwrap();
    let (code, said) = told(&installed, "run");
    assert!(code == Some(1) && said.contains("audit log"), "{said}");
}
