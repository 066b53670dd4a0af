//! What shows that rules are in force: the files of every role that was asked, for the next start, and until when each
//! signature holds.

use std::collections::BTreeMap;

use firstlayer_metadata::{Role, RoleName, TrustedMetadata, Verified};
use firstlayer_policy::Channel;
use jiff::Timestamp;
use serde::Serialize;

use super::verify::ENFORCEMENT;

/// A role that the rules rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// Its name.
    pub role: String,
    /// The version of its metadata.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
}

/// The files of every role by their paths in the repository, and how fresh each role is; root comes first.
pub(super) struct Shown {
    pub(super) files: BTreeMap<String, String>,
    pub(super) roles: Vec<Freshness>,
}

impl Shown {
    pub(super) fn of(trusted: &TrustedMetadata, channels: &[Channel]) -> Self {
        let mut shown = Self {
            files: BTreeMap::new(),
            roles: vec![freshness("root", &**trusted.root())],
        };
        let consistent = trusted.root().consistent_snapshot;
        let file = |role: &RoleName, version| match consistent {
            true => role.versioned_file(version),
            false => role.local_file(),
        };
        if let Some(timestamp) = trusted.timestamp() {
            shown.add("timestamp", "timestamp.json".to_owned(), timestamp);
        }
        if let (Some(snapshot), Ok(role)) = (trusted.snapshot(), "snapshot".parse()) {
            shown.add("snapshot", file(&role, snapshot.version()), snapshot);
        }
        let roles = ["targets", ENFORCEMENT].into_iter();
        for name in roles.chain(channels.iter().map(Channel::as_str)) {
            let Ok(role) = name.parse::<RoleName>() else {
                continue;
            };
            if let Some(targets) = trusted.targets(&role) {
                shown.add(name, file(&role, targets.version()), targets);
            }
        }
        shown
    }

    fn add<T: Role>(&mut self, role: &str, file: String, verified: &Verified<T>) {
        let text = String::from_utf8_lossy(verified.bytes()).into_owned();
        self.files.insert(format!("metadata/{file}"), text);
        self.roles.push(freshness(role, &**verified));
    }
}

fn freshness(name: &str, role: &impl Role) -> Freshness {
    Freshness {
        role: name.to_owned(),
        version: role.version(),
        expires: role.expires().timestamp(),
    }
}
