//! What experiments share: one printer in service, and the authorities and ports of those that it will meet.

use std::fs;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;

use super::order::Order;
use super::peer::owner::Owner;
use super::peer::tls::Authority;
use super::printer::Printer;

/// Where the probe's own servers are. The network is the probe's alone: nobody else has a port there.
pub(super) const HTTPS_PORT: u16 = 18443;
/// A server whose certificate nobody vouches for.
pub(super) const STRANGERS_PORT: u16 = 18444;
/// The repository, in clear text: its signatures carry the trust.
pub(super) const UPDATES_PORT: u16 = 18081;
/// A server in clear text.
pub(super) const HTTP_PORT: u16 = 18080;
/// The cloud's broker.
pub(super) const BROKER_PORT: u16 = 18883;
/// The password that the printer has for the cloud's broker.
pub(super) const CLOUD_PASSWORD: &str = "of-the-probe";

/// The bench that the printer stands on.
pub(super) struct Bench {
    pub(super) order: Order,
    /// Whom the printer is told to believe.
    pub(super) trusted: Authority,
    printer: Option<Printer>,
    owner: Option<Owner>,
}

impl Bench {
    /// An empty one.
    pub(super) fn new(order: Order) -> Result<Self> {
        Ok(Self {
            order,
            trusted: Authority::new()?,
            printer: None,
            owner: None,
        })
    }

    /// A folder of an experiment's own.
    pub(super) fn folder(&self, name: &str) -> Result<Utf8PathBuf> {
        let folder = self.order.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder}"))?;
        Ok(folder)
    }

    /// A printer of an experiment's own, that is not started.
    pub(super) fn another(&self, name: &str, settings: &str) -> Result<Printer> {
        let Order { emulator, root, .. } = &self.order;
        Printer::new(emulator, root, self.folder(name)?, settings)
    }

    /// The printer in service that experiments share.
    pub(super) fn printer(&mut self) -> Result<&Printer> {
        if self.printer.is_none() {
            let settings = self.settings("mqtts")?;
            let mut printer = self.another("shared", &settings)?;
            printer.start()?;
            self.printer = Some(printer);
        }
        self.printer.as_ref().context("there is no printer")
    }

    /// The printer's owner; LAN mode is on from here.
    pub(super) fn owner(&mut self) -> Result<Owner> {
        if let Some(owner) = &self.owner {
            return Ok(owner.clone());
        }
        let owner = Owner::of(self.printer()?)?;
        Ok(self.owner.insert(owner).clone())
    }

    /// Settings of a printer that knows the probe's authority and its broker, which is reached by this scheme.
    pub(super) fn settings(&self, scheme: &str) -> Result<String> {
        let folder = self.folder("settings")?;
        let (ca, password) = (folder.join("authority.pem"), folder.join("password"));
        fs::write(&ca, &self.trusted.pem).with_context(|| format!("cannot write {ca}"))?;
        fs::write(&password, CLOUD_PASSWORD).with_context(|| format!("cannot write {password}"))?;
        Ok(format!(
            "[machine]\nspeed = 1000\n\
             [network]\nextra_ca = {ca:?}\nattempts = 3\nfirst_wait_ms = 50\nlongest_wait_ms = 500\n\
             [cloud]\nbroker = \"{scheme}://127.0.0.1:{BROKER_PORT}\"\nca = {ca:?}\n\
             password_file = {password:?}\nmqtt = \"3.1.1\"\n"
        ))
    }
}
