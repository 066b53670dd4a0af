//! What was seen in an experiment, and what follows from it. A verdict is never set: it comes from observations alone.

use std::fmt;

use firstlayer_policy::Capability;
use serde::{Deserialize, Serialize};

/// One thing that was tried: what a printer that has the capability does, and what this one did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// What was looked at.
    pub name: String,
    /// What had to be seen.
    pub expected: String,
    /// What was seen.
    pub seen: String,
}

/// What an experiment brought: observations, or the reason why it could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It was carried out.
    Seen(Vec<Observation>),
    /// It could not be.
    NotMeasured(String),
}

/// What follows from a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was as expected: the release may claim the capability.
    Has,
    /// Something was not.
    Lacks,
    /// Nobody knows.
    NotMeasured,
}

/// The finding of one capability's experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// Which capability.
    pub capability: Capability,
    /// What the experiment brought.
    pub finding: Finding,
}

impl Observation {
    /// Whether what had to be seen was seen.
    pub fn holds(&self) -> bool {
        self.expected == self.seen
    }
}

impl Measurement {
    /// What follows: only an experiment that was carried out, and in which everything was as expected, shows anything.
    pub fn verdict(&self) -> Verdict {
        match &self.finding {
            Finding::NotMeasured(_) => Verdict::NotMeasured,
            Finding::Seen(observations) if observations.is_empty() => Verdict::NotMeasured,
            Finding::Seen(observations) if observations.iter().all(Observation::holds) => {
                Verdict::Has
            }
            Finding::Seen(_) => Verdict::Lacks,
        }
    }

    /// What was observed; nothing where the experiment could not be carried out.
    pub fn observations(&self) -> &[Observation] {
        match &self.finding {
            Finding::Seen(observations) => observations,
            Finding::NotMeasured(_) => &[],
        }
    }

    /// Why the experiment could not be carried out, if it could not.
    pub fn reason(&self) -> Option<&str> {
        match &self.finding {
            Finding::Seen(_) => None,
            Finding::NotMeasured(reason) => Some(reason),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Has => "has",
            Self::Lacks => "LACKS",
            Self::NotMeasured => "NOT MEASURED",
        })
    }
}

/// Capability, verdict, and under it whatever was not as expected.
impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:<18} {}", self.capability.as_str(), self.verdict())?;
        let wrong = self.observations().iter().filter(|one| !one.holds());
        for Observation {
            name,
            expected,
            seen,
        } in wrong
        {
            writeln!(f, "    {name}: {seen}; expected was {expected}")?;
        }
        match self.reason() {
            Some(reason) => writeln!(f, "    {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(finding: Finding) -> Verdict {
        let capability = "lan-mqtts".parse().unwrap();
        Measurement {
            capability,
            finding,
        }
        .verdict()
    }

    fn observed(seen: &str) -> Observation {
        Observation {
            name: "login".to_owned(),
            expected: "answered".to_owned(),
            seen: seen.to_owned(),
        }
    }

    #[test]
    fn one_observation_that_differs_is_enough_to_lack_it() {
        let (good, bad) = (observed("answered"), observed("refused"));
        assert_eq!(measured(Finding::Seen(vec![good.clone()])), Verdict::Has);
        assert_eq!(measured(Finding::Seen(vec![good, bad])), Verdict::Lacks);
    }

    #[test]
    fn what_was_not_carried_out_shows_nothing() {
        for finding in [
            Finding::NotMeasured("the printer does not start".to_owned()),
            Finding::Seen(Vec::new()),
        ] {
            assert_eq!(measured(finding), Verdict::NotMeasured);
        }
    }
}
