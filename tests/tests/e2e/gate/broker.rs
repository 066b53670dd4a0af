//! Credentials of the gate's at a real broker.

use firstlayer_tests::{dynamic_security, skip};
use serde_json::Value;

use super::{Maker, printer};

/// A printer with the credentials of the gate, after a decision that allows them.
fn credentials(maker: &Maker, serial: &str) -> Value {
    let given = maker
        .cloud
        .serve("/v1/mqtt/credentials", &printer(serial, "1.4.0"));
    assert_eq!(given.status, 200, "{given:?}");
    given.json()
}

#[test]
fn a_printer_is_let_in_to_its_own_topics_alone() {
    let maker = match Maker::start(1, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let broker = &maker.cloud.broker;
    let given = credentials(&maker, "FL-1");
    let password = given["password"].as_str().unwrap();
    let listen =
        |user: &str, password: &str, topic: &str| match broker.listen(user, password, topic) {
            Ok(output) => output,
            Err(reason) => panic!("{reason}"),
        };
    let own = listen("FL-1", password, "device/FL-1/request");
    assert!(own.succeeded(), "{own}");
    for (user, password, topic) in [
        ("FL-1", password, "device/FL-2/request"),
        ("FL-1", password, "#"),
        ("FL-1", password, "$CONTROL/dynamic-security/v1"),
        ("FL-1", "a guess", "device/FL-1/request"),
        ("FL-2", password, "device/FL-2/request"),
    ] {
        let refused = listen(user, password, topic);
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(
            said.contains("denied")
                || said.contains("not authorised")
                || said.contains("Not authorized"),
            "{user} on {topic}: {refused}"
        );
    }
    // New credentials take the place of the old ones.
    let newer = credentials(&maker, "FL-1");
    if newer["password"] != given["password"] {
        assert!(!listen("FL-1", password, "device/FL-1/request").succeeded());
    }
    let newer = newer["password"].as_str().unwrap();
    assert!(listen("FL-1", newer, "device/FL-1/request").succeeded());
    // The broker has a hash of it, and the gate's own password likewise.
    let users = broker.users();
    assert!(users.contains("FL-1"), "{users}");
    for secret in [newer, dynamic_security::PASSWORD] {
        assert!(!users.contains(secret), "{users}");
    }
}
