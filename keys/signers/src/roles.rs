//! `roles.toml`: which keys hold which role, how many must sign, and for how long a signature counts.
//!
//! The file as written is parsed into private raw types and then checked; only checked values leave this module.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::{Error, KeyName, Result};

/// The four top-level roles and the delegations, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolesConfig {
    /// Who the others are; offline.
    pub root: RoleConfig,
    /// Only delegates; offline.
    pub targets: RoleConfig,
    /// Which versions belong together; online.
    pub snapshot: RoleConfig,
    /// Freshness; online.
    pub timestamp: RoleConfig,
    /// In the order in which clients search them.
    pub delegations: Vec<DelegationConfig>,
}

/// One role: its keys, how many of them must sign, and its lifetime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleConfig {
    /// Names of the keys, none twice, none in another role.
    pub keys: Vec<KeyName>,
    /// 1 to the number of keys.
    pub threshold: usize,
    /// From signing to expiry, in whole days.
    pub lifetime: Duration,
}

/// A delegated role: what it may name, and who signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationConfig {
    /// The role's name; for a channel also the channel's.
    pub name: String,
    /// Flat patterns of target names.
    pub paths: Vec<String>,
    /// Keys, threshold, lifetime.
    pub role: RoleConfig,
}

impl RolesConfig {
    /// Parses and checks the text of a roles file; `file` is its name for errors.
    ///
    /// # Errors
    /// [`Error::RolesSyntax`] with line and column, or [`Error::Roles`] with the key and the accepted values.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let raw: Raw = toml::from_str(text).map_err(|source| Error::RolesSyntax {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        Checker {
            file,
            owners: BTreeMap::new(),
        }
        .check(raw)
    }

    /// The same roles held by throwaway keys, named `development-…`.
    #[must_use]
    pub fn for_development(mut self) -> Self {
        let delegated = self
            .delegations
            .iter_mut()
            .map(|delegation| &mut delegation.role);
        let top = [
            &mut self.root,
            &mut self.targets,
            &mut self.snapshot,
            &mut self.timestamp,
        ];
        for role in top.into_iter().chain(delegated) {
            role.keys = role.keys.iter().map(KeyName::for_development).collect();
        }
        self
    }

    /// Every role with its name, top-level ones first.
    pub fn roles(&self) -> impl Iterator<Item = (&str, &RoleConfig)> {
        let top = [
            ("root", &self.root),
            ("targets", &self.targets),
            ("snapshot", &self.snapshot),
            ("timestamp", &self.timestamp),
        ];
        let delegated = self.delegations.iter().map(|d| (d.name.as_str(), &d.role));
        top.into_iter().chain(delegated)
    }

    /// The role of that name, if there is one.
    pub fn role(&self, name: &str) -> Option<&RoleConfig> {
        self.roles()
            .find(|(found, _)| *found == name)
            .map(|(_, role)| role)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    root: RawRole,
    targets: RawRole,
    snapshot: RawRole,
    timestamp: RawRole,
    #[serde(default)]
    delegations: Vec<RawDelegation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRole {
    keys: Vec<String>,
    threshold: usize,
    lifetime_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawDelegation {
    name: String,
    paths: Vec<String>,
    keys: Vec<String>,
    threshold: usize,
    lifetime_days: u32,
}

/// The most days that a signature may count; longer, and a stolen key is never outlived.
const LIFETIME_LIMIT_DAYS: u32 = 3650;

/// The most delegations that usual clients follow.
const DELEGATIONS_LIMIT: usize = 32;

struct Checker<'a> {
    file: &'a str,
    /// Which role each key was seen in.
    owners: BTreeMap<KeyName, String>,
}

impl Checker<'_> {
    fn check(mut self, raw: Raw) -> Result<RolesConfig> {
        let root = self.role("root", raw.root)?;
        let targets = self.role("targets", raw.targets)?;
        let snapshot = self.role("snapshot", raw.snapshot)?;
        let timestamp = self.role("timestamp", raw.timestamp)?;
        if raw.delegations.len() > DELEGATIONS_LIMIT {
            let problem = format!("at most {DELEGATIONS_LIMIT} delegations are accepted");
            return Err(self.wrong("delegations", problem));
        }
        let mut delegations: Vec<DelegationConfig> = Vec::new();
        for raw in raw.delegations {
            let delegation = self.delegation(raw)?;
            if delegations
                .iter()
                .any(|other| other.name == delegation.name)
            {
                return Err(self.wrong(
                    "delegations",
                    format!("{} stands there twice", delegation.name),
                ));
            }
            delegations.push(delegation);
        }
        Ok(RolesConfig {
            root,
            targets,
            snapshot,
            timestamp,
            delegations,
        })
    }

    fn delegation(&mut self, raw: RawDelegation) -> Result<DelegationConfig> {
        let key = format!("delegations.{}", raw.name);
        let top_level = ["root", "targets", "snapshot", "timestamp"].contains(&raw.name.as_str());
        if top_level || raw.name.parse::<KeyName>().is_err() {
            let problem = "a name is 1 to 64 of a-z, 0-9 and -, and none of root, targets, snapshot, timestamp";
            return Err(self.wrong(&key, problem.to_owned()));
        }
        self.paths(&key, &raw.paths)?;
        let role = RawRole {
            keys: raw.keys,
            threshold: raw.threshold,
            lifetime_days: raw.lifetime_days,
        };
        Ok(DelegationConfig {
            role: self.role(&key, role)?,
            name: raw.name,
            paths: raw.paths,
        })
    }

    fn paths(&self, key: &str, paths: &[String]) -> Result<()> {
        let flat = |path: &String| {
            !path.is_empty()
                && path
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && b != b'/' && b != b'\\')
        };
        match !paths.is_empty() && paths.iter().all(flat) {
            true => Ok(()),
            false => Err(self.wrong(
                &format!("{key}.paths"),
                "at least one pattern is needed, each of visible ASCII without / or \\".to_owned(),
            )),
        }
    }

    fn role(&mut self, key: &str, raw: RawRole) -> Result<RoleConfig> {
        let keys = raw
            .keys
            .iter()
            .map(|name| self.key(key, name))
            .collect::<Result<Vec<_>>>()?;
        if raw.threshold == 0 || raw.threshold > keys.len() {
            let problem = format!(
                "{} is not within 1 to {}, the number of keys",
                raw.threshold,
                keys.len()
            );
            return Err(self.wrong(&format!("{key}.threshold"), problem));
        }
        if raw.lifetime_days == 0 || raw.lifetime_days > LIFETIME_LIMIT_DAYS {
            let problem = format!(
                "{} is not within 1 to {LIFETIME_LIMIT_DAYS}",
                raw.lifetime_days
            );
            return Err(self.wrong(&format!("{key}.lifetime-days"), problem));
        }
        let lifetime = Duration::from_secs(u64::from(raw.lifetime_days) * 24 * 60 * 60);
        Ok(RoleConfig {
            keys,
            threshold: raw.threshold,
            lifetime,
        })
    }

    fn key(&mut self, role: &str, text: &str) -> Result<KeyName> {
        let at = format!("{role}.keys");
        let name: KeyName = text
            .parse()
            .map_err(|error: Error| self.wrong(&at, error.to_string()))?;
        if name.is_development() {
            let problem =
                format!("{name} is the name of a throwaway key; write it without that prefix");
            return Err(self.wrong(&at, problem));
        }
        match self.owners.insert(name.clone(), role.to_owned()) {
            Some(other) => Err(self.wrong(
                &at,
                format!("{name} already signs for {other}; a key serves one role, once"),
            )),
            None => Ok(name),
        }
    }

    fn wrong(&self, key: &str, problem: String) -> Error {
        Error::Roles {
            file: self.file.to_owned(),
            key: key.to_owned(),
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../roles.toml");

    fn parse(text: &str) -> Result<RolesConfig> {
        RolesConfig::parse("keys/roles.toml", text)
    }

    fn refused(from: &str, to: &str) -> String {
        assert!(OURS.contains(from), "{from} is not in roles.toml");
        let error = anyhow_text(&parse(&OURS.replacen(from, to, 1)).unwrap_err());
        assert!(error.contains("keys/roles.toml"), "{error}");
        error
    }

    fn anyhow_text(error: &dyn std::error::Error) -> String {
        error.source().map_or_else(
            || error.to_string(),
            |source| format!("{error}: {}", anyhow_text(source)),
        )
    }

    #[test]
    fn the_projects_own_roles_are_as_designed() {
        let roles = parse(OURS).unwrap();
        let shape: Vec<_> = roles
            .roles()
            .map(|(name, role)| (name, role.threshold, role.keys.len()))
            .collect();
        let expected = [
            ("root", 2, 3),
            ("targets", 2, 3),
            ("snapshot", 1, 1),
            ("timestamp", 1, 1),
            ("stable", 2, 3),
            ("beta", 1, 1),
            ("enforcement", 2, 3),
        ];
        assert_eq!(shape, expected);
        assert!(
            roles
                .for_development()
                .roles()
                .all(|(_, role)| role.keys.iter().all(KeyName::is_development))
        );
    }

    #[test]
    fn a_key_in_two_roles_is_refused_above_all_stables_in_enforcement() {
        let error = refused("\"enforcement-1\"", "\"stable-1\"");
        assert!(
            error.contains("stable-1 already signs for delegations.stable"),
            "{error}"
        );
        assert!(refused("\"root-2\"", "\"root-1\"").contains("root-1 already signs for root"));
    }

    #[test]
    fn thresholds_and_lifetimes_outside_their_bounds_are_refused() {
        assert!(
            refused("threshold = 2", "threshold = 0")
                .contains("root.threshold: 0 is not within 1 to 3")
        );
        assert!(refused("threshold = 2", "threshold = 4").contains("4 is not within 1 to 3"));
        assert!(refused("threshold = 2", "threshold = -1").contains("line"));
        assert!(refused("lifetime-days = 365", "lifetime-days = 0").contains("root.lifetime-days"));
        assert!(refused("lifetime-days = 365", "lifetime-days = 99999").contains("1 to 3650"));
    }

    #[test]
    fn unknown_keys_and_missing_roles_are_refused_with_what_is_accepted() {
        let error = refused("threshold = 2", "treshold = 2");
        assert!(
            error.contains("treshold") && error.contains("`threshold`"),
            "{error}"
        );
        assert!(refused("[snapshot]", "[snap]").contains("snapshot"));
    }

    #[test]
    fn names_that_would_mislead_are_refused() {
        assert!(
            refused("\"beta\"]\nthreshold", "\"development-beta\"]\nthreshold")
                .contains("throwaway")
        );
        assert!(refused("name = \"beta\"", "name = \"root\"").contains("none of root"));
        assert!(refused("name = \"beta\"", "name = \"stable\"").contains("stands there twice"));
        assert!(refused("\"beta.json\"", "\"../beta.json\"").contains("without / or"));
    }
}
