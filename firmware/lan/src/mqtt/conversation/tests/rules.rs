//! What a client that keeps to the protocol is answered.

use std::time::Duration;

use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::packet::{
    GenericPacketTrait as _, Packet, Property, Qos, SessionExpiryInterval, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode, PubackReasonCode, PubrecReasonCode,
};

use super::{Pair, REPORT, REQUEST, VERSIONS, codes, connect, topics};
use crate::access::Denied;
use crate::limits;
use crate::mqtt::conversation::{Dismissal, Ended, Step};

#[test]
fn a_connect_shows_who_wants_to_log_in() {
    for version in VERSIONS {
        let mut pair = Pair::stranger(version);
        let steps = pair.send(connect(version));
        let [Step::LogIn(login)] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        assert_eq!(
            (login.name.as_str(), login.user.as_str()),
            ("slicer", "bblp")
        );
        assert_eq!(login.password.as_slice(), b"right2code");
        assert!(!format!("{login:?}").contains("right2code"));
        assert_eq!(connack(&pair.welcome(&steps)[0]), (false, 0));
        assert_eq!(
            pair.conversation.may_be_silent_for(),
            Duration::from_secs(90)
        );
    }
}

#[test]
fn wrong_codes_and_too_many_of_them_are_told_apart() {
    let expected = [
        (
            Version::V3_1_1,
            Denied::WrongCredentials,
            ConnectReturnCode::NotAuthorized as u8,
        ),
        (
            Version::V3_1_1,
            Denied::TooManyAttempts,
            ConnectReturnCode::ServerUnavailable as u8,
        ),
        (
            Version::V5_0,
            Denied::WrongCredentials,
            ConnectReasonCode::BadUserNameOrPassword as u8,
        ),
        (
            Version::V5_0,
            Denied::TooManyAttempts,
            ConnectReasonCode::QuotaExceeded as u8,
        ),
    ];
    for (version, denied, code) in expected {
        let mut pair = Pair::stranger(version);
        pair.send(connect(version));
        pair.conversation.refuse(denied);
        assert_eq!(connack(&pair.answer()), (false, code));
        assert!(matches!(
            pair.send_bytes(&[0xc0, 0]).as_slice(),
            [Step::End(_)]
        ));
    }
}

#[test]
fn no_session_outlives_its_connection() {
    let mut pair = Pair::stranger(Version::V5_0);
    let asks = vec![SessionExpiryInterval::new(3600).unwrap().into()];
    let steps = pair.send(
        connect_5!()
            .clean_start(false)
            .props(asks)
            .build()
            .unwrap()
            .into(),
    );
    let [Packet::V5_0Connack(connack_5)] = &pair.welcome(&steps)[..] else {
        panic!("no CONNACK");
    };
    assert!(!connack_5.session_present());
    let said = |property: &Property| matches!(property, Property::SessionExpiryInterval(value) if value.val() == 0);
    assert!(connack_5.props().iter().any(said));
    let mut pair = Pair::stranger(Version::V3_1_1);
    let steps = pair.send(connect_3!().clean_session(false).build().unwrap().into());
    assert_eq!(connack(&pair.welcome(&steps)[0]), (false, 0));
}

#[test]
fn version_5_says_what_is_not_offered_and_names_the_nameless() {
    let mut pair = Pair::stranger(Version::V5_0);
    let steps = pair.send(
        connect_5!()
            .client_id("")
            .unwrap()
            .keep_alive(0)
            .build()
            .unwrap()
            .into(),
    );
    let [Packet::V5_0Connack(connack)] = &pair.welcome(&steps)[..] else {
        panic!("no CONNACK");
    };
    let has = |test: fn(&Property) -> bool| assert!(connack.props().iter().any(test), "{connack}");
    has(|property| matches!(property, Property::RetainAvailable(value) if value.val() == 0));
    has(
        |property| matches!(property, Property::SharedSubscriptionAvailable(value) if value.val() == 0),
    );
    has(
        |property| matches!(property, Property::SubscriptionIdentifierAvailable(value) if value.val() == 0),
    );
    has(
        |property| matches!(property, Property::AssignedClientIdentifier(name) if name.val() == "given"),
    );
    has(|property| matches!(property, Property::ServerKeepAlive(value) if value.val() == 1200));
    has(
        |property| matches!(property, Property::MaximumPacketSize(value) if value.val() == limits::PACKET_BYTES),
    );
    has(
        |property| matches!(property, Property::ReceiveMaximum(value) if value.val() == limits::UNFINISHED_COMMANDS),
    );
}

#[test]
fn a_nameless_session_that_should_be_kept_is_refused() {
    let mut pair = Pair::stranger(Version::V3_1_1);
    pair.client.send(connect(Version::V3_1_1));
    let bytes = b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00";
    assert!(matches!(
        pair.send_bytes(bytes).as_slice(),
        [Step::End(Ended::Refused)]
    ));
    assert_eq!(
        connack(&pair.answer()),
        (false, ConnectReturnCode::IdentifierRejected as u8)
    );
}

#[test]
fn a_will_is_accepted_and_never_published() {
    let mut pair = Pair::stranger(Version::V3_1_1);
    let with_will = connect_3!()
        .will_message(REQUEST, b"{}", Qos::AtLeastOnce, true)
        .unwrap();
    let steps = pair.send(with_will.build().unwrap().into());
    pair.welcome(&steps);
    let steps = pair.send_bytes(&[0xe1]);
    assert!(!steps.iter().any(|step| matches!(step, Step::Command(_))));
}

#[test]
fn filters_of_other_printers_and_other_topics_are_refused() {
    let granted = [
        "device/01P00A/report",
        "device/01P00A/request",
        "device/01P00A/#",
        "device/01P00A/+",
    ];
    let refused = [
        "#",
        "+/#",
        "+/01P00A/report",
        "device/#",
        "device/+/report",
        "device/+/+",
        "device/01P00B/report",
        "device/01P00A",
        "device/01P00A/report/#",
        "$SYS/#",
        "device/01P00A/update",
        "/device/01P00A/report",
    ];
    for (version, refusal) in [(Version::V3_1_1, 0x80), (Version::V5_0, 0x87)] {
        let mut pair = Pair::member(version);
        for filter in granted {
            assert_eq!(
                codes(&pair.subscribe(&[(filter, Qos::AtMostOnce)])),
                [0],
                "{filter}"
            );
        }
        for filter in refused {
            assert_eq!(
                codes(&pair.subscribe(&[(filter, Qos::AtMostOnce)])),
                [refusal],
                "{filter}"
            );
        }
        let mixed = [
            (refused[0], Qos::AtLeastOnce),
            (granted[0], Qos::ExactlyOnce),
            (granted[1], Qos::AtLeastOnce),
        ];
        assert_eq!(codes(&pair.subscribe(&mixed)), [refusal, 1, 1]);
    }
    let mut pair = Pair::member(Version::V5_0);
    assert_eq!(
        codes(&pair.subscribe(&[("$share/all/device/01P00A/report", Qos::AtMostOnce)])),
        [0x9e]
    );
}

#[test]
fn a_refused_filter_brings_no_reports_and_a_request_filter_neither() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        pair.subscribe(&[("#", Qos::AtMostOnce), (REQUEST, Qos::AtLeastOnce)]);
        assert!(!pair.conversation.wants_reports());
        pair.subscribe(&[("device/01P00A/+", Qos::AtMostOnce)]);
        assert!(pair.conversation.wants_reports());
    }
}

#[test]
fn overlapping_subscriptions_bring_one_report_at_the_best_qos() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        pair.subscribe(&[
            (REPORT, Qos::AtMostOnce),
            ("device/01P00A/#", Qos::ExactlyOnce),
        ]);
        pair.conversation.report(b"{}", &topics()).unwrap();
        assert_eq!(pair.conversation.unacknowledged, 1);
        match pair.answer() {
            Packet::V3_1_1Publish(publish) => {
                assert_eq!(
                    (publish.topic_name(), publish.qos()),
                    (REPORT, Qos::AtLeastOnce)
                );
                assert!(!publish.retain() && !publish.dup());
            }
            Packet::V5_0Publish(publish) => {
                assert_eq!(
                    (publish.topic_name(), publish.qos()),
                    (REPORT, Qos::AtLeastOnce)
                );
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(pair.conversation.unacknowledged, 0);
    }
}

#[test]
fn unsubscribing_ends_the_reports() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        pair.subscribe(&[(REPORT, Qos::AtMostOnce)]);
        let id = pair.client.acquire_packet_id().unwrap();
        let filters = [REPORT, "device/other/report"];
        let unsubscribe: Packet = match version {
            Version::V5_0 => {
                let unsubscribe = v5_0::Unsubscribe::builder()
                    .packet_id(id)
                    .entries(filters)
                    .unwrap();
                unsubscribe.build().unwrap().into()
            }
            _ => {
                let unsubscribe = v3_1_1::Unsubscribe::builder()
                    .packet_id(id)
                    .entries(filters)
                    .unwrap();
                unsubscribe.build().unwrap().into()
            }
        };
        pair.send(unsubscribe);
        assert!(!pair.conversation.wants_reports());
        if let Packet::V5_0Unsuback(unsuback) = pair.answer() {
            let codes: Vec<_> = unsuback
                .reason_codes()
                .iter()
                .map(|code| *code as u8)
                .collect();
            assert_eq!(codes, [0, 0x11]);
        }
    }
}

#[test]
fn commands_are_acknowledged_once_they_are_taken_at_every_qos() {
    for version in VERSIONS {
        for (qos, answers) in [
            (Qos::AtMostOnce, 0),
            (Qos::AtLeastOnce, 1),
            (Qos::ExactlyOnce, 2),
        ] {
            let mut pair = Pair::member(version);
            let publish = pair.publish(REQUEST, qos, false);
            let mut steps = pair.send(publish);
            let Some(Step::Command(command)) = steps.pop() else {
                panic!("no command");
            };
            assert_eq!(
                (command.payload.as_ref(), command.stale),
                (b"{}".as_slice(), false)
            );
            assert!(
                pair.conversation.outgoing().is_empty(),
                "acknowledged too early"
            );
            pair.conversation.taken(&command).unwrap();
            // QoS 2: PUBREC and, after the client's PUBREL, PUBCOMP.
            assert_eq!(pair.answers().len(), answers);
        }
    }
}

#[test]
fn a_repeated_qos_2_command_is_taken_once() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        let bytes = pair
            .publish(REQUEST, Qos::ExactlyOnce, false)
            .to_continuous_buffer();
        let mut steps = pair.send_bytes(&bytes);
        let Some(Step::Command(command)) = steps.pop() else {
            panic!("no command");
        };
        pair.conversation.taken(&command).unwrap();
        assert!(pair.send_bytes(&bytes).is_empty());
    }
}

#[test]
fn retained_and_repeated_commands_are_called_stale() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        // As bytes: a client that was told that nothing is retained does not send it by itself.
        let retained = pair
            .publish(REQUEST, Qos::AtMostOnce, true)
            .to_continuous_buffer();
        let steps = pair.send_bytes(&retained);
        assert!(matches!(steps.as_slice(), [Step::Command(command)] if command.stale));
        let mut repeated = pair
            .publish(REQUEST, Qos::AtLeastOnce, false)
            .to_continuous_buffer();
        repeated[0] |= 0x08;
        assert!(
            matches!(pair.send_bytes(&repeated).as_slice(), [Step::Command(command)] if command.stale)
        );
    }
}

#[test]
fn publishing_elsewhere_is_refused_or_ends_the_connection() {
    for topic in [
        REPORT,
        "device/01P00B/request",
        "device/01P00A/request/x",
        "x",
    ] {
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let mut pair = Pair::member(Version::V3_1_1);
            let publish = pair.publish(topic, qos, false);
            assert!(matches!(
                pair.send(publish).as_slice(),
                [Step::End(Ended::Forbidden)]
            ));
            assert!(pair.conversation.outgoing().is_empty());
        }
        let mut pair = Pair::member(Version::V5_0);
        let publish = pair.publish(topic, Qos::AtLeastOnce, false);
        assert!(matches!(pair.send(publish).as_slice(), [Step::Done]));
        let Packet::V5_0Puback(puback) = pair.answer() else {
            panic!("no PUBACK");
        };
        assert_eq!(puback.reason_code(), Some(PubackReasonCode::NotAuthorized));
        let publish = pair.publish(topic, Qos::ExactlyOnce, false);
        pair.send(publish);
        let Packet::V5_0Pubrec(pubrec) = pair.answer() else {
            panic!("no PUBREC");
        };
        assert_eq!(pubrec.reason_code(), Some(PubrecReasonCode::NotAuthorized));
        let publish = pair.publish(topic, Qos::AtMostOnce, false);
        assert!(matches!(
            pair.send(publish).as_slice(),
            [Step::End(Ended::Forbidden)]
        ));
        assert_eq!(
            disconnect_reason(&mut pair),
            Some(DisconnectReasonCode::NotAuthorized)
        );
    }
}

#[test]
fn only_version_5_is_told_why_it_has_to_go() {
    let mut pair = Pair::member(Version::V5_0);
    pair.conversation.dismiss(Dismissal::CodeChanged);
    assert_eq!(
        disconnect_reason(&mut pair),
        Some(DisconnectReasonCode::NotAuthorized)
    );
    for mut pair in [Pair::member(Version::V3_1_1), Pair::stranger(Version::V5_0)] {
        pair.conversation.dismiss(Dismissal::ShuttingDown);
        assert!(pair.conversation.outgoing().is_empty());
    }
}

#[test]
fn pings_are_answered_and_a_farewell_is_heard() {
    for version in VERSIONS {
        let mut pair = Pair::member(version);
        assert!(matches!(
            pair.send_bytes(&[0xc0, 0]).as_slice(),
            [Step::Done]
        ));
        assert_eq!(pair.conversation.outgoing(), [0xd0, 0]);
        assert!(matches!(
            pair.send_bytes(&[0xe0, 0]).as_slice(),
            [Step::End(Ended::Left)]
        ));
    }
}

fn connack(packet: &Packet) -> (bool, u8) {
    match packet {
        Packet::V3_1_1Connack(connack) => (connack.session_present(), connack.return_code() as u8),
        Packet::V5_0Connack(connack) => (connack.session_present(), connack.reason_code() as u8),
        other => panic!("no CONNACK: {other:?}"),
    }
}

fn disconnect_reason(pair: &mut Pair) -> Option<DisconnectReasonCode> {
    match pair.answer() {
        Packet::V5_0Disconnect(disconnect) => disconnect.reason_code(),
        other => panic!("no DISCONNECT: {other:?}"),
    }
}
