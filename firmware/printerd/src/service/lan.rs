//! LAN mode: opens its ports when it is turned on, and when it is turned off ends everything behind them.
//!
//! Off means that no socket listens and no task is left. It never opens one port without the others: where one cannot
//! be opened LAN mode stays off, and says why.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
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
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::device::LanConfig,
    printer::{Audience, Incoming, LanSwitch, Origin, Pending, PrinterHandle},
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
    wish: watch::Sender<Wish>,
    reached: watch::Receiver<Reached>,
    settings: Arc<Settings>,
    /// The last wish's number. Held while one is kept and told: both go in one order.
    last: Arc<Mutex<u64>>,
}

/// The other end of the switch.
#[derive(Debug)]
pub struct Wishes {
    wish: watch::Receiver<Wish>,
    reached: watch::Sender<Reached>,
    /// The number of the wish that is followed.
    followed: u64,
}

/// What somebody wants, numbered from 1.
#[derive(Debug, Clone, Copy)]
struct Wish {
    number: u64,
    on: bool,
}

/// What came of a wish, and of all before it.
#[derive(Debug, Clone)]
struct Reached {
    number: u64,
    standing: Standing,
}

/// A switch that stands as the settings say.
pub fn switch(settings: Arc<Settings>) -> (Switch, Wishes) {
    let on = settings.lan_mode();
    let (wish, wishes) = watch::channel(Wish { number: 0, on });
    let (told, reached) = watch::channel(Reached {
        number: 0,
        standing: Standing::Off,
    });
    (
        Switch {
            wish,
            reached,
            settings,
            last: Arc::default(),
        },
        Wishes {
            wish: wishes,
            reached: told,
            followed: 0,
        },
    )
}

impl Switch {
    /// Keeps the wish, and comes back when it was followed: with how LAN mode stands then. That is another standing
    /// than was wished where LAN mode cannot be turned on, or where somebody wished the opposite meanwhile.
    pub async fn turn(&self, on: bool) -> anyhow::Result<Standing> {
        self.followed(self.wish(on)?).await
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.reached.borrow().standing.clone()
    }

    /// The wish's number.
    fn wish(&self, on: bool) -> anyhow::Result<u64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.settings.set_lan_mode(on)?;
        *last += 1;
        self.wish.send_replace(Wish { number: *last, on });
        Ok(*last)
    }

    async fn followed(&self, number: u64) -> anyhow::Result<Standing> {
        let mut reached = self.reached.clone();
        let reached = reached
            .wait_for(|reached| reached.number >= number)
            .await
            .context("LAN mode is not switched any more: the service ends")?;
        Ok(reached.standing.clone())
    }
}

impl Wishes {
    /// Whether LAN mode is wished on now.
    fn look(&mut self) -> bool {
        let wish = *self.wish.borrow_and_update();
        self.followed = wish.number;
        wish.on
    }

    /// Says what came of the wish that was last looked at.
    fn tell(&self, standing: Standing) {
        self.reached.send_replace(Reached {
            number: self.followed,
            standing,
        });
    }

    /// Comes back when LAN mode is wished off. Whoever wishes it on meanwhile is told that it is.
    async fn off(&mut self) {
        while self.look() {
            self.tell(Standing::On);
            if self.wish.changed().await.is_err() {
                return;
            }
        }
    }
}

impl LanSwitch for Switch {
    fn set(&self, on: bool) -> Pending<Result<(), String>> {
        let (switch, wished) = (self.clone(), self.wish(on));
        Box::pin(async move {
            let standing = match wished {
                Ok(number) => switch.followed(number).await,
                Err(error) => Err(error),
            };
            match standing {
                Ok(Standing::On) if on => Ok(()),
                Ok(Standing::Off) if !on => Ok(()),
                Ok(Standing::Failed { reason }) => Err(reason),
                Ok(_) => Err("somebody wished the opposite meanwhile".to_owned()),
                Err(error) => Err(format!("LAN mode could not be switched: {error:#}")),
            }
        })
    }

    fn is_on(&self) -> bool {
        self.standing() == Standing::On
    }
}

/// Follows the switch until `stop` is cancelled.
pub async fn follow(parts: Parts, mut wishes: Wishes, stop: CancellationToken) {
    loop {
        let next = if wishes.look() {
            serve(&parts, &mut wishes, &stop).await
        } else {
            Standing::Off
        };
        let failed = matches!(next, Standing::Failed { .. });
        wishes.tell(next);
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
    let mut tasks = JoinSet::new();
    start(parts, sockets, &mut tasks, &end);
    tracing::info!("LAN mode is on");
    let standing = tokio::select! {
        () = stop.cancelled() => Standing::Off,
        () = wishes.off() => Standing::Off,
        // One without the others is no LAN mode: all are begun anew.
        _ = tasks.join_next() => {
            let reason = "a service of LAN mode ended by itself".to_owned();
            tracing::error!(reason);
            Standing::Failed { reason }
        }
    };
    end.cancel();
    while tasks.join_next().await.is_some() {}
    tracing::info!("LAN mode is off");
    standing
}

fn start(parts: &Parts, sockets: Sockets, tasks: &mut JoinSet<()>, end: &CancellationToken) {
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

#[cfg(test)]
mod tests;
