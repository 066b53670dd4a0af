//! The published documents: an example of each is kept byte for byte, and both it and what readers refuse agree with the
//! published schemas.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests fail by panicking, in their helpers too"
)]

use firstlayer_policy::{ChannelManifest, EnforcementManifest, Limits};
use jsonschema::Validator;
use serde_json::{Value, json};

const CHANNEL: &str = include_str!("golden/stable.json");
const ENFORCEMENT: &str = include_str!("golden/enforcement.json");

fn channel_schema() -> Validator {
    validator(include_str!("../../schemas/channel.schema.json"))
}

fn enforcement_schema() -> Validator {
    validator(include_str!("../../schemas/enforcement.schema.json"))
}

fn validator(schema: &str) -> Validator {
    let schema: Value = serde_json::from_str(schema).unwrap();
    jsonschema::draft202012::meta::validate(&schema).expect("a schema of draft 2020-12");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn read_channel(bytes: &[u8]) -> Result<ChannelManifest, firstlayer_policy::PolicyError> {
    ChannelManifest::parse(bytes, &"stable".parse().unwrap(), &Limits::default())
}

#[test]
fn the_golden_channel_manifest_is_read_and_written_again() {
    let manifest = read_channel(CHANNEL.as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(manifest.to_bytes().unwrap()).unwrap(),
        CHANNEL
    );
    let newest = manifest.releases().last().unwrap();
    assert!(newest.can(&"https-transfer".parse().unwrap()) && newest.waves.len() == 2);
}

#[test]
fn the_golden_enforcement_manifest_is_read_and_written_again() {
    let manifest = EnforcementManifest::parse(ENFORCEMENT.as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(manifest.to_bytes().unwrap()).unwrap(),
        ENFORCEMENT
    );
}

#[test]
fn the_schemas_accept_the_golden_files_and_fields_from_the_future() {
    for (schema, text) in [
        (channel_schema(), CHANNEL),
        (enforcement_schema(), ENFORCEMENT),
    ] {
        let mut document: Value = serde_json::from_str(text).unwrap();
        schema.validate(&document).expect("the golden file");
        document["added_in_format_1"] = json!({"a": [1]});
        schema.validate(&document).expect("a field from the future");
    }
}

/// What the schema refuses, our reader refuses: a cloud team that trusts the schema alone is no worse off.
#[test]
fn what_a_schema_refuses_our_reader_refuses_too() {
    let schema = channel_schema();
    for (pointer, bad) in [
        ("/format", json!(2)),
        ("/releases/0/models", json!([])),
        ("/releases/0/version", json!("1.0")),
        ("/releases/0/counter", json!(-1)),
        ("/releases/0/bundle/sha256", json!("AA")),
        ("/releases/0/yanked", json!("")),
        ("/releases/1/evidence/length", json!("1000")),
        ("/releases/1/waves/0/percent", json!(0)),
    ] {
        let document = with(CHANNEL, pointer, bad);
        assert!(!schema.is_valid(&document), "{pointer} passes the schema");
        let bytes = serde_json::to_vec(&document).unwrap();
        assert!(read_channel(&bytes).is_err(), "{pointer} passes our reader");
    }
    let schema = enforcement_schema();
    for (pointer, bad) in [
        ("/format", json!(2)),
        ("/revision", json!(-1)),
        ("/rules/0/withholds", json!("updates")),
        ("/rules/0/help", json!("http://help.firstlayer.example/")),
        ("/rules/0/reason", json!("")),
        ("/rules/0/enforce_from", json!("soon")),
        ("/rules/0/minimums/0/version", json!("1")),
        ("/rules/0/exemptions/0/until", json!(null)),
    ] {
        let document = with(ENFORCEMENT, pointer, bad);
        assert!(!schema.is_valid(&document), "{pointer} passes the schema");
        let bytes = serde_json::to_vec(&document).unwrap();
        assert!(
            EnforcementManifest::parse(&bytes).is_err(),
            "{pointer} passes our reader"
        );
    }
}

fn with(text: &str, pointer: &str, value: Value) -> Value {
    let mut document: Value = serde_json::from_str(text).unwrap();
    *document
        .pointer_mut(pointer)
        .expect("a field of the golden file") = value;
    document
}
