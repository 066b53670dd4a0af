//! What the published release claims was measured on that very bundle.

use firstlayer_bundle::Sha256;
use firstlayer_tests::fixture::BOARDS;
use firstlayer_tests::release::published;

/// All that this firmware can do, in the manifest's order.
const CAPABILITIES: [&str; 7] = [
    "cloud-mqtts",
    "https-transfer",
    "lan-ftps",
    "lan-mqtts",
    "lan-ports-closed",
    "signed-update",
    "wifi-wpa2",
];

#[test]
fn every_capability_is_claimed_and_proved() {
    for board in BOARDS {
        let release = published().newest(board);
        assert_eq!(release["capabilities"], serde_json::json!(CAPABILITIES));
        let evidence = published().target(release["evidence"]["target"].as_str().unwrap());
        assert_eq!(
            release["evidence"]["sha256"],
            Sha256::of(&evidence).to_string()
        );
        let statement: serde_json::Value = serde_json::from_slice(&evidence).unwrap();
        let subject = &statement["subject"][0];
        assert_eq!(subject["name"], release["bundle"]["target"]);
        assert_eq!(subject["digest"]["sha256"], release["bundle"]["sha256"]);
        let measured = statement["predicate"]["capabilities"].as_array().unwrap();
        let mut names = Vec::new();
        for capability in measured {
            assert_eq!(capability["verdict"], "has", "{capability}");
            for seen in capability["observations"].as_array().unwrap() {
                assert!(!seen["seen"].as_str().unwrap().is_empty(), "{capability}");
            }
            names.push(capability["capability"].as_str().unwrap());
        }
        names.sort_unstable();
        assert_eq!(names, CAPABILITIES);
    }
}
