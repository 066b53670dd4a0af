//! Entry points for fuzz targets and property tests; no part of the API.

use crate::name::RoleName;
use crate::raw::Raw;
use crate::role::root::Root;
use crate::role::snapshot::Snapshot;
use crate::role::targets::Targets;
use crate::role::timestamp::Timestamp;
use crate::{Role, canonical, json, role};

/// Reads the bytes as every role, as if their signatures held. Nothing trusted comes out.
pub fn read_every_role(bytes: &[u8]) {
    let name = RoleName::fixed("fuzzed");
    let Ok(raw) = Raw::split(&name, bytes.to_vec()) else {
        return;
    };
    read_as::<Root>(&raw, &name);
    read_as::<Timestamp>(&raw, &name);
    read_as::<Snapshot>(&raw, &name);
    read_as::<Targets>(&raw, &name);
}

fn read_as<T: Role>(raw: &Raw, name: &RoleName) {
    // Whatever can be read can be written.
    if let Ok(read) = role::from_value::<T>(name, raw.signed()) {
        drop(role::to_value(&read));
    }
}

/// Reads strict JSON and writes it in canonical form, if it is any.
pub fn canonical_from_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    json::parse(bytes)
        .ok()
        .and_then(|value| canonical::canonical_json(&value).ok())
}
