//! The two pipes to a browser: it reads from descriptor 3 and writes to 4; every message is JSON, ended by a zero byte.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use crate::process::Process;

/// For an answer or an event: a start on a busy machine that has yet to read the program took more than a minute.
const LIMIT: Duration = Duration::from_secs(300);
/// Bytes of a message; a picture is the largest.
const LONGEST: u64 = 64 << 20;

/// A browser at the other end; ends when dropped.
#[derive(Debug)]
pub(super) struct Pipe {
    orders: File,
    messages: Receiver<Value>,
    waiting: Vec<Value>,
    last: u64,
    process: Option<Process>,
}

impl Pipe {
    /// Runs a command, whose program is its first argument, with the pipes; they lie in this folder.
    pub(super) fn to(command: Command, folder: &Path) -> Self {
        let (orders, messages) = (folder.join("orders"), folder.join("messages"));
        for pipe in [&orders, &messages] {
            let mode = Mode::RUSR | Mode::WUSR;
            mknodat(CWD, pipe, FileType::Fifo, mode, 0).expect("making a pipe");
        }
        let mut shell = Command::new("sh");
        shell
            .args(["-c", r#"exec "$@" 3<orders 4>messages"#, "sh"])
            .args(command.get_args())
            .current_dir(folder);
        for (name, value) in command.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let process = Process::spawn(&mut shell);
        // In the order in which the shell opens them: each waits for the other side.
        let orders = File::options()
            .write(true)
            .open(orders)
            .expect("opening a pipe");
        let messages = File::open(messages).expect("opening a pipe");
        Self {
            orders,
            messages: read(messages),
            waiting: Vec::new(),
            last: 0,
            process: Some(process),
        }
    }

    /// Asks for something, of a page or of the browser, and gives the answer. Events that come before it wait.
    #[track_caller]
    pub(super) fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut order = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = session {
            order["sessionId"] = session.into();
        }
        let sent = self.orders.write_all(format!("{order}\0").as_bytes());
        if sent.is_err() {
            self.ended();
        }
        loop {
            let message = self.hear();
            if message["id"] == self.last {
                let problem = &message["error"];
                assert!(problem.is_null(), "{method}: {problem}");
                return message["result"].clone();
            }
            self.waiting.push(message);
        }
    }

    /// The events that wait.
    pub(super) fn events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.waiting)
    }

    /// What it says next; an event, when no call waits for an answer. None waits.
    #[track_caller]
    pub(super) fn hear(&mut self) -> Value {
        match self.messages.recv_timeout(LIMIT) {
            Ok(message) => message,
            Err(_) => self.ended(),
        }
    }

    #[track_caller]
    fn ended(&mut self) -> ! {
        let said = self.process.take().map(Process::kill).unwrap_or_default();
        panic!("the browser ended, or is silent: {said}");
    }
}

/// A thread reads, so that whoever waits can wait for so long only. It ends with the browser.
fn read(messages: File) -> Receiver<Value> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(messages);
        loop {
            let mut message = Vec::new();
            let read = reader.by_ref().take(LONGEST).read_until(0, &mut message);
            if !matches!(read, Ok(1..)) || message.pop() != Some(0) {
                return;
            }
            let message = serde_json::from_slice(&message).expect("the browser speaks JSON");
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}
