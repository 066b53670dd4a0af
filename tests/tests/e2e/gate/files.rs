//! Presigned URLs of the gate's at a real store: what they are good for, and that nobody's log has the secret.

use firstlayer_bundle::Sha256;
use firstlayer_tests::cloud::{Cloud, MQTT, OPERATOR, SERVICE};
use firstlayer_tests::s3::{KEY_ID, SECRET};
use firstlayer_tests::{dynamic_security, postgres, skip};
use serde_json::Value;

use super::{Maker, printer};

fn wish(cloud: &Cloud, serial: &str, purpose: &str, sha256: Option<Sha256>) -> Value {
    let mut wish = printer(serial, "1.4.0");
    wish["name"] = "cube.3mf".into();
    wish["purpose"] = purpose.into();
    if let Some(sha256) = sha256 {
        wish["sha256"] = sha256.to_string().into();
    }
    let given = cloud.serve("/v1/files", &wish);
    assert_eq!(given.status, 200, "{given:?}");
    given.json()
}

fn signature(url: &str) -> &str {
    let (_, rest) = url.split_once("X-Amz-Signature=").unwrap();
    rest.split('&').next().unwrap()
}

#[test]
fn a_url_is_good_for_one_object_and_one_method_and_not_for_long() {
    let maker = match Maker::start(1, 2) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let (cloud, web) = (&maker.cloud, maker.cloud.web());
    for serial in ["FL-1", "FL-2"] {
        cloud
            .store
            .put(&format!("{serial}/cube.3mf"), serial.as_bytes());
    }
    let given = wish(cloud, "FL-1", "download", None);
    let url = given["url"].as_str().unwrap().to_owned();
    let fetched = web.ask("GET", &url, &[], "");
    assert_eq!((fetched.status, fetched.body.as_str()), (200, "FL-1"));
    let signature = signature(&url).to_owned();
    let forged: String = signature.chars().rev().collect();
    let longer = url.replace("X-Amz-Expires=2&", "X-Amz-Expires=3600&");
    let other_object = url.replace("FL-1", "FL-2");
    for (what, method, url) in [
        ("tampered", "GET", &url.replace(&signature, &forged)),
        ("prolonged", "GET", &longer),
        ("other object", "GET", &other_object),
        ("other method", "PUT", &url),
        ("other method", "DELETE", &url),
    ] {
        let refused = web.ask(method, url, &[], "");
        assert_eq!(refused.status, 403, "{what}: {refused:?}");
    }
    // The store's clock decides; no event tells of it.
    let expired = std::iter::repeat_with(|| web.ask("GET", &url, &[], "").status)
        .find(|status| *status != 200);
    assert_eq!(expired, Some(403));
    let fetched = wish(cloud, "FL-1", "download", None);
    let again = web.ask("GET", fetched["url"].as_str().unwrap(), &[], "");
    assert_eq!(again.body, "FL-1", "nothing was changed");
}

#[test]
fn an_upload_takes_the_very_bytes_that_were_told_of() {
    let maker = match Maker::start(1, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let (cloud, web) = (&maker.cloud, maker.cloud.web());
    let given = wish(cloud, "FL-1", "upload", Some(Sha256::of(b"a model")));
    let url = given["url"].as_str().unwrap();
    assert_eq!(given["method"], "PUT");
    let headers = given["headers"].as_object().unwrap();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    // S3 keeps nothing of this. The store of the tests says the same, and keeps the bytes: it compares when it has them.
    let other = web.ask("PUT", url, &headers, "another model");
    assert!(
        other.status == 400 && other.body.contains("BadDigest"),
        "{other:?}"
    );
    let unnamed = web.ask("PUT", url, &[], "a model");
    assert_eq!(unnamed.status, 403, "{unnamed:?}");
    let stored = web.ask("PUT", url, &headers, "a model");
    assert_eq!(stored.status, 200, "{stored:?}");
    let given = wish(cloud, "FL-1", "download", None);
    let fetched = web.ask("GET", given["url"].as_str().unwrap(), &[], "");
    assert_eq!(fetched.body, "a model");
}

#[test]
fn no_log_holds_a_secret() {
    let maker = match Maker::start(1, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let (cloud, web) = (&maker.cloud, maker.cloud.web());
    cloud.store.put("FL-1/cube.3mf", b"a model");
    let given = wish(cloud, "FL-1", "download", None);
    let url = given["url"].as_str().unwrap().to_owned();
    assert!(!url.contains(SECRET), "{url}");
    assert!(url.contains(KEY_ID), "{url}");
    assert_eq!(web.ask("GET", &url, &[], "").status, 200);
    let credentials = cloud.serve("/v1/mqtt/credentials", &printer("FL-1", "1.4.0"));
    let password = credentials.json()["password"].as_str().unwrap().to_owned();
    // Whoever takes the wrong way with them: through nginx, to the gate, and to what is not there.
    let query = url.split_once('?').unwrap().1;
    let token = format!("Bearer {SERVICE}x");
    for place in [
        "/print/job",
        "/v1/files",
        "/v1/update",
        "/models/FL-1/cube.3mf",
    ] {
        let astray = format!("{}{place}?{query}", cloud.url());
        web.ask("GET", &astray, &[("authorization", &token)], "");
        let astray = format!("{}{place}?{query}", cloud.operator());
        web.ask(
            "POST",
            &astray,
            &[("authorization", &token)],
            password.clone(),
        );
    }
    let words = maker.cloud.words();
    assert!(
        words.contains("download cube.3mf"),
        "the audit log is among them: {words}"
    );
    assert!(
        words.contains("\"GET /print/job\" 400"),
        "nginx's log is too: {words}"
    );
    for (what, secret) in [
        ("the store's secret", SECRET),
        ("the URL's signature", signature(&url)),
        ("the printer's password", &password),
        ("the service's token", SERVICE),
        ("the operator's token", OPERATOR),
        ("the passwords' secret", MQTT),
        ("the broker's password", dynamic_security::PASSWORD),
        ("the database's password", postgres::PASSWORD),
    ] {
        let line = words.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what}");
    }
}
