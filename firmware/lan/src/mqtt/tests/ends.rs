//! Everything that ends a connection, and that it ends at once.

use std::time::Duration;

use bytes::Bytes;
use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::packet::{Packet, Qos};
use mqtt_protocol_core::mqtt::result_code::DisconnectReasonCode;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CODE, Printer, VERSIONS, connect};
use crate::access::AccessCode;
use crate::admission::AdmissionLimits;

/// What the port's closing is promised to take.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_wrong_code_is_told_and_ends_the_connection() {
    for (version, code) in [(Version::V3_1_1, 5), (Version::V5_0, 0x86)] {
        let printer = Printer::start().await;
        let mut client = printer.stranger(version).await;
        client
            .send(connect(version, "thief", "wrong2code", 60))
            .await;
        assert_eq!(client.connack().await, code);
        client.ended().await;
        printer.end().await;
    }
}

#[tokio::test]
async fn too_many_wrong_codes_are_told_and_the_owner_still_gets_in_from_elsewhere() {
    for (version, code) in [(Version::V3_1_1, 3), (Version::V5_0, 0x97)] {
        let printer = Printer::start().await;
        for number in 0..5 {
            let mut client = printer.stranger(version).await;
            client
                .send(connect(version, "thief", &format!("wrong{number}"), 60))
                .await;
            client.ended().await;
        }
        let mut client = printer.stranger(version).await;
        client.send(connect(version, "thief", CODE, 60)).await;
        assert_eq!(client.connack().await, code);
        let elsewhere = std::net::IpAddr::from([192, 168, 1, 2]);
        let now = std::time::Instant::now();
        printer
            .access
            .log_in("bblp", CODE.as_bytes(), elsewhere, now)
            .unwrap();
        printer.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_connections_in_every_state_at_once() {
    let printer = Printer::start().await;
    let mut raw = printer.reach().await;
    let mut shaken = printer.shake_hands(rustls::DEFAULT_VERSIONS).await;
    let mut members = Vec::new();
    for version in VERSIONS {
        let mut client = printer.member(version, &format!("{version:?}")).await;
        client.subscribe(Qos::AtLeastOnce).await;
        // More than the printer has room for: the client is waited for.
        for _ in 0..5 {
            client.publish("{}", Qos::AtLeastOnce).await;
        }
        members.push(client);
    }
    printer.stop.cancel();
    timeout(AT_ONCE, printer.serving).await.unwrap().unwrap();
    assert_eq!(printer.admission.connections(), 0);
    assert_eq!(printer.reports.receiver_count(), 0);
    assert!(TcpStream::connect(printer.address).await.is_err());
    assert_eq!(raw.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert_eq!(shaken.read(&mut [0; 1]).await.unwrap_or(0), 0);
    for client in &mut members {
        client.ended().await;
    }
}

#[tokio::test]
async fn stop_does_not_wait_for_a_client_that_reads_nothing() {
    let printer = Printer::start().await;
    let mut deaf = printer.member(Version::V5_0, "deaf").await;
    deaf.subscribe(Qos::AtMostOnce).await;
    let mut keen = printer.member(Version::V5_0, "keen").await;
    keen.subscribe(Qos::AtMostOnce).await;
    for _ in 0..3 {
        printer
            .reports
            .send(Bytes::from(vec![b'x'; 4_000_000]))
            .unwrap();
        keen.report().await;
    }
    printer.stop.cancel();
    timeout(AT_ONCE, printer.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_broker_ends_its_connections() {
    let printer = Printer::start().await;
    let mut client = printer.member(Version::V3_1_1, "slicer").await;
    printer.serving.abort();
    client.ended().await;
}

#[tokio::test]
async fn a_changed_code_ends_every_session_and_version_5_is_told_why() {
    let printer = Printer::start().await;
    let mut old = printer.member(Version::V3_1_1, "old").await;
    let mut new = printer.member(Version::V5_0, "new").await;
    printer
        .access
        .change(&AccessCode::parse("next2code").unwrap());
    old.ended().await;
    let Some(Packet::V5_0Disconnect(disconnect)) = new.next().await else {
        panic!("no DISCONNECT");
    };
    assert_eq!(
        disconnect.reason_code(),
        Some(DisconnectReasonCode::NotAuthorized)
    );
    new.ended().await;
    let mut again = printer.stranger(Version::V3_1_1).await;
    again
        .send(connect(Version::V3_1_1, "old", "next2code", 60))
        .await;
    assert_eq!(again.connack().await, 0);
    printer.end().await;
}

#[tokio::test]
async fn a_silent_client_is_given_up_after_one_and_a_half_keepalives() {
    for version in VERSIONS {
        let printer = Printer::start().await;
        let mut silent = printer.stranger(version).await;
        silent.send(connect(version, "silent", CODE, 1)).await;
        assert_eq!(silent.connack().await, 0);
        silent.ended().await;
        printer.end().await;
    }
}

#[tokio::test]
async fn half_open_handshakes_and_silent_strangers_time_out() {
    let printer = Printer::start_with(AdmissionLimits {
        log_in_within: Duration::from_millis(300),
        ..AdmissionLimits::default()
    })
    .await;
    let mut raw = printer.reach().await;
    let mut shaken = printer.shake_hands(rustls::DEFAULT_VERSIONS).await;
    let mut member = printer.member(Version::V3_1_1, "member").await;
    assert_eq!(raw.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert_eq!(shaken.read(&mut [0; 1]).await.unwrap_or(0), 0);
    member.subscribe(Qos::AtMostOnce).await;
    printer.end().await;
}

#[tokio::test]
async fn strangers_make_room_and_the_member_stays() {
    let printer = Printer::start().await;
    let mut member = printer.member(Version::V3_1_1, "member").await;
    let mut strangers = Vec::new();
    for _ in 0..AdmissionLimits::default().waiting_per_address * 3 {
        strangers.push(printer.shake_hands(rustls::DEFAULT_VERSIONS).await);
    }
    assert_eq!(
        strangers
            .first_mut()
            .unwrap()
            .read(&mut [0; 1])
            .await
            .unwrap_or(0),
        0
    );
    let mut newcomer = printer.member(Version::V5_0, "newcomer").await;
    newcomer.subscribe(Qos::AtMostOnce).await;
    member.subscribe(Qos::AtMostOnce).await;
    printer.end().await;
}

#[tokio::test]
async fn a_subscriber_that_reads_nothing_is_cut_off_and_the_others_go_on() {
    let printer = Printer::start().await;
    let mut keen = printer.member(Version::V3_1_1, "keen").await;
    keen.subscribe(Qos::AtMostOnce).await;
    let mut deaf = Vec::new();
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
        let mut client = printer
            .member(Version::V3_1_1, &format!("deaf {qos}"))
            .await;
        client.subscribe(qos).await;
        deaf.push(client);
    }
    while printer.reports.receiver_count() > 1 {
        printer
            .reports
            .send(Bytes::from(vec![b'x'; 100_000]))
            .unwrap();
        keen.report().await;
    }
    for client in &mut deaf {
        client.ended().await;
    }
    printer.end().await;
}
