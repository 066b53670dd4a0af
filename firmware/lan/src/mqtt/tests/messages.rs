//! What goes through.

use bytes::Bytes;
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait as _, Packet, Qos};
use rustls::version::{TLS12, TLS13};

use super::{CODE, Client, Printer, VERSIONS, connect};

#[tokio::test]
async fn commands_and_reports_pass_with_every_version_of_both_protocols() {
    let mut printer = Printer::start().await;
    for tls in [&TLS12, &TLS13] {
        for version in VERSIONS {
            for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
                let mut client = Client::new(printer.shake_hands(&[tls]).await, version);
                client.send(connect(version, "slicer", CODE, 60)).await;
                assert_eq!(client.connack().await, 0);
                client.subscribe(qos).await;
                client.publish("{\"pushing\":{}}", qos).await;
                let request = printer.requests.recv().await.unwrap();
                assert_eq!(request.payload.as_ref(), b"{\"pushing\":{}}");
                assert!(!request.stale);
                if qos == Qos::AtLeastOnce {
                    let puback = client.next().await;
                    assert!(matches!(
                        puback,
                        Some(Packet::V3_1_1Puback(_) | Packet::V5_0Puback(_))
                    ));
                }
                printer
                    .reports
                    .send(Bytes::from_static(b"{\"print\":{}}"))
                    .unwrap();
                assert_eq!(client.report().await, b"{\"print\":{}}");
            }
        }
    }
    printer.end().await;
}

#[tokio::test]
async fn a_command_is_acknowledged_when_the_printer_has_room_and_none_is_lost() {
    for version in VERSIONS {
        let mut printer = Printer::start().await;
        let mut client = printer.member(version, "slicer").await;
        client.subscribe(Qos::AtMostOnce).await;
        for number in 0..20 {
            client.publish(&number.to_string(), Qos::AtLeastOnce).await;
        }
        // The first one has room; the others wait, while reports still pass.
        assert!(matches!(
            client.next().await,
            Some(Packet::V3_1_1Puback(_) | Packet::V5_0Puback(_))
        ));
        printer.reports.send(Bytes::from_static(b"{}")).unwrap();
        assert_eq!(client.report().await, b"{}");
        for number in 0..20 {
            let request = printer.requests.recv().await.unwrap();
            assert_eq!(request.payload.as_ref(), number.to_string().as_bytes());
        }
        for _ in 1..20 {
            assert!(matches!(
                client.next().await,
                Some(Packet::V3_1_1Puback(_) | Packet::V5_0Puback(_))
            ));
        }
        printer.end().await;
    }
}

#[tokio::test]
async fn a_large_report_arrives_whole_and_at_every_subscriber() {
    let printer = Printer::start().await;
    let report = Bytes::from(vec![b'x'; 300_000]);
    let mut clients = Vec::new();
    for (number, version) in VERSIONS.into_iter().cycle().take(4).enumerate() {
        let mut client = printer.member(version, &format!("client {number}")).await;
        client.subscribe(Qos::AtLeastOnce).await;
        clients.push(client);
    }
    for _ in 0..10 {
        printer.reports.send(report.clone()).unwrap();
        for client in &mut clients {
            assert_eq!(client.report().await, report);
        }
    }
    printer.end().await;
}

#[tokio::test]
async fn packets_that_come_with_the_connect_are_heard() {
    for version in VERSIONS {
        let mut printer = Printer::start().await;
        let mut client = printer.stranger(version).await;
        let mut bytes = connect(version, "hasty", CODE, 60).to_continuous_buffer();
        client.protocol.send(connect(version, "hasty", CODE, 60));
        for _ in 0..500 {
            bytes.extend(publish_0(version));
        }
        client.send_bytes(&bytes).await;
        assert_eq!(client.connack().await, 0);
        for _ in 0..500 {
            printer.requests.recv().await.unwrap();
        }
        printer.end().await;
    }
}

#[tokio::test]
async fn who_comes_under_the_same_name_takes_over() {
    for version in VERSIONS {
        let printer = Printer::start().await;
        let mut first = printer.member(version, "slicer").await;
        let mut other = printer.member(version, "phone").await;
        let mut second = printer.member(version, "slicer").await;
        first.ended().await;
        for client in [&mut second, &mut other] {
            client.subscribe(Qos::AtMostOnce).await;
        }
        printer.end().await;
    }
}

#[tokio::test]
async fn nameless_clients_do_not_take_over_from_each_other() {
    for version in VERSIONS {
        let printer = Printer::start().await;
        let mut clients = [
            printer.member(version, "").await,
            printer.member(version, "").await,
        ];
        for client in &mut clients {
            client.subscribe(Qos::AtMostOnce).await;
        }
        printer.end().await;
    }
}

fn publish_0(version: mqtt_protocol_core::mqtt::Version) -> Vec<u8> {
    let mut bytes = vec![0x30, 0, 0, super::REQUEST.len() as u8];
    bytes.extend(super::REQUEST.as_bytes());
    if version == mqtt_protocol_core::mqtt::Version::V5_0 {
        bytes.push(0);
    }
    bytes.extend(b"{}");
    bytes[1] = (bytes.len() - 2) as u8;
    bytes
}
