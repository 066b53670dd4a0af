//! The switch, with LAN mode of a printer that is not there.

use std::net::TcpListener as Taken;

use firstlayer_card::CardLimits;
use firstlayer_lan::{Identity, access::AccessCode};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;

const SERIAL: &str = "01P00A000000001";

/// LAN mode of a printer that is not there.
struct Bench {
    switch: Switch,
    settings: Arc<Settings>,
    stop: CancellationToken,
    following: JoinHandle<()>,
    _folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        // The system chooses the ports.
        Self::at(LanConfig {
            address: Ipv4Addr::LOCALHOST.into(),
            mqtt_port: 0,
            ftps_port: 0,
            discovery_port: 0,
        })
    }

    fn at(config: LanConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Arc::new(Settings::open(folder.path()).unwrap());
        let identity = Identity::create(SERIAL, &[], Timestamp::UNIX_EPOCH).unwrap();
        let (requests, _) = mpsc::channel(1);
        let (messages, _) = broadcast::channel(1);
        let parts = Parts {
            config,
            announcement: Announcement {
                serial: SERIAL.to_owned(),
                model: "Virtual One".to_owned(),
                name: "bench".to_owned(),
                version: "01.00.00.00".to_owned(),
            },
            tls: Tls::new(&identity).unwrap(),
            access: Access::new(&AccessCode::parse("right2code").unwrap()),
            card: Card::open(folder.path(), CardLimits::default()).unwrap(),
            printer: PrinterHandle::detached(requests, messages),
        };
        let (switch, wishes) = switch(Arc::clone(&settings));
        let stop = CancellationToken::new();
        Self {
            switch,
            settings,
            following: tokio::spawn(follow(parts, wishes, stop.clone())),
            stop,
            _folder: folder,
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.following.await.unwrap();
    }
}

#[tokio::test]
async fn whoever_turns_it_is_answered_when_it_stands_so() {
    let bench = Bench::new();
    for _ in 0..2 {
        assert_eq!(bench.switch.turn(true).await.unwrap(), Standing::On);
        assert!(bench.switch.is_on() && bench.settings.lan_mode());
    }
    for _ in 0..2 {
        assert_eq!(bench.switch.turn(false).await.unwrap(), Standing::Off);
        assert!(!bench.switch.is_on() && !bench.settings.lan_mode());
    }
    bench.end().await;
}

#[tokio::test]
async fn opposite_wishes_at_once_are_all_answered() {
    let bench = Bench::new();
    for last in [true, false, true] {
        let (first, second, third) = tokio::join!(
            bench.switch.turn(last),
            bench.switch.turn(!last),
            bench.switch.turn(last)
        );
        let standing = if last { Standing::On } else { Standing::Off };
        // None of the three was followed before all were wished.
        for answer in [first, second, third] {
            assert_eq!(answer.unwrap(), standing);
        }
        assert_eq!(bench.settings.lan_mode(), last);
    }
    bench.end().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_to_be() {
    let taken = Taken::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let bench = Bench::at(LanConfig {
        address: Ipv4Addr::LOCALHOST.into(),
        mqtt_port: port,
        ftps_port: 0,
        discovery_port: 0,
    });
    let Standing::Failed { reason } = bench.switch.turn(true).await.unwrap() else {
        panic!("the port was taken");
    };
    assert!(
        reason.contains(&format!("port {port} for MQTT")),
        "{reason}"
    );
    let told = bench.switch.set(true).await.unwrap_err();
    assert!(told.contains("for MQTT"), "the cloud is told: {told}");
    drop(taken);
    assert_eq!(bench.switch.turn(true).await.unwrap(), Standing::On);
    bench.end().await;
}

#[tokio::test]
async fn a_wish_that_nobody_follows_any_more_is_answered() {
    let bench = Bench::new();
    let switch = bench.switch.clone();
    bench.end().await;
    let error = switch.turn(true).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("the service ends"),
        "{error:#}"
    );
}
