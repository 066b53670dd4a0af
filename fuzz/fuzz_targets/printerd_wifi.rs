//! Arbitrary texts as a Wi-Fi file: refused, or a supplicant's configuration that joins nothing weaker than WPA2.
#![no_main]

use libfuzzer_sys::fuzz_target;
use printerd::wifi::Network;

fuzz_target!(|text: &str| {
    if let Ok(network) = Network::parse(text) {
        let lines = network.supplicant();
        assert!(lines.contains("\n\tproto=RSN\n\tpairwise=CCMP\n\tgroup=CCMP\n\tkey_mgmt="));
        // Nothing of the owner's breaks out of its line.
        assert!(lines.lines().count() <= 12);
        assert!(!lines.contains("NONE") && lines.is_ascii());
    }
});
