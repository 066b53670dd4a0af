//! One enforcement manifest after the other: what is loosened must be said, or the next one is refused.
//!
//! Stops whoever holds the enforcement keys for a moment from quietly letting old firmware in again.

use semver::Version;
use serde::Serialize;

use super::{EnforcedRule, EnforcementManifest, RuleName};
use crate::PolicyError;

/// Something that a manifest demands less than the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loosening {
    /// The rule.
    pub rule: RuleName,
    /// What about it.
    pub what: String,
}

impl EnforcementManifest {
    /// Checks that this manifest may follow `before`: a later revision, or the same document; and nothing loosened that
    /// no [`super::Relaxation`] since then tells of.
    ///
    /// # Errors
    /// [`PolicyError::Rollback`] or [`PolicyError::Loosened`].
    pub fn check_follows(&self, before: &Self) -> Result<(), PolicyError> {
        if self == before {
            return Ok(());
        }
        if self.revision() <= before.revision() {
            return Err(PolicyError::Rollback {
                found: self.revision(),
                known: before.revision(),
            });
        }
        let silent = self.loosenings(before).into_iter().find(|loosening| {
            !self.relaxations().iter().any(|told| {
                told.rule == loosening.rule
                    && told.revision > before.revision()
                    && told.revision <= self.revision()
            })
        });
        match silent {
            Some(Loosening { rule, what }) => Err(PolicyError::Loosened { rule, what }),
            None => Ok(()),
        }
    }

    /// Everything that this manifest demands less than `before`.
    pub fn loosenings(&self, before: &Self) -> Vec<Loosening> {
        let mut found = Vec::new();
        for old in before.rules() {
            let name = &old.rule.name;
            let what = match self.rule(name) {
                Some(new) => loosened(new, old),
                None => vec!["it is gone".to_owned()],
            };
            found.extend(what.into_iter().map(|what| Loosening {
                rule: name.clone(),
                what,
            }));
        }
        found
    }
}

fn loosened(new: &EnforcedRule, old: &EnforcedRule) -> Vec<String> {
    let (rule, before) = (&new.rule, &old.rule);
    let mut what = Vec::new();
    let mut say = |loosened: bool, sentence: String| {
        if loosened {
            what.push(sentence);
        }
    };
    say(
        rule.capability != before.capability,
        format!("it no longer requires {}", before.capability),
    );
    say(
        rule.withholds != before.withholds,
        format!("it no longer withholds {}", before.withholds),
    );
    say(
        rule.enforce_from > before.enforce_from,
        format!("it is enforced later, from {} on", rule.enforce_from),
    );
    say(
        before.signed_reports && !rule.signed_reports,
        "reports need not be signed any more".to_owned(),
    );
    for exemption in &rule.exemptions {
        let known = before.exemptions.iter().any(|known| {
            known.models == exemption.models
                && known.channels == exemption.channels
                && known.until >= exemption.until
        });
        say(
            !known,
            format!("it spares more printers, until {}", exemption.until),
        );
    }
    for minimum in &old.minimums {
        let (channel, model) = (&minimum.channel, &minimum.model);
        let now = new.minimum(channel, model);
        say(
            now.is_none_or(|now| *now < minimum.version),
            format!(
                "the minimum of {model} on {channel} falls from {} to {}",
                minimum.version,
                now.map_or_else(|| "nothing".to_owned(), Version::to_string)
            ),
        );
    }
    what
}
