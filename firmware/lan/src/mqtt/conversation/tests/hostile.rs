//! Attacks by whoever can speak to the port, before and after a login.

use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::packet::{
    GenericPacketTrait as _, MaximumPacketSize, Packet, Qos, ReceiveMaximum,
    RequestProblemInformation, RequestResponseInformation, SessionExpiryInterval,
    TopicAliasMaximum, UserProperty, WillDelayInterval, v5_0,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Pair, REPORT, REQUEST, VERSIONS, connect, topics};
use crate::limits;
use crate::mqtt::conversation::{Ended, Step};

#[test]
fn anything_but_a_connect_ends_a_strangers_connection_unanswered() {
    for first in (0..=15_u8).filter(|first| *first != 1) {
        let mut pair = Pair::stranger(Version::V3_1_1);
        assert!(
            is_over(&pair.send_bytes(&[first << 4, 0])),
            "packet type {first}"
        );
        assert!(pair.conversation.outgoing().is_empty());
    }
}

#[test]
fn an_http_request_ends_the_connection() {
    let mut pair = Pair::stranger(Version::V3_1_1);
    assert!(is_over(&pair.send_bytes(
        b"GET / HTTP/1.1\r\nHost: printer\r\nAccept: */*, text/html, text/plain\r\n\r\n\r\n"
    )));
}

#[test]
fn a_packet_that_announces_gigabytes_is_refused_at_its_header() {
    let header = [0x10, 0xff, 0xff, 0xff, 0x7f];
    assert!(is_over(
        &Pair::stranger(Version::V3_1_1).send_bytes(&header)
    ));
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        assert!(is_over(&pair.send_bytes(&[0x30, 0xff, 0xff, 0xff, 0x7f])));
        let is_told = !pair.conversation.outgoing().is_empty();
        assert_eq!(is_told, version == Version::V5_0);
    }
}

#[test]
fn an_endless_length_is_refused() {
    let header = [0x10, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert!(is_over(
        &Pair::stranger(Version::V3_1_1).send_bytes(&header)
    ));
}

#[test]
fn unknown_versions_are_told_so() {
    let mut pair = Pair::stranger(Version::V3_1_1);
    assert!(is_over(
        &pair.send_bytes(b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00")
    ));
    assert_eq!(pair.conversation.outgoing(), [0x20, 2, 0, 1]);
}

#[test]
fn a_second_connect_ends_the_connection() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        let again = connect(version).to_continuous_buffer();
        assert!(is_over(&pair.send_bytes(&again)));
        assert!(
            is_over(&pair.send_bytes(&again)),
            "nothing is heard after the end"
        );
    }
}

#[test]
fn a_client_name_as_long_as_a_packet_is_refused() {
    let mut pair = Pair::stranger(Version::V5_0);
    let long = connect_5!()
        .client_id("x".repeat(257))
        .unwrap()
        .build()
        .unwrap();
    assert!(matches!(
        pair.send(long.into()).as_slice(),
        [Step::End(Ended::Refused)]
    ));
}

#[test]
fn a_flood_of_filters_is_refused() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        let mut body = vec![0, 1];
        if version == Version::V5_0 {
            body.push(0);
        }
        for _ in 0..33 {
            body.extend([0, 1, b'#', 0]);
        }
        let mut bytes = vec![
            0x82,
            0x80 | (body.len() % 128) as u8,
            (body.len() / 128) as u8,
        ];
        bytes.extend(body);
        assert!(is_over(&pair.send_bytes(&bytes)));
    }
}

#[test]
fn subscribing_again_and_again_is_remembered_once() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        for _ in 0..1000 {
            pair.subscribe(&[(REPORT, Qos::AtMostOnce), (REQUEST, Qos::AtMostOnce)]);
        }
        assert_eq!(pair.conversation.subscriptions.len(), 2);
    }
}

#[test]
fn unfinished_qos_2_commands_are_bounded() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        let mut taken = 0;
        for id in 1..=100 {
            match pair.send_bytes(&publish_2(version, id)).pop() {
                Some(Step::Command(command)) => {
                    pair.conversation.taken(&command).unwrap();
                    taken += 1;
                }
                Some(Step::End(_)) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(taken, limits::UNFINISHED_COMMANDS);
    }
}

#[test]
fn packet_identifier_zero_ends_the_connection() {
    for version in VERSIONS {
        assert!(is_over(
            &Pair::member(version).send_bytes(&publish_2(version, 0))
        ));
    }
}

#[test]
fn a_subscriber_that_acknowledges_nothing_is_sent_few_reports() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        pair.subscribe(&[(REPORT, Qos::AtLeastOnce)]);
        let mut sent = 0;
        while pair.conversation.has_room_for_report() {
            pair.conversation.report(b"{}", &topics()).unwrap();
            let count = pair.conversation.outgoing().len();
            pair.conversation.sent(count);
            sent += 1;
        }
        assert_eq!(sent, limits::UNACKNOWLEDGED_REPORTS);
    }
}

#[test]
fn a_subscriber_that_takes_one_report_at_a_time_gets_one_at_a_time() {
    let mut pair = Pair::stranger(Version::V5_0);
    let asks = vec![ReceiveMaximum::new(1).unwrap().into()];
    let steps = pair.send(connect_5!().props(asks).build().unwrap().into());
    pair.welcome(&steps);
    pair.subscribe(&[(REPORT, Qos::AtLeastOnce)]);
    for _ in 0..3 {
        assert!(pair.conversation.has_room_for_report());
        pair.conversation.report(b"{}", &topics()).unwrap();
        assert!(!pair.conversation.has_room_for_report());
        assert!(matches!(pair.answer(), Packet::V5_0Publish(_)));
    }
}

#[test]
fn a_report_larger_than_the_client_takes_is_left_out_and_forgotten() {
    let mut pair = Pair::stranger(Version::V5_0);
    let asks = vec![MaximumPacketSize::new(100).unwrap().into()];
    let steps = pair.send(connect_5!().props(asks).build().unwrap().into());
    pair.welcome(&steps);
    pair.subscribe(&[(REPORT, Qos::AtLeastOnce)]);
    // More than there are packet identifiers.
    for _ in 0..70_000 {
        pair.conversation.report(&[b' '; 200], &topics()).unwrap();
    }
    assert!(pair.conversation.outgoing().is_empty());
    pair.conversation.report(b"{}", &topics()).unwrap();
    assert!(matches!(pair.answer(), Packet::V5_0Publish(_)));
}

#[test]
fn an_acknowledgement_of_nothing_ends_the_connection() {
    for version in VERSIONS {
        assert!(is_over(&Pair::member(version).send_bytes(&[0x40, 2, 0, 1])));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arbitrary_bytes_of_a_stranger_do_no_harm(bytes in vec(any::<u8>(), 0..300)) {
        feed(&mut Pair::stranger(Version::V3_1_1), &bytes)?;
    }

    #[test]
    fn damaged_packets_of_a_stranger_do_no_harm(packets in vec(prop_oneof![framed(), damaged()], 0..6)) {
        let mut pair = Pair::stranger(Version::V3_1_1);
        feed(&mut pair, &packets.concat())?;
        prop_assert!(!pair.conversation.wants_reports());
    }

    #[test]
    fn damaged_packets_of_a_member_do_no_harm(packets in vec(prop_oneof![framed(), damaged()], 0..6), is_new: bool) {
        let mut pair = Pair::member(VERSIONS[usize::from(is_new)]);
        pair.subscribe(&[(REPORT, Qos::AtLeastOnce)]);
        for packet in packets {
            feed(&mut pair, &packet)?;
            if pair.conversation.has_room_for_report() {
                let _ = pair.conversation.report(b"{}", &topics());
            }
        }
    }

    #[test]
    fn packets_cut_anywhere_mean_the_same(cuts in vec(1..20_usize, 1..20), is_new: bool) {
        let mut pair = Pair::member(VERSIONS[usize::from(is_new)]);
        let packet = pair.publish(REQUEST, Qos::AtMostOnce, false).to_continuous_buffer();
        let mut steps = Vec::new();
        let mut rest = packet.as_slice();
        for cut in cuts.into_iter().cycle() {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            steps.extend(pair.send_bytes(now));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(matches!(steps.as_slice(), [Step::Command(_)]), "{steps:?}");
    }
}

fn is_over(steps: &[Step]) -> bool {
    matches!(steps.last(), Some(Step::End(_)))
}

/// A command of QoS 2 as bytes, which no client would send by itself.
fn publish_2(version: Version, id: u8) -> Vec<u8> {
    let mut bytes = vec![0x34, 0, 0, REQUEST.len() as u8];
    bytes.extend(REQUEST.as_bytes());
    bytes.extend([0, id]);
    if version == Version::V5_0 {
        bytes.push(0);
    }
    bytes[1] = (bytes.len() - 2) as u8;
    bytes
}

/// A packet that is nearly right: its type and length hold, its body is anything.
fn framed() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), vec(prop_oneof![any::<u8>(), 0..4_u8], 0..100)).prop_map(|(first, body)| {
        let mut bytes = vec![first, body.len() as u8];
        bytes.extend(body);
        bytes
    })
}

/// A packet of a real client of which some bytes were changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let whole = (0..7_usize, any::<bool>()).prop_map(|(which, is_new)| {
        let version = VERSIONS[usize::from(is_new)];
        let mut pair = Pair::member(version);
        match which {
            0 => connect(version).to_continuous_buffer(),
            1 => pair
                .publish(REQUEST, Qos::ExactlyOnce, false)
                .to_continuous_buffer(),
            2 => pair
                .publish(REPORT, Qos::AtLeastOnce, true)
                .to_continuous_buffer(),
            3 => full_connect(),
            4 => vec![0x62, 2, 0, 1],
            5 => b"\xa2\x0c\x00\x01\x00\x01#\x00\x05a/b/c".to_vec(),
            _ => b"\x82\x08\x00\x01\x00\x03a/#\x01".to_vec(),
        }
    });
    (
        whole,
        vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    )
        .prop_map(|(mut bytes, changes)| {
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            bytes
        })
}

/// A CONNECT of version 5 that has everything it can have.
fn full_connect() -> Vec<u8> {
    let properties = vec![
        SessionExpiryInterval::new(1).unwrap().into(),
        ReceiveMaximum::new(1).unwrap().into(),
        MaximumPacketSize::new(1000).unwrap().into(),
        TopicAliasMaximum::new(1).unwrap().into(),
        RequestResponseInformation::new(1).unwrap().into(),
        RequestProblemInformation::new(1).unwrap().into(),
        UserProperty::new("key", "value").unwrap().into(),
    ];
    let with_will = connect_5!()
        .will_message(REQUEST, b"{}", Qos::AtLeastOnce, true)
        .unwrap()
        .will_props(vec![WillDelayInterval::new(1).unwrap().into()])
        .props(properties);
    with_will.build().unwrap().to_continuous_buffer()
}

fn feed(pair: &mut Pair, bytes: &[u8]) -> Result<(), TestCaseError> {
    for step in pair.send_bytes(bytes) {
        if let Step::Command(command) = step {
            prop_assert!(command.payload.len() <= limits::PACKET_BYTES as usize);
            let _ = pair.conversation.taken(&command);
        }
    }
    prop_assert!(pair.conversation.subscriptions.len() <= 4);
    prop_assert!(pair.conversation.outgoing().len() <= limits::BYTES_UNSENT);
    Ok(())
}
