//! LAN mode: opens its ports when it is turned on, and when it is turned off ends everything behind them.
//!
//! Off means that no socket listens and no task is left. It never opens one port without the others: where one cannot
//! be opened LAN mode stays off, and says why.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use firstlayer_card::Card;
use firstlayer_lan::{
    Service, Tls,
    access::Access,
    admission::{Admission, AdmissionLimits},
    discovery::{self, Announcement},
    ftps, mqtt,
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::{broadcast, mpsc, watch},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::device::LanConfig,
    printer::{Audience, Incoming, LanSwitch, Origin, PrinterHandle},
    service::settings::Settings,
};

/// How long to wait before a port that is taken is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Requests and reports on their way between the broker and the printer.
const QUEUE: usize = 32;

/// What LAN mode serves with.
pub struct Parts {
    /// Where to listen.
    pub config: LanConfig,
    /// What discovery says.
    pub announcement: Announcement,
    /// Certificate and sessions.
    pub tls: Tls,
    /// Who may log in.
    pub access: Access,
    /// The printer's files.
    pub card: Card,
    /// The printer.
    pub printer: PrinterHandle,
}

/// How LAN mode stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lan_mode", rename_all = "kebab-case")]
pub enum Standing {
    /// No port is open.
    Off,
    /// Every port is open.
    On,
    /// It is to be on and cannot.
    Failed {
        /// Why.
        reason: String,
    },
}

/// The switch. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Switch {
    wish: watch::Sender<bool>,
    standing: watch::Receiver<Standing>,
    settings: Arc<Settings>,
}

/// The other end of the switch.
#[derive(Debug)]
pub struct Wishes {
    wish: watch::Receiver<bool>,
    standing: watch::Sender<Standing>,
}

/// A switch that stands as the settings say.
pub fn switch(settings: Arc<Settings>) -> (Switch, Wishes) {
    let (wish, wishes) = watch::channel(settings.lan_mode());
    let (told, standing) = watch::channel(Standing::Off);
    (
        Switch {
            wish,
            standing,
            settings,
        },
        Wishes {
            wish: wishes,
            standing: told,
        },
    )
}

impl Switch {
    /// Keeps the wish, and comes back when LAN mode stands accordingly, or cannot.
    pub async fn turn(&self, on: bool) -> anyhow::Result<Standing> {
        self.settings.set_lan_mode(on)?;
        let mut standing = self.standing.clone();
        self.wish.send_replace(on);
        let reached = standing
            .wait_for(|standing| (*standing == Standing::Off) != on)
            .await?;
        Ok(reached.clone())
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }
}

impl LanSwitch for Switch {
    fn set(&self, on: bool) {
        if let Err(error) = self.settings.set_lan_mode(on) {
            tracing::error!(
                error = format!("{error:#}"),
                "LAN mode could not be kept for the next start"
            );
        }
        self.wish.send_replace(on);
    }

    fn is_on(&self) -> bool {
        *self.standing.borrow() == Standing::On
    }
}

/// Follows the switch until `stop` is cancelled.
pub async fn follow(parts: Parts, mut wishes: Wishes, stop: CancellationToken) {
    loop {
        let on = *wishes.wish.borrow_and_update();
        let next = if on {
            serve(&parts, &mut wishes, &stop).await
        } else {
            Standing::Off
        };
        wishes.standing.send_replace(next.clone());
        let failed = matches!(next, Standing::Failed { .. });
        tokio::select! {
            () = stop.cancelled() => return,
            changed = wishes.wish.changed() => if changed.is_err() { return },
            // Whoever has the port may let go of it.
            () = sleep(RETRY), if failed => {}
        }
    }
}

/// Serves until LAN mode is wished off. Then nothing of it is left.
async fn serve(parts: &Parts, wishes: &mut Wishes, stop: &CancellationToken) -> Standing {
    let sockets = match Sockets::open(&parts.config).await {
        Ok(sockets) => sockets,
        Err(reason) => {
            tracing::warn!(reason, "LAN mode cannot be turned on");
            return Standing::Failed { reason };
        }
    };
    let end = stop.child_token();
    let tasks = TaskTracker::new();
    start(parts, sockets, &tasks, &end);
    tasks.close();
    tracing::info!("LAN mode is on");
    wishes.standing.send_replace(Standing::On);
    tokio::select! {
        () = stop.cancelled() => {}
        _ = wishes.wish.wait_for(|on| !on) => {}
        () = tasks.wait() => tracing::error!("LAN mode ended by itself"),
    }
    end.cancel();
    tasks.wait().await;
    tracing::info!("LAN mode is off");
    Standing::Off
}

fn start(parts: &Parts, sockets: Sockets, tasks: &TaskTracker, end: &CancellationToken) {
    let service = |admission| Service {
        tls: Arc::clone(&parts.tls.control),
        access: parts.access.clone(),
        admission: Admission::new(admission),
    };
    let (requests, received) = mpsc::channel(QUEUE);
    let (reports, _) = broadcast::channel(QUEUE);
    let messages = mqtt::Messages {
        requests,
        reports: reports.clone(),
    };
    let serial = parts.announcement.serial.clone();
    let broker = service(AdmissionLimits::default());
    let files = service(AdmissionLimits::default());
    let (data, card) = (Arc::clone(&parts.tls.data), parts.card.clone());
    let stop = end.clone();
    tasks.spawn(async move {
        mqtt::serve(sockets.mqtt, broker, &serial, messages, stop).await;
    });
    tasks.spawn(ftps::serve(sockets.ftps, files, data, card, end.clone()));
    tasks.spawn(discovery::serve(
        sockets.discovery,
        parts.announcement.clone(),
        end.clone(),
    ));
    tasks.spawn(hand_on(received, parts.printer.clone(), end.clone()));
    tasks.spawn(report(reports, parts.printer.clone(), end.clone()));
}

/// Requests of LAN clients to the printer.
async fn hand_on(
    mut requests: mpsc::Receiver<mqtt::Request>,
    printer: PrinterHandle,
    end: CancellationToken,
) {
    let all = async {
        while let Some(mqtt::Request { payload, stale, .. }) = requests.recv().await {
            let request = Incoming {
                payload,
                origin: Origin::Lan,
                stale,
            };
            if printer.submit(request).await.is_err() {
                return;
            }
        }
    };
    end.run_until_cancelled(all).await;
}

/// What the printer says to LAN clients.
async fn report(
    reports: broadcast::Sender<bytes::Bytes>,
    printer: PrinterHandle,
    end: CancellationToken,
) {
    let mut messages = printer.subscribe();
    let all = async {
        loop {
            match messages.recv().await {
                Ok(message) if message.to == Audience::Cloud => {}
                // With no client there is nobody to send to.
                Ok(message) => drop(reports.send(message.payload)),
                Err(broadcast::error::RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "reports to the LAN were lost: the printer is busy");
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    };
    end.run_until_cancelled(all).await;
}

struct Sockets {
    mqtt: TcpListener,
    ftps: TcpListener,
    discovery: UdpSocket,
}

impl Sockets {
    /// All of them, or a sentence that says which one not, and why.
    async fn open(config: &LanConfig) -> Result<Self, String> {
        let cannot = |what: &'static str, port: u16| {
            move |error: io::Error| format!("port {port} for {what} cannot be opened: {error}")
        };
        let address = usable(config.address).await;
        let at = |port| SocketAddr::new(address, port);
        Ok(Self {
            mqtt: TcpListener::bind(at(config.mqtt_port))
                .await
                .map_err(cannot("MQTT", config.mqtt_port))?,
            ftps: TcpListener::bind(at(config.ftps_port))
                .await
                .map_err(cannot("FTPS", config.ftps_port))?,
            discovery: UdpSocket::bind(at(config.discovery_port))
                .await
                .map_err(cannot("discovery", config.discovery_port))?,
        })
    }
}

/// Every address of IPv4 alone, on a system that was built without IPv6.
async fn usable(address: IpAddr) -> IpAddr {
    let without_ipv6 = address.is_ipv6()
        && address.is_unspecified()
        && UdpSocket::bind(SocketAddr::new(address, 0)).await.is_err();
    if without_ipv6 {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        address
    }
}
