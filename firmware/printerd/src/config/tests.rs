//! What is accepted, what is refused, and which file is to blame for it.

use firstlayer_bundle::{Counter, Identity};
use tempfile::TempDir;

use super::*;

const GOOD: &str = r#"
    board = "virt-armv7"
    model = "first-mini"
    channel = "stable"
    repository = "https://updates.example.org/firmware"
    state = "/nowhere"
    [slots]
    capacity = 33_554_432
"#;

/// A folder with the image's configuration `image.toml`, and the printer's own, if it has any.
struct Files(TempDir);

impl Files {
    fn new(image: &str, own: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        let image = image.replace("/nowhere", state.to_str().unwrap());
        fs::write(folder.path().join("image.toml"), image).unwrap();
        if let Some(own) = own {
            fs::write(state.join("config.toml"), own).unwrap();
        }
        Self(folder)
    }

    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.0.path().join("image.toml"), &running())
    }

    fn problem(&self) -> String {
        format!("{:#}", anyhow::Error::from(self.load().unwrap_err()))
    }
}

fn running() -> RunningRelease {
    let identity = Identity {
        board: "virt-armv7".parse().unwrap(),
        models: ["first-mini", "first-maxi"]
            .map(|model| model.parse().unwrap())
            .into(),
        version: "1.0.0".parse().unwrap(),
        counter: Counter::new(1).unwrap(),
    };
    RunningRelease::new(identity, jiff::Timestamp::UNIX_EPOCH)
}

#[test]
fn a_short_configuration_has_defaults() {
    let config = Files::new(GOOD, None).load().unwrap();
    let timestamp = config.repository.join("metadata/timestamp.json").unwrap();
    assert_eq!(timestamp.path(), "/firmware/metadata/timestamp.json");
    assert_eq!(config.trial_attempts, 3);
    assert_eq!(config.retry, RetryPolicy::default());
}

#[test]
fn errors_name_the_file_and_the_key() {
    let cases = [
        ("stable", "Stable", "channel"),
        ("board =", "bored =", "bored"),
        ("virt-armv7", "virt-aarch64", "board"),
        ("first-mini", "second-mini", "model"),
        ("https:", "ftp:", "repository"),
        ("/nowhere", "var/lib", "state"),
        ("33_554_432", "0", "slots.capacity"),
        ("33_554_432", "\"32 MiB\"", "capacity"),
        ("model = \"first-mini\"", "", "model"),
        ("[slots]", "[slots", "slots"),
    ];
    for (old, new, key) in cases {
        let text = Files::new(&GOOD.replace(old, new), None).problem();
        assert!(text.contains("image.toml") && text.contains(key), "{text}");
    }
}

#[test]
fn waits_can_be_set() {
    let text = format!("{GOOD}\n[network]\nattempts = 2\nfirst_wait_ms = 10\n");
    let retry = Files::new(&text, None).load().unwrap().retry;
    assert_eq!(
        (retry.attempts, retry.first),
        (2, Duration::from_millis(10))
    );
    let none = format!("{GOOD}\n[network]\nattempts = 0\n");
    assert!(
        Files::new(&none, None)
            .problem()
            .contains("network.attempts")
    );
}

#[test]
fn the_printers_own_file_overrides_key_by_key() {
    let image = format!("{GOOD}\ntrial_attempts = 5\n[network]\nattempts = 2\n");
    let own = "model = 'first-maxi'\nrepository = 'http://mirror/'\nslots.capacity = 9\n[network]\nstall_seconds = 7\n";
    let config = Files::new(&image, Some(own)).load().unwrap();
    assert_eq!(config.model.as_str(), "first-maxi");
    assert_eq!(config.repository.as_str(), "http://mirror/");
    assert_eq!((config.capacity, config.stall), (9, Duration::from_secs(7)));
    // And nothing else.
    assert_eq!(config.channel.as_str(), "stable");
    assert_eq!((config.trial_attempts, config.retry.attempts), (5, 2));
}

#[test]
fn errors_in_the_printers_own_file_name_that() {
    for (own, key) in [
        ("bored = 1", "bored"),
        ("model = 'second-mini'", "model"),
        ("slots = 1", "slots"),
        ("network.attempts = 0", "network.attempts"),
        ("state = '/elsewhere'", "state"),
        ("channel = ", "channel"),
    ] {
        let text = Files::new(GOOD, Some(own)).problem();
        assert!(
            text.contains("state/config.toml") && text.contains(key),
            "{text}"
        );
    }
}

#[test]
fn the_service_has_defaults_for_everything_but_the_serial_number() {
    let device = Files::new(GOOD, None).load().unwrap().device;
    assert_eq!(device.serial, None);
    assert_eq!((device.lan.mqtt_port, device.lan.ftps_port), (8883, 990));
    assert!(device.cloud.is_none());
}

#[test]
fn what_the_service_cannot_use_is_refused_by_its_key() {
    let cases = [
        ("[device]\nserial = \"01s\"", "device"),
        ("[device]\nname = \"\"", "device.name"),
        ("[lan]\nmqtt_port = 1883", "lan.mqtt_port"),
        ("[lan]\nftps_port = 21", "lan.ftps_port"),
        ("[lan]\nftps_port = 8883", "lan.ftps_port"),
        ("[machine]\nspeed = 0", "machine.speed"),
        ("[cloud]\nmqtt = \"5\"", "broker"),
        ("[cloud]\nbroker = \"mqtt://c\"", "clear text"),
        ("[cloud]\nbroker = \"mqtts://c\"\nmqtt = \"4\"", "cloud"),
    ];
    for (own, key) in cases {
        let text = Files::new(GOOD, Some(own)).problem();
        assert!(
            text.contains("config.toml") && text.contains(key),
            "{own}: {text}"
        );
    }
}
