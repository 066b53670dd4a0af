//! Bytes that no client sends, on the real port.

use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait as _, Qos};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{CODE, Printer, VERSIONS, connect};
use crate::admission::AdmissionLimits;

/// The content type of a TLS alert.
const ALERT: u8 = 21;

#[tokio::test]
async fn clear_text_is_answered_with_an_alert_or_with_nothing() {
    let printer = Printer::start().await;
    let mqtt = connect(Version::V3_1_1, "clear", CODE, 60).to_continuous_buffer();
    let texts: [&[u8]; 5] = [
        &mqtt,
        b"GET / HTTP/1.1\r\n\r\n",
        b"USER bblp\r\n",
        &[0; 600],
        &[0xff; 600],
    ];
    for text in texts {
        let mut stream = printer.reach().await;
        stream.write_all(text).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is as good an end as any.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(
            answer.first().is_none_or(|first| *first == ALERT),
            "{answer:?}"
        );
        assert!(answer.len() <= 7, "{answer:?}");
    }
    printer.end().await;
}

#[tokio::test]
async fn a_stranger_that_sends_without_end_is_cut_off() {
    let printer = Printer::start().await;
    let mut stranger = printer.stranger(Version::V3_1_1).await;
    // A CONNECT that announces all that a packet may have.
    stranger
        .send_bytes(&[0x10, 0xf0, 0xff, 0x03, 0, 4, b'M', b'Q', b'T', b'T', 4])
        .await;
    while stranger.stream.write_all(&[0; 1000]).await.is_ok()
        && stranger.stream.flush().await.is_ok()
    {}
    printer.end().await;
}

#[tokio::test]
async fn a_client_that_asks_and_never_reads_does_not_make_the_broker_swell() {
    let printer = Printer::start().await;
    let mut deaf = printer.member(Version::V3_1_1, "deaf").await;
    let pings: Vec<u8> = [0xc0, 0].repeat(8192);
    let flood = async {
        while deaf.stream.write_all(&pings).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    // Its writes stop being taken; everyone else's go on.
    let others = async {
        for number in 0..20 {
            let mut client = printer.member(Version::V5_0, &format!("{number}")).await;
            client.subscribe(Qos::AtMostOnce).await;
        }
    };
    tokio::select! {
        () = others => {}
        () = flood => {}
    }
    printer.end().await;
}

#[test]
fn arbitrary_bytes_after_the_handshake_do_no_harm() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let printer = runtime.block_on(Printer::start_with(AdmissionLimits::default()));
    let sessions = (any::<bool>(), any::<bool>(), vec(any::<u8>(), 0..200));
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(100)
    });
    let result = runner.run(&sessions, |(is_new, is_member, bytes)| {
        runtime.block_on(async {
            let version = VERSIONS[usize::from(is_new)];
            let mut client = match is_member {
                true => printer.member(version, "fuzzer").await,
                false => printer.stranger(version).await,
            };
            let _ = client.stream.write_all(&bytes).await;
            let _ = client.stream.shutdown().await;
            let _ = client.stream.read_to_end(&mut Vec::new()).await;
        });
        Ok(())
    });
    result.unwrap();
    runtime.block_on(async {
        let mut owner = printer.member(Version::V3_1_1, "owner").await;
        owner.subscribe(Qos::AtMostOnce).await;
        printer.end().await;
    });
}
