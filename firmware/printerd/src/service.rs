//! The service: everything that a printer does between its start and its end, put together.
//!
//! ```text
//! console ─▶ lan ─▶ broker, FTPS, discovery ─▶ printer ─▶ machine
//!                                  cloud link ─▶    │
//!                                    transfers, updates
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use firstlayer_agent::{read_at_most, write_atomically};
use firstlayer_card::{Card, CardLimits};
use firstlayer_lan::{
    Identity, Tls,
    access::{Access, USER},
    discovery::Announcement,
};
use firstlayer_machine::Simulated;
use jiff::Timestamp;
use serde::Serialize;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Mutex, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    cloud::{self, LinkState},
    config::{
        Config,
        device::{CardConfig, Serial},
    },
    lock::UpdateLock,
    place::{Installation, Place},
    printer::{About, Parts, Printer, PrinterHandle},
    protocol::FourPart,
    service::{
        console::{Answer, Certificate, Console, Question},
        lan::{Standing, Switch},
        settings::Settings,
        updates::UpdateHost,
    },
    wifi::{self, Network},
};

pub mod console;
mod downloads;
pub mod host;
pub mod lan;
pub mod settings;
pub mod updates;

/// A printer is told apart by its serial number, in its certificate and in its topics.
const NO_SERIAL: &str =
    "the configuration has no device.serial: set it in config.toml in the state folder";

/// How long the end waits for threads that block.
const GOODBYE: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or Ctrl-C.
pub fn run(place: &Place) -> anyhow::Result<()> {
    let installation = Installation::load(place)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the service's threads")?;
    let served = runtime.block_on(serve(place, installation));
    // A check or an installation on a thread that blocks is broken off, as by a power cut: it can be resumed.
    runtime.shutdown_timeout(GOODBYE);
    served
}

/// Asks the running service.
pub fn ask(place: &Place, question: Question) -> anyhow::Result<Answer> {
    let installation = Installation::load(place)?;
    console::ask(&Settings::console(&installation.config.state), question)
}

/// Writes the supplicant's configuration, for the network that this file describes.
pub fn configure_wifi(place: &Place, file: &Path) -> anyhow::Result<WifiConfigured> {
    let installation = Installation::load(place)?;
    let describe = || format!("reading {}", file.display());
    let bytes = read_at_most(file, wifi::LONGEST_FILE).with_context(describe)?;
    let bytes = bytes.with_context(|| format!("there is no {}", file.display()))?;
    let text = std::str::from_utf8(&bytes).with_context(describe)?;
    let network = Network::parse(text).with_context(describe)?;
    let path = settings::Settings::supplicant(&installation.config.state)?;
    write_atomically(&path, network.supplicant().as_bytes())
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(WifiConfigured {
        ssid: network.ssid().to_owned(),
        file: path,
    })
}

/// Another service runs on this printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another service is at work on this printer")]
pub struct AnotherService;

/// A part of the service ended by itself. The supervisor is to start it anew.
#[derive(Debug, thiserror::Error)]
#[error("a part of the service ended by itself")]
pub struct TaskLost(#[source] Option<tokio::task::JoinError>);

/// What was configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WifiConfigured {
    /// The network's name.
    pub ssid: String,
    /// Where the supplicant finds it.
    pub file: PathBuf,
}

/// Everything that serves, and what the console asks it for.
struct Running {
    serial: Serial,
    settings: Arc<Settings>,
    identity: Mutex<Identity>,
    tls: Tls,
    access: Access,
    switch: Switch,
    printer: PrinterHandle,
    link: watch::Receiver<LinkState>,
}

async fn serve(place: &Place, installation: Installation) -> anyhow::Result<()> {
    let Installation {
        config, running, ..
    } = installation;
    let device = &config.device;
    let serial = device.serial.clone().context(NO_SERIAL)?;
    let _only = only_service(&config.state)?;
    let settings = Arc::new(Settings::open(&config.state)?);
    let identity = settings.identity(serial.as_str(), Timestamp::now())?;
    let tls = Tls::new(&identity).context("setting up TLS")?;
    let access = Access::new(&settings.access_code()?);
    let card = open_card(&device.card, &config.state)?;
    let (switch, wishes) = lan::switch(Arc::clone(&settings));
    let updates = UpdateHost::new(place.clone());
    let passed = running.built;
    let cloud = device.cloud.as_ref();
    let cloud = cloud
        .map(|cloud| cloud::Settings::load(cloud, serial.as_str(), backoff(&config)))
        .transpose()?;
    let about = About {
        serial: serial.to_string(),
        model: config.model.to_string(),
        board: config.board.to_string(),
        version: running.version.clone(),
        restart_after_update: false,
    };
    let announcement = announcement(&about, &device.name);
    let (printer, actor) = Printer::new(Parts {
        machine: Box::new(Simulated::new(device.machine_pace)),
        card: card.clone(),
        downloads: downloads::downloads(&config, card.clone(), passed)?,
        updates: Arc::new(updates.clone()),
        lan: Arc::new(switch.clone()),
        host: Arc::new(host::LinuxHost),
        about,
    });
    let lan = lan::Parts {
        config: device.lan.clone(),
        announcement,
        tls: tls.clone(),
        access: access.clone(),
        card,
        printer: printer.clone(),
    };
    let (link, link_state) = watch::channel(LinkState::Stopped);
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(ends(&stop)?);
    tasks.spawn(actor.run(stop.clone()));
    tasks.spawn(lan::follow(lan, wishes, stop.clone()));
    if let Some(cloud) = cloud {
        tasks.spawn(cloud_link(
            cloud,
            serial.clone(),
            printer.clone(),
            link,
            passed,
            stop.clone(),
        ));
    }
    let service = Running {
        serial,
        settings,
        identity: Mutex::new(identity),
        tls,
        access,
        switch,
        printer,
        link: link_state,
    };
    let socket = Settings::console(&config.state);
    let console =
        Console::open(&socket).with_context(|| format!("opening {}", socket.display()))?;
    prove(updates).await;
    tracing::info!(version = %running.version, "in service");
    let answer = async |question| service.answer(question).await;
    let ended = tokio::select! {
        () = console.serve(stop.clone(), answer) => Ok(()),
        lost = lost(&mut tasks, &stop) => Err(lost),
    };
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    tracing::info!("out of service");
    Ok(ended?)
}

/// Comes back when a task ends before `stop` is cancelled: what it did is done by nobody any more, and only a new start
/// helps.
async fn lost(tasks: &mut JoinSet<()>, stop: &CancellationToken) -> TaskLost {
    let ended = tasks.join_next().await;
    if stop.is_cancelled() {
        std::future::pending::<()>().await;
    }
    TaskLost(ended.and_then(Result::err))
}

/// Everything has begun: a release on trial has shown that it works.
async fn prove(updates: UpdateHost) {
    let proven = tokio::task::spawn_blocking(move || match updates.on_trial() {
        true => updates
            .confirm()
            .map(|()| tracing::info!("the release on trial is confirmed")),
        false => Ok(()),
    });
    if let Ok(Err(error)) = proven.await {
        tracing::error!(
            error = format!("{error:#}"),
            "the release on trial cannot be confirmed"
        );
    }
}

async fn cloud_link(
    settings: cloud::Settings,
    serial: Serial,
    printer: PrinterHandle,
    state: watch::Sender<LinkState>,
    passed: Timestamp,
    stop: CancellationToken,
) {
    let run = cloud::run(
        settings,
        serial.as_str(),
        printer,
        state,
        passed,
        stop.clone(),
    );
    if let Err(error) = run.await {
        tracing::error!(%error, "there is no cloud link: TLS cannot be set up");
        // The printer prints without the cloud.
        stop.cancelled().await;
    }
}

/// As patient with the cloud and with model files as with the repository.
fn backoff(config: &Config) -> Backoff {
    Backoff {
        first: config.retry.first,
        longest: config.retry.longest,
    }
}

fn announcement(about: &About, name: &str) -> Announcement {
    Announcement {
        serial: about.serial.clone(),
        model: about.model.clone(),
        name: name.to_owned(),
        version: FourPart(&about.version).to_string(),
    }
}

/// Cancels `stop` on SIGTERM and on Ctrl-C.
fn ends(stop: &CancellationToken) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let listen = |kind| signal(kind).context("listening for signals");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let stop = stop.clone();
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stop.cancelled() => {}
        }
        stop.cancel();
    })
}

impl Running {
    async fn answer(&self, question: Question) -> anyhow::Result<Answer> {
        match question {
            Question::Status => Ok(Answer::Status {
                lan: self.switch.standing(),
                cloud: self.link.borrow().clone(),
                printer: serde_json::to_value(self.printer.snapshot())
                    .context("showing the printer")?,
            }),
            Question::Lan { on } => match self.switch.turn(on).await? {
                Standing::Failed { reason } => Err(anyhow::Error::msg(reason)),
                standing => Ok(Answer::Lan(standing)),
            },
            Question::AccessCode { new } => self.access_code(new),
            Question::Certificate { renew } => self.certificate(renew).await,
        }
    }

    fn access_code(&self, new: bool) -> anyhow::Result<Answer> {
        let code = if new {
            self.settings.new_access_code()?
        } else {
            self.settings.access_code()?
        };
        if new {
            self.access.change(&code);
            tracing::info!("the access code was changed");
        }
        Ok(Answer::AccessCode {
            user: USER.to_owned(),
            access_code: code.expose().to_owned(),
        })
    }

    async fn certificate(&self, renew: bool) -> anyhow::Result<Answer> {
        let mut identity = self.identity.lock().await;
        if renew {
            self.settings.renew(&mut identity, Timestamp::now())?;
            self.tls.present(&identity)?;
            tracing::info!(ends = identity.ends(), "the certificate was renewed");
        }
        Ok(Answer::Certificate(Certificate {
            serial: self.serial.to_string(),
            fingerprint: identity.fingerprint()?.to_string(),
            ends: identity.ends(),
            authority_fingerprint: identity.authority_fingerprint()?.to_string(),
            authority: identity.authority_pem().to_owned(),
        }))
    }
}

/// Held until the service ends.
fn only_service(state: &Path) -> anyhow::Result<UpdateLock> {
    let path = state.join("service.lock");
    let lock = UpdateLock::take(&path, Duration::ZERO)
        .with_context(|| format!("locking {}", path.display()))?;
    Ok(lock.ok_or(AnotherService)?)
}

fn open_card(config: &CardConfig, state: &Path) -> anyhow::Result<Card> {
    let folder = config.folder.clone().unwrap_or_else(|| state.join("card"));
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let mut limits = CardLimits::default();
    limits.largest_file = config.largest_file;
    limits.keep_free = config.keep_free;
    let card = Card::open(&folder, limits)
        .with_context(|| format!("opening the card, {}", folder.display()))?;
    // Whatever was in flight when the power went has nobody left to go on with it. What cannot be removed takes room
    // on the card and does no other harm: it keeps nobody from printing.
    if let Err(error) = card.discard_old_partials(SystemTime::now()) {
        tracing::warn!(%error, "what is left of old uploads could not be removed");
    }
    Ok(card)
}

#[cfg(test)]
mod tests;
