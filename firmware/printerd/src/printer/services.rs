//! What the printer asks of its surroundings, each behind a trait so that a test can stand in for it.

use std::{future::Future, pin::Pin};

use firstlayer_card::CardPath;
use semver::Version;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::protocol::{HttpsUrl, Md5};

/// An answer that comes later, and borrows nothing.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A file to bring to the card.
#[derive(Debug, Clone)]
pub struct Download {
    /// From where.
    pub url: HttpsUrl,
    /// What the command says that its MD5 is.
    pub md5: Option<Md5>,
}

/// Brings files to the card over HTTPS.
pub trait Downloads: Send + Sync {
    /// Fetches the file, or finds it on the card from before. `progress` is a percentage. It ends soon after `stop`
    /// is cancelled, and what it fails with holds no secret of the URL.
    fn fetch(
        &self,
        download: Download,
        progress: watch::Sender<u8>,
        stop: CancellationToken,
    ) -> Pending<Result<CardPath, DownloadFailure>>;
}

/// Why a file could not be brought.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DownloadFailure(pub String);

/// Drives the update agent. It installs nothing that the signed metadata and the anti-rollback rules do not allow,
/// whoever asks.
pub trait Updates: Send + Sync {
    /// Asks the repository what there is.
    fn check(&self) -> Pending<Result<Offer, UpdateFailure>>;
    /// Installs this release of the channel into the other slot, for the next start.
    fn install(&self, version: Version) -> Pending<Result<(), UpdateFailure>>;
    /// How the update stands. Asked every second, and must not block.
    fn status(&self) -> UpdateStatus;
}

/// What the repository offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// The release that the rules choose.
    pub newest: Option<Version>,
    /// Every release for this printer that is not the one that runs, newest first.
    pub releases: Vec<Offered>,
}

/// A release of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its version.
    pub version: Version,
    /// A line about it for people.
    pub description: String,
    /// Why it may not be installed; empty if it may.
    pub against: Vec<String>,
}

/// How the update stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateStatus {
    /// What is going on.
    pub phase: UpdatePhase,
    /// Percentage of the download or installation.
    pub percent: u8,
    /// A sentence, or nothing.
    pub message: String,
}

/// What is going on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdatePhase {
    /// Nothing.
    #[default]
    Idle,
    /// The repository is being asked.
    Checking,
    /// A release is being fetched and written.
    Installing,
    /// One is installed, and the next start tries it.
    AwaitsReboot,
    /// One is on trial.
    Trial,
}

/// Why an update could not be found or installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UpdateFailure(pub String);

/// Turns LAN mode on and off.
pub trait LanSwitch: Send + Sync {
    /// Wishes it on or off, from now on; the services follow at once. The answer comes when they have, and is a
    /// sentence if LAN mode does not stand as was wished.
    fn set(&self, on: bool) -> Pending<Result<(), String>>;
    /// Whether it is on.
    fn is_on(&self) -> bool;
}

/// The computer that the printer runs on. Neither function may block.
pub trait Host: Send + Sync {
    /// Strength of the Wi-Fi signal in dBm, if there is one.
    fn wifi_signal(&self) -> Option<i16>;
    /// Starts the printer anew. An error is a sentence.
    fn reboot(&self) -> Result<(), String>;
}
