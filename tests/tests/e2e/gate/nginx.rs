//! What nginx lets through, by the example configuration of the gate.

use firstlayer_tests::skip;

use super::{Maker, PAST, PRINTED, headers, printer, releases, rule};

#[test]
fn a_printer_that_lacks_https_gets_426_and_its_update_all_the_same() {
    let maker = match Maker::start(1, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let (cloud, web) = (&maker.cloud, maker.cloud.web());
    let job = format!("{}/print/job", cloud.url());
    let able = web.ask("GET", &job, &headers("FL-4", "1.4.0"), "");
    assert_eq!((able.status, able.body.as_str()), (200, PRINTED));
    assert_eq!(able.header("x-firstlayer-verdict"), "ok");
    for method in ["GET", "POST"] {
        let refused = web.ask(method, &job, &headers("FL-2", "1.2.0"), "");
        assert_eq!(refused.status, 426, "{refused:?}");
        assert_eq!(refused.header("upgrade"), "firmware/1.4.0");
        assert_eq!(refused.header("x-firstlayer-verdict"), "update-required");
        let why = refused.json();
        assert_eq!(
            (&why["rule"], &why["minimum"]),
            (&"https-only".into(), &"1.4.0".into())
        );
        assert_eq!(why["deadline"], PAST);
        assert_eq!(why["update"]["way"][0], "1.4.0");
        // What the refusal names is there, in clear text, for whoever asks.
        let repository = why["update"]["repository"].as_str().unwrap();
        assert_eq!(repository, cloud.updates());
        let timestamp = web.ask(
            "GET",
            &format!("{repository}metadata/timestamp.json"),
            &[],
            "",
        );
        assert_eq!(timestamp.status, 200, "{timestamp:?}");
    }
    let silent = web.ask("GET", &job, &[], "");
    assert_eq!(silent.status, 400, "{silent:?}");
    assert_eq!(silent.json()["message"], "serial is missing");
}

#[test]
fn what_is_the_operators_is_not_for_the_internet() {
    let maker = match Maker::start(1, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let (cloud, web) = (&maker.cloud, maker.cloud.web());
    for path in [
        "/",
        "/metrics",
        "/healthz",
        "/v1/history",
        "/v1/census",
        "/v1/devices/FL-1/key",
        "/v1/authorize",
        "/v1/refusal",
        "/v1/mqtt/auth",
        "/gate/authorize/cloud-print",
    ] {
        let answer = web.ask(
            "GET",
            &format!("{}{path}", cloud.url()),
            &headers("FL-4", "1.4.0"),
            "",
        );
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    let health = web.ask("GET", &format!("{}/healthz", cloud.operator()), &[], "");
    assert_eq!(
        (health.status, &health.json()["status"]),
        (200, &"ok".into())
    );
}

/// Printing stops while no gate answers, and printers are told to try again; updates go on.
#[test]
fn while_the_gate_is_away_updates_go_on() {
    let mut maker = match Maker::start(1, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    maker.cloud.kill_gate(0);
    let (cloud, web) = (&maker.cloud, maker.cloud.web());
    let job = format!("{}/print/job", cloud.url());
    let away = web.ask("GET", &job, &headers("FL-4", "1.4.0"), "");
    assert_eq!((away.status, away.header("retry-after")), (503, "5"));
    let update = format!("{}metadata/timestamp.json", cloud.updates());
    assert_eq!(web.ask("GET", &update, &[], "").status, 200);
    maker.cloud.start_gate(0);
    let web = maker.cloud.web();
    assert_eq!(
        web.ask("GET", &job, &headers("FL-4", "1.4.0"), "").status,
        200
    );
}

/// Rules that are rolled back are refused, and the last good ones stay in force, also over a restart.
#[test]
fn rules_that_were_rolled_back_are_refused() {
    let mut maker = match Maker::start(1, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let reason = |maker: &Maker| {
        let job = format!("{}/print/job", maker.cloud.url());
        let refused = maker
            .cloud
            .web()
            .ask("GET", &job, &headers("FL-2", "1.2.0"), "");
        refused.json()["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let folder = maker.repository.path().to_owned();
    releases()
        .at_version(2)
        .enforcing(2, &rule("2"))
        .publish_over(&folder);
    maker.cloud.hear_gate(0, |line| line.contains("revision=2"));
    assert_eq!(reason(&maker), "2");
    releases().enforcing(1, &rule("1")).publish_over(&folder);
    maker
        .cloud
        .hear_gate(0, |line| line.contains("ERROR") && line.contains("rolls"));
    maker.cloud.kill_gate(0);
    maker.cloud.start_gate(0);
    assert_eq!(reason(&maker), "2");
    let health = format!("{}/healthz", maker.cloud.operator());
    let health = maker.cloud.web().ask("GET", &health, &[], "").json();
    assert_eq!(health["rules"]["revision"], 2, "{health}");
    // Services are answered by the same rules.
    let decided = maker
        .cloud
        .serve("/v1/decisions", &printer("FL-2", "1.2.0"));
    assert_eq!(decided.json()["verdict"], "update-required", "{decided:?}");
}
