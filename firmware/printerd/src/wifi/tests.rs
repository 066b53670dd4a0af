//! What is accepted, what is refused, and that a passphrase shows nowhere.

use proptest::prelude::*;

use super::*;

const SECRET: &str = "correct horse";

fn parsed(security: &str, passphrase: &str) -> Result<Network, WifiError> {
    let passphrase = Value::String(passphrase.to_owned());
    Network::parse(&format!(
        "ssid = \"Workshop\"\nsecurity = \"{security}\"\npassphrase = {passphrase}\n"
    ))
}

fn refusal(text: &str) -> String {
    Network::parse(text).unwrap_err().to_string()
}

#[test]
fn wpa2_is_written_without_anything_weaker() {
    let text = parsed("wpa2", SECRET).unwrap().supplicant();
    assert_eq!(
        text.as_str(),
        "update_config=0\nnetwork={\n\tssid=576f726b73686f70\n\tproto=RSN\n\tpairwise=CCMP\n\tgroup=CCMP\n\
         \tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tieee80211w=1\n\
         \tpsk=a045f9613c96471f137161d12948f3a4ac40aa52fb5375ff578f25a4b9213881\n}\n"
    );
}

/// IEEE 802.11, annex J.4.2, test case 1.
#[test]
fn the_key_of_a_passphrase_is_the_standards_own() {
    let text = "ssid = \"IEEE\"\nsecurity = \"wpa2\"\npassphrase = \"password\"";
    let text = Network::parse(text).unwrap().supplicant();
    assert!(
        text.contains("\tpsk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n")
    );
}

#[test]
fn wpa3_requires_protected_management_frames_and_has_no_psk() {
    let text = parsed("wpa3", SECRET).unwrap().supplicant();
    assert!(
        text.contains("\tkey_mgmt=SAE\n\tieee80211w=2\n"),
        "{}",
        *text
    );
    assert!(text.contains("\tsae_password=636f727265637420686f727365\n"));
    assert!(!text.contains("psk="));
}

#[test]
fn a_network_in_transition_takes_both() {
    let text = parsed("WPA2+WPA3", SECRET).unwrap().supplicant();
    assert!(text.contains("\tkey_mgmt=SAE WPA-PSK WPA-PSK-SHA256\n\tieee80211w=1\n"));
    assert!(text.contains("sae_password=") && text.contains("psk="));
}

#[test]
fn a_ready_made_key_is_for_wpa2_alone() {
    let key = "0f".repeat(32);
    let text = parsed("wpa2", &key).unwrap().supplicant();
    assert!(text.contains(&format!("\tpsk={key}\n")));
    assert!(parsed("wpa3", &key).is_err());
    assert!(parsed("wpa2+wpa3", &key).is_err());
    assert!(parsed("wpa2", &"xy".repeat(32)).is_err());
}

#[test]
fn hidden_networks_and_countries_are_told() {
    let text = "ssid = \"x\"\nsecurity = \"wpa2\"\npassphrase = \"12345678\"\nhidden = true\ncountry = \"DE\"";
    let text = Network::parse(text).unwrap().supplicant();
    assert!(text.starts_with("country=DE\n") && text.contains("\tscan_ssid=1\n"));
}

#[test]
fn weak_protections_are_refused_each_with_its_reason() {
    let weak = [
        ("open", "everyone nearby"),
        ("none", "everyone nearby"),
        ("WEP", "within minutes"),
        ("wpa", "TKIP"),
        ("wpa1", "TKIP"),
        ("wpa+wpa2", "TKIP"),
        ("owe", "claims to be the network"),
    ];
    for (name, reason) in weak {
        let text = refusal(&format!("ssid = \"x\"\nsecurity = \"{name}\"\n"));
        assert!(text.contains(reason), "{name}: {text}");
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    assert!(refusal("security = \"wpa2\"").contains("ssid is missing"));
    assert!(refusal("ssid = \"x\"").contains("security is missing"));
    assert!(refusal("ssid = \"x\"\nsecurity = \"wpa2\"").contains("passphrase is missing"));
    assert!(refusal("ssid = \"x\"\nbssid = \"y\"").contains("unknown key \"bssid\""));
    assert!(refusal("ssid = \"x\"\nsecurity = \"wpa4\"").contains("are accepted"));
}

#[test]
fn names_that_are_empty_or_too_long_are_refused() {
    for ssid in [String::new(), "x".repeat(33), "ü".repeat(17)] {
        let text = format!("ssid = \"{ssid}\"\nsecurity = \"wpa2\"\npassphrase = \"12345678\"");
        assert!(refusal(&text).contains("1 to 32 bytes"));
    }
}

#[test]
fn a_name_that_looks_like_configuration_is_only_a_name() {
    let text = r#"ssid = "\"\n}\nnetwork={\nkey_mgmt=NONE"
security = "wpa2"
passphrase = "12345678""#;
    let text = Network::parse(text).unwrap().supplicant();
    assert_eq!(text.matches("network={").count(), 1);
    assert!(!text.contains("NONE"));
}

#[test]
fn no_error_and_no_debug_repeats_a_passphrase() {
    for text in [
        format!("ssid = \"x\"\nsecurity = \"wpa2\"\npassphrase = {SECRET}"),
        format!("ssid = \"x\"\nsecurity = \"wpa2\"\npassphrase = \"{SECRET}\n"),
        "ssid = \"x\"\nsecurity = \"wpa2\"\npassphrase = 1234567890".to_owned(),
        format!("ssid = \"x\"\nsecurity = \"wpa2\"\npassphrase = [\"{SECRET}\"]"),
    ] {
        let error = Network::parse(&text).unwrap_err();
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(
                !shown.contains("horse") && !shown.contains("4567"),
                "{shown}"
            );
        }
    }
    let network = parsed("wpa2+wpa3", SECRET).unwrap();
    assert!(!format!("{network:?}").contains("horse"));
}

#[test]
fn what_is_not_toml_is_found_by_its_line() {
    assert!(refusal("ssid = \"x\"\n\n=").starts_with("line 3 "));
}

proptest! {
    #[test]
    fn any_text_is_taken(text in ".*") {
        let _ = Network::parse(&text);
    }

    #[test]
    fn no_name_and_no_passphrase_leaves_its_line(ssid in "[ -~]{1,32}", passphrase in "[ -~]{8,63}") {
        let ssid = Value::String(ssid);
        let value = Value::String(passphrase.clone());
        let text = format!("ssid = {ssid}\nsecurity = \"wpa2+wpa3\"\npassphrase = {value}");
        let text = Network::parse(&text).unwrap().supplicant();
        prop_assert!(text.lines().all(|line| !line.contains(['"', '#', '\\'])));
        prop_assert_eq!(text.lines().count(), 11);
    }

    #[test]
    fn other_passphrases_are_refused(passphrase in "([ -~]{0,7}|[ -~]{65,80}|[ -~]{8}[^ -~])") {
        prop_assert!(parsed("wpa2", &passphrase).is_err());
    }
}
