//! Child processes as streams of events: a line, or the end.
//!
//! Each child leads a process group of its own, which dies with its [`Process`]: no path leaves a child behind.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Every child's group that was not seen to end.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Kills every child and whatever it started: for a program that is told to end.
pub fn kill_all() {
    let running = RUNNING.lock().expect("no panic while it is locked");
    for group in running.iter().filter_map(|group| Pid::from_raw(*group)) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// What a child did.
#[derive(Debug)]
enum Event {
    Line(Stream, String),
    Closed,
    Ended(ExitStatus),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Error,
}

/// A running child and what it has said so far.
#[derive(Debug)]
pub struct Process {
    name: String,
    group: Pid,
    events: Receiver<Event>,
    seen: Output,
    open: usize,
    ended: bool,
}

/// What a finished child said, and how it ended.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Standard output, whole.
    pub stdout: String,
    /// Standard error, whole.
    pub stderr: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// Runs a command to its end.
pub fn run(command: &mut Command, limit: Duration) -> Output {
    Process::spawn(command).finish(limit)
}

/// Runs a command that must succeed.
pub fn run_ok(command: &mut Command, limit: Duration) -> Output {
    run(command, limit).expect_success(&format!("{command:?}"))
}

impl Process {
    /// Starts a command with nothing on its standard input, in a process group of its own.
    pub fn spawn(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("starting {name}: {error}"));
        let (sender, events) = channel();
        forward(
            child.stdout.take().expect("piped"),
            Stream::Out,
            sender.clone(),
        );
        forward(
            child.stderr.take().expect("piped"),
            Stream::Error,
            sender.clone(),
        );
        let group = Pid::from_child(&child);
        let id = group.as_raw_nonzero().get();
        let running = || RUNNING.lock().expect("no panic while it is locked");
        running().insert(id);
        thread::spawn(move || {
            let status = child.wait().expect("a child can be waited for");
            running().remove(&id);
            let _ = sender.send(Event::Ended(status));
        });
        Self {
            name,
            group,
            events,
            seen: Output::default(),
            open: 2,
            ended: false,
        }
    }

    /// Waits for a line on standard error that the predicate accepts; `None` if the child ends without one.
    pub fn wait_for_line(
        &mut self,
        limit: Duration,
        accept: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.wait_for(limit, |stream, line| {
            stream == Stream::Error && accept(line)
        })
    }

    /// Waits for a line on standard output that the predicate accepts; `None` if the child ends without one.
    pub fn wait_for_output(
        &mut self,
        limit: Duration,
        accept: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.wait_for(limit, |stream, line| stream == Stream::Out && accept(line))
    }

    /// Waits for a line on either; `None` if the child ends without one.
    pub fn wait_for_any_line(
        &mut self,
        limit: Duration,
        accept: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.wait_for(limit, |_, line| accept(line))
    }

    /// Waits for so many lines on standard error; `false` if the child ends before.
    pub fn wait_for_lines(&mut self, count: usize, limit: Duration) -> bool {
        (0..count).all(|_| self.wait_for_line(limit, |_| true).is_some())
    }

    /// The child's process id.
    pub fn id(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Sends a signal to the child and whatever it started.
    pub fn signal(&self, signal: Signal) {
        // A group that is already gone needs no signal.
        let _ = kill_process_group(self.group, signal);
    }

    /// Waits for the end of the child and of its output.
    pub fn finish(mut self, limit: Duration) -> Output {
        let deadline = Instant::now() + limit;
        while !self.is_over() {
            self.next_line(deadline);
        }
        std::mem::take(&mut self.seen)
    }

    /// Kills the child and its descendants as a power cut would, and collects what it had said.
    pub fn kill(self) -> Output {
        self.signal(Signal::KILL);
        self.finish(Duration::from_secs(20))
    }

    fn wait_for(
        &mut self,
        limit: Duration,
        accept: impl Fn(Stream, &str) -> bool,
    ) -> Option<String> {
        let deadline = Instant::now() + limit;
        while !self.is_over() {
            if let Some((stream, line)) = self.next_line(deadline)
                && accept(stream, &line)
            {
                return Some(line);
            }
        }
        None
    }

    fn is_over(&self) -> bool {
        self.ended && self.open == 0
    }

    fn next_line(&mut self, deadline: Instant) -> Option<(Stream, String)> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok(Event::Line(stream, line)) => {
                let text = if stream == Stream::Out {
                    &mut self.seen.stdout
                } else {
                    &mut self.seen.stderr
                };
                text.push_str(&line);
                text.push('\n');
                return Some((stream, line));
            }
            Ok(Event::Closed) => self.open -= 1,
            Ok(Event::Ended(status)) => {
                self.ended = true;
                self.seen.code = status.code();
                self.seen.signal = status.signal();
            }
            Err(_) => panic!(
                "no end in sight within the limit: {}\n{}",
                self.name, self.seen
            ),
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            self.signal(Signal::KILL);
        }
    }
}

impl Output {
    /// Whether it exited with 0.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Passes the output on if it exited with 0, else fails the test with all it said.
    #[track_caller]
    pub fn expect_success(self, what: &str) -> Self {
        assert!(self.succeeded(), "{what} failed: {self}");
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {self}"))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "exit code {:?}, signal {:?}",
            self.code, self.signal
        )?;
        writeln!(
            formatter,
            "--- standard output\n{}--- standard error\n{}---",
            self.stdout, self.stderr
        )
    }
}

fn forward(stream: impl Read + Send + 'static, kind: Stream, events: Sender<Event>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches('\n')
                .to_owned();
            line.clear();
            if events.send(Event::Line(kind, text)).is_err() {
                return;
            }
        }
        let _ = events.send(Event::Closed);
    });
}
