use std::fs;

use super::*;

const TOML: &str = r#"
listen = "127.0.0.1:0"
state = "state"
audit = "audit.jsonl"
[repository]
url = "https://updates.example.org/firmware/"
folder = "repository"
trust_anchor = "root.json"
channels = ["stable"]
[census]
database = "sqlite:census.db"
[tokens]
operator = { file = "operator" }
[files]
endpoint = "https://s3.example.org"
region = "eu"
bucket = "models"
key_id = "GATE"
secret = { file = "s3" }
[mqtt]
secret = { file = "mqtt" }
"#;

fn load(toml: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("gate.toml", toml);
    write("root.json", "{}");
    for name in ["operator", "s3", "mqtt", "url"] {
        write(name, &format!("secret-of-{name}-secret\n"));
    }
    Config::load(&folder.path().join("gate.toml")).map_err(|error| crate::with_causes(&error))
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let config = load(TOML).unwrap();
    assert_eq!(config.pace, Pace(Duration::from_secs(60)));
    assert_eq!(config.files.unwrap().lifetime, Duration::from_secs(300));
    assert_eq!(config.mqtt.unwrap().lifetime, Duration::from_secs(3600));
    assert_eq!(config.report_age, SignedDuration::from_secs(300));
}

/// The example is what operators copy: every key is in it, and each is one that the gate takes.
#[test]
fn the_example_is_a_configuration_with_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let example = include_str!("../../gate.example.toml")
        .replace("/etc/firstlayer-gate/", "")
        .replace("/run/secrets/", "")
        // Any variable that every machine has, with 16 bytes and more.
        .replace("GATE_SERVICE_TOKEN", "CARGO_MANIFEST_DIR");
    write("gate.toml", &example);
    write("root.json", "{}");
    let authority = rcgen::generate_simple_self_signed(["ca.example.org".to_owned()]).unwrap();
    write("ca.pem", &authority.cert.pem());
    for name in [
        "operator-token",
        "s3-secret",
        "mqtt-secret",
        "mosquitto-password",
    ] {
        write(name, "0123456789abcdef");
    }
    let path = folder.path().join("gate.toml");
    let config = Config::load(&path).map_err(|error| crate::with_causes(&error));
    let config = config.unwrap();
    assert!(matches!(
        config.origin.source,
        crate::metadata::Source::Folder(_)
    ));
    assert_eq!(config.origin.channels.len(), 2);
    assert!(config.tokens.service.is_some() && config.files.is_some());
    assert!(config.mqtt.unwrap().broker.is_some());
    let known = include_str!("raw.rs").lines();
    let known = known.filter_map(|line| line.trim().strip_prefix("pub(super) ")?.split_once(':'));
    let mut count = 0;
    for (key, _) in known {
        let there = [format!("{key} = "), format!("{key}]")]
            .iter()
            .any(|text| example.contains(text));
        assert!(there, "{key}");
        count += 1;
    }
    assert!(count > 25, "{count} keys were found");
}

#[test]
fn paths_start_at_the_folder_of_the_file() {
    let shown = format!("{:?}", load(TOML).unwrap().database);
    assert!(
        shown.starts_with("sqlite:/") && shown.ends_with("/census.db"),
        "{shown}"
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let shown = format!("{:?}", load(TOML).unwrap());
    assert!(!shown.contains("secret-of"), "{shown}");
}

#[test]
fn what_cannot_be_is_refused_by_its_key() {
    for (old, new, told) in [
        ("listen = \"127.0.0.1:0\"", "listen = \"here\"", "refused"),
        ("state =", "stat =", "unknown field `stat`"),
        ("/firmware/\"", "/firmware\"", "repository.url"),
        ("https://updates", "ftp://updates", "repository.url"),
        ("[\"stable\"]", "[]", "repository.channels"),
        (
            "trust_anchor = \"root.json\"",
            "trust_anchor = \"none\"",
            "repository.trust_anchor",
        ),
        (
            "\"sqlite:census.db\"",
            "\"postgres://u:hunter2@h/d\"",
            "census.database",
        ),
        (
            "file = \"operator\"",
            "file = \"nowhere\"",
            "tokens.operator",
        ),
        (
            "file = \"operator\"",
            "env = \"GATE_TESTS_UNSET\"",
            "tokens.operator",
        ),
        ("{ file = \"operator\" }", "\"hunter2\"", "refused"),
        (
            "key_id = \"GATE\"",
            "key_id = \"GATE\"\nlifetime_seconds = 3601",
            "files.lifetime_seconds",
        ),
        (
            "[mqtt]",
            "[mqtt]\nlifetime_seconds = 0",
            "mqtt.lifetime_seconds",
        ),
        (
            "channels =",
            "refresh_seconds = 0\nchannels =",
            "repository.refresh_seconds",
        ),
        (
            "database =",
            "retention_days = 0\ndatabase =",
            "census.retention_days",
        ),
        (
            "database = \"sqlite:census.db\"",
            "database_url = { file = \"url\" }",
            "census.database_url",
        ),
    ] {
        let toml = TOML.replacen(old, new, 1);
        assert_ne!(toml, TOML, "{old}");
        let error = load(&toml).unwrap_err();
        assert!(error.contains(told), "{new}: {error}");
        assert!(!error.contains("secret-of"), "{error}");
    }
}
