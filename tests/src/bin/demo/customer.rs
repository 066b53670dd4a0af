//! One customer's printer: the firmware of a bundle under emulation, in the maker's cloud.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_tests::cloud::Cloud;
use firstlayer_tests::firmware::Firmware;
use firstlayer_tests::fixture::BoardUnderTest;
use firstlayer_tests::printer::{LIMIT, Printer};
use firstlayer_tests::process::Process;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::builds::Builds;

/// The payload of a bundle, as a tar entry.
const PAYLOAD: &str = "root.zst";

/// A customer's printer.
pub(crate) struct Customer {
    pub(crate) serial: String,
    printer: Printer,
    board: BoardUnderTest,
    folder: Utf8PathBuf,
}

impl Customer {
    /// As it left the factory, with the firmware of this bundle.
    pub(crate) fn with_firmware_of(
        bundle: &Utf8Path,
        serial: &str,
        board: BoardUnderTest,
        builds: &Builds,
        cloud: &Cloud,
        folder: &Utf8Path,
    ) -> Result<Self> {
        let image = folder.join("factory.tar");
        take_image(bundle, &image)?;
        let firmware = Firmware {
            binary: builds.lacking.clone().into(),
            emulator: builds.emulator.clone().into(),
        };
        let mut printer = Printer::of_image(firmware, board, &cloud.updates(), image.as_std_path());
        let password = folder.join("cloud-password");
        let authority = &cloud.certificates.authority;
        printer.settings.extra_ca = Some(authority.clone());
        printer.settings.more = format!(
            "[device]\nserial = {serial:?}\n[machine]\nspeed = 60\n[cloud]\nbroker = \"mqtts://{}\"\nca = {authority:?}\n\
             password_file = {password:?}\n",
            cloud.broker.address()
        );
        Ok(Self {
            serial: serial.to_owned(),
            printer,
            board,
            folder: folder.to_owned(),
        })
    }

    /// The version that runs.
    pub(crate) fn version(&self) -> Result<String> {
        let status = self.printer.status();
        let version = status["running"].as_str();
        Ok(version.context("no version in the status")?.to_owned())
    }

    /// What the printer says of itself to the cloud.
    pub(crate) fn claims(&self) -> Result<Value> {
        Ok(json!({
            "serial": self.serial,
            "model": self.board.model,
            "board": self.board.name,
            "version": self.version()?,
            "channel": "stable",
        }))
    }

    /// Fetches the update over the network, boots into it, and confirms it.
    pub(crate) fn update(&mut self) -> Result<()> {
        let installed = self.printer.report(&["update", "install"]);
        ensure!(
            installed["installed"].is_string(),
            "nothing was installed: {installed}"
        );
        self.printer.reboot();
        self.printer.report(&["update", "confirm"]);
        Ok(())
    }

    /// Logs in to the cloud with credentials that the gate gives, and serves.
    pub(crate) fn go_online(&self, cloud: &Cloud) -> Result<Online<'_>> {
        let given = cloud.serve("/v1/mqtt/credentials", &self.claims()?);
        ensure!(given.status == 200, "no credentials: {given:?}");
        let given = given.json();
        let password = given["password"].as_str().context("no password")?;
        fs::write(self.folder.join("cloud-password"), password)?;
        let mut command = self.printer.command(&["run"]);
        command.env("PRINTERD_LOG", "info");
        let mut service = Process::spawn(&mut command);
        if service
            .wait_for_line(LIMIT, |line| line.contains("in service"))
            .is_none()
        {
            bail!("the printer's service ended: {}", service.finish(LIMIT));
        }
        let reports = cloud
            .broker
            .watch(&format!("device/{}/report", self.serial));
        Ok(Online {
            customer: self,
            service,
            reports: reports.map_err(anyhow::Error::msg)?,
        })
    }
}

/// A printer in service.
pub(crate) struct Online<'a> {
    customer: &'a Customer,
    service: Process,
    reports: Process,
}

impl Online<'_> {
    /// Sends it a message through the broker, and waits for a report that is as it should be.
    pub(crate) fn tell(
        &mut self,
        cloud: &Cloud,
        message: &Value,
        expected: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let topic = format!("device/{}/request", self.customer.serial);
        let sent = cloud.broker.publish(&topic, &message.to_string());
        sent.map_err(anyhow::Error::msg)?;
        let mut found = None;
        let parse = |line: &str| serde_json::from_str::<Value>(line).ok();
        let line = self.reports.wait_for_output(LIMIT, |line| {
            parse(line).is_some_and(|report| expected(&report))
        });
        if let Some(line) = line {
            found = parse(&line);
        }
        found.with_context(|| format!("the printer did not report on {message}"))
    }

    /// How it stands, by its own command.
    pub(crate) fn status(&self) -> Value {
        self.customer.printer.report(&["status"])
    }

    /// Ends it as the system does; gives its log.
    pub(crate) fn end(self) -> String {
        self.service.signal(Signal::TERM);
        self.service.finish(LIMIT).stderr
    }
}

/// The image in a bundle: a bundle is a tar, and its payload zstd frames.
fn take_image(bundle: &Utf8Path, image: &Utf8Path) -> Result<()> {
    let file = fs::File::open(bundle).with_context(|| format!("cannot open {bundle}"))?;
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.path()? == Path::new(PAYLOAD) {
            zstd::stream::copy_decode(entry, fs::File::create(image)?)?;
            return Ok(());
        }
    }
    bail!("{bundle} holds no {PAYLOAD}")
}
