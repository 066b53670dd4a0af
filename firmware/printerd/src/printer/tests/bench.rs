//! A printer on a bench: its machine is simulated, and everything around it stands in for itself.

use std::{
    io::{Cursor, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use firstlayer_card::{Card, CardLimits, CardPath};
use firstlayer_machine::{
    Fan, Fault, Light, Machine, Pace, Plate, Reading, Refused, Simulated, SpeedLevel,
};
use md5::Digest;
use semver::Version;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{printer::*, protocol::PrinterState};

/// Two layers, two minutes.
pub(super) const GCODE: &str = "M73 P0 R2\nM140 S60\nM104 S200\nM190 S60\nM109 S200\nG28\n\
    ; layer num/total_layer_count: 1/2\nG1 X100 F6000\nG4 S60\nM73 P50 R1\n\
    ; layer num/total_layer_count: 2/2\nG1 X0 F6000\nG4 S60\nM73 P100 R0\nM104 S0\nM140 S0\n";

pub(super) struct Bench {
    pub(super) handle: PrinterHandle,
    pub(super) messages: broadcast::Receiver<Outgoing>,
    pub(super) machine: Arc<Mutex<Simulated>>,
    pub(super) downloads: mpsc::UnboundedReceiver<Asked>,
    pub(super) updates: Arc<FakeUpdates>,
    pub(super) installs: mpsc::UnboundedReceiver<Install>,
    pub(super) lan: Arc<FakeLan>,
    pub(super) host: Arc<FakeHost>,
    pub(super) folder: TempDir,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

/// A download that somebody asked for; the test says how it ends.
pub(super) struct Asked {
    pub(super) download: Download,
    pub(super) progress: watch::Sender<u8>,
    pub(super) stop: CancellationToken,
    pub(super) end: oneshot::Sender<Result<CardPath, DownloadFailure>>,
}

/// An installation that somebody asked for.
pub(super) struct Install {
    pub(super) version: Version,
    pub(super) end: oneshot::Sender<Result<(), UpdateFailure>>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Arc::new(Mutex::new(Simulated::new(Pace::new(10).unwrap())));
        let (ask, downloads) = mpsc::unbounded_channel();
        let (install, installs) = mpsc::unbounded_channel();
        let updates = Arc::new(FakeUpdates {
            offer: Mutex::new(Ok(Offer::default())),
            status: Mutex::new(UpdateStatus::default()),
            checks: AtomicUsize::new(0),
            installs: install,
        });
        let lan = Arc::new(FakeLan(AtomicBool::new(true)));
        let host = Arc::new(FakeHost(AtomicUsize::new(0)));
        let limits = CardLimits::default();
        let (handle, printer) = Printer::new(Parts {
            machine: Box::new(Shared::new(&machine)),
            card: Card::open(folder.path(), limits).unwrap(),
            downloads: Arc::new(FakeDownloads(ask)),
            updates: updates.clone(),
            lan: lan.clone(),
            host: host.clone(),
            about: About {
                serial: "01P00A000000001".into(),
                model: "Virtual One".into(),
                board: "virt-armv7".into(),
                version: Version::parse("1.4.0-rc.1").unwrap(),
                restart_after_update: true,
            },
        });
        let stop = CancellationToken::new();
        Self {
            messages: handle.subscribe(),
            handle,
            machine,
            downloads,
            updates,
            installs,
            lan,
            host,
            folder,
            task: tokio::spawn(printer.run(stop.clone())),
            stop,
        }
    }

    /// Puts a file on the card.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    pub(super) async fn send(&self, origin: Origin, stale: bool, request: &Value) {
        let request = Incoming {
            payload: request.to_string().into(),
            origin,
            stale,
        };
        self.handle.submit(request).await.unwrap();
    }

    /// Asks over the LAN, and waits for the answer: what stands in its section.
    pub(super) async fn ask(&mut self, request: Value) -> Value {
        self.ask_as(Origin::Lan, false, request).await
    }

    pub(super) async fn ask_as(&mut self, origin: Origin, stale: bool, request: Value) -> Value {
        self.send(origin, stale, &request).await;
        let answer = self.answer().await;
        let section = request.as_object().unwrap().keys().next().unwrap();
        answer[section].clone()
    }

    /// The reason of a refusal.
    pub(super) async fn refused(&mut self, request: Value) -> String {
        reason(&self.ask(request).await)
    }

    pub(super) async fn done(&mut self, request: Value) {
        let answer = self.ask(request).await;
        assert_eq!(answer["result"], "success", "{answer}");
    }

    pub(super) async fn answer(&mut self) -> Value {
        loop {
            let (message, kind, _) = self.message().await;
            if kind == Kind::Ack {
                return message;
            }
        }
    }

    pub(super) async fn message(&mut self) -> (Value, Kind, Audience) {
        let message = self.messages.recv().await.unwrap();
        let payload = serde_json::from_slice(&message.payload).unwrap();
        (payload, message.kind, message.to)
    }

    /// A full report, asked for now.
    pub(super) async fn full_report(&mut self) -> Value {
        self.send(
            Origin::Lan,
            false,
            &json!({"pushing": {"command": "pushall"}}),
        )
        .await;
        let (mut report, mut answered) = (None, false);
        // The answer comes first where the report before was sent less than a second ago.
        while report.is_none() || !answered {
            let (message, kind, _) = self.message().await;
            answered |= kind == Kind::Ack;
            if kind == Kind::Status && message["print"]["msg"] == 0 {
                report = Some(message["print"].clone());
            }
        }
        report.unwrap()
    }

    /// Waits until the printer is in this state.
    pub(super) async fn until(&self, state: PrinterState) {
        let mut watch = self.handle.watch();
        let seen = watch.wait_for(|snapshot| snapshot.state == state);
        let seen = tokio::time::timeout(Duration::from_secs(3600), seen).await;
        assert!(
            seen.is_ok(),
            "{:?} and never {state}",
            self.handle.snapshot()
        );
    }

    pub(super) fn offer(&self, newest: Option<&str>, releases: &[(&str, &[&str])]) {
        let version = |text: &str| Version::parse(text).unwrap();
        let releases = releases.iter().map(|(text, against)| Offered {
            version: version(text),
            description: format!("release {text}"),
            against: against.iter().map(ToString::to_string).collect(),
        });
        *self.updates.offer.lock().unwrap() = Ok(Offer {
            newest: newest.map(version),
            releases: releases.collect(),
        });
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.machine.lock().unwrap().inject(fault);
    }

    /// Ends the printer, and waits until it has.
    pub(super) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(super) fn reason(answer: &Value) -> String {
    assert_eq!(answer["result"], "failed", "{answer}");
    answer["reason"].as_str().unwrap().to_owned()
}

pub(super) fn project(url: &str) -> Value {
    json!({"print": {
        "command": "project_file", "sequence_id": "7", "param": "Metadata/plate_1.gcode", "url": url,
        "subtask_name": "cube", "use_ams": true, "ams_mapping": [0], "skip_objects": null,
    }})
}

pub(super) fn print(command: &str) -> Value {
    json!({"print": {"command": command, "sequence_id": "8"}})
}

/// A print archive with one plate.
pub(super) fn archive(gcode: &str) -> Vec<u8> {
    let digest = md5::Md5::digest(gcode.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("Metadata/plate_1.gcode", gcode),
        ("Metadata/plate_1.gcode.md5", &digest),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

struct FakeDownloads(mpsc::UnboundedSender<Asked>);

impl Downloads for FakeDownloads {
    fn fetch(
        &self,
        download: Download,
        progress: watch::Sender<u8>,
        stop: CancellationToken,
    ) -> Pending<Result<CardPath, DownloadFailure>> {
        let (end, ended) = oneshot::channel();
        let asked = Asked {
            download,
            progress,
            stop,
            end,
        };
        self.0.send(asked).unwrap();
        // A test that drops its end has it fail like a task that panics.
        Box::pin(async { ended.await.expect("the download panics") })
    }
}

pub(super) struct FakeUpdates {
    pub(super) offer: Mutex<Result<Offer, UpdateFailure>>,
    pub(super) status: Mutex<UpdateStatus>,
    pub(super) checks: AtomicUsize,
    installs: mpsc::UnboundedSender<Install>,
}

impl Updates for FakeUpdates {
    fn check(&self) -> Pending<Result<Offer, UpdateFailure>> {
        self.checks.fetch_add(1, Ordering::SeqCst);
        let offer = self.offer.lock().unwrap().clone();
        Box::pin(async { offer })
    }

    fn install(&self, version: Version) -> Pending<Result<(), UpdateFailure>> {
        let (end, ended) = oneshot::channel();
        self.installs.send(Install { version, end }).unwrap();
        Box::pin(async { ended.await.unwrap() })
    }

    fn status(&self) -> UpdateStatus {
        self.status.lock().unwrap().clone()
    }
}

pub(super) struct FakeLan(pub(super) AtomicBool);

impl LanSwitch for FakeLan {
    fn set(&self, on: bool) -> Pending<Result<(), String>> {
        self.0.store(on, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Counts how often it was restarted.
pub(super) struct FakeHost(pub(super) AtomicUsize);

impl Host for FakeHost {
    fn wifi_signal(&self) -> Option<i16> {
        Some(-45)
    }

    fn reboot(&self) -> Result<(), String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// The simulated machine, within reach of the test.
struct Shared {
    machine: Arc<Mutex<Simulated>>,
    reading: Reading,
}

impl Shared {
    fn new(machine: &Arc<Mutex<Simulated>>) -> Self {
        let reading = machine.lock().unwrap().reading().clone();
        Self {
            machine: machine.clone(),
            reading,
        }
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Simulated) -> T) -> T {
        let mut machine = self.machine.lock().unwrap();
        let result = work(&mut machine);
        self.reading = machine.reading().clone();
        result
    }
}

impl Machine for Shared {
    fn start(&mut self, plate: Plate) -> Result<(), Refused> {
        self.with(|machine| machine.start(plate))
    }

    fn pause(&mut self) -> Result<(), Refused> {
        self.with(Machine::pause)
    }

    fn resume(&mut self) -> Result<(), Refused> {
        self.with(Machine::resume)
    }

    fn stop(&mut self) -> Result<(), Refused> {
        self.with(Machine::stop)
    }

    fn run_line(&mut self, gcode: &str) -> Result<(), Refused> {
        self.with(|machine| machine.run_line(gcode))
    }

    fn set_light(&mut self, light: Light) {
        self.with(|machine| machine.set_light(light));
    }

    fn set_fan(&mut self, fan: Fan, percent: u8) {
        self.with(|machine| machine.set_fan(fan, percent));
    }

    fn set_speed_level(&mut self, level: SpeedLevel) {
        self.with(|machine| machine.set_speed_level(level));
    }

    fn clear_fault(&mut self) -> Result<(), Refused> {
        self.with(Machine::clear_fault)
    }

    fn advance(&mut self, elapsed: Duration) {
        self.with(|machine| machine.advance(elapsed));
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}
