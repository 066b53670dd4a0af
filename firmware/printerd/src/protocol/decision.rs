//! What the cloud decided about this printer, as it told us: `cloud.decision`.

use std::fmt;

use jiff::Timestamp;

use super::version::Wanted;

/// The cloud's decision. Updates and printing from the LAN or the card do not depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, for people.
    pub reason: String,
    /// From when on it is enforced.
    pub deadline: Option<Timestamp>,
    /// The version to get.
    pub version: Option<Wanted>,
    /// Where to read more.
    pub help: Option<String>,
}

/// The cloud's verdict on this printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Ok,
    /// It will be refused from the deadline on.
    Warn,
    /// Jobs from the cloud are refused until it is updated.
    UpdateRequired,
    /// It lacks something and has no way to get it: the cloud is to find one, and refuses nothing.
    Stranded,
}

impl Verdict {
    /// The verdict of this name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let all = [Self::Ok, Self::Warn, Self::UpdateRequired, Self::Stranded];
        all.into_iter().find(|verdict| verdict.as_str() == text)
    }

    /// Its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::UpdateRequired => "update-required",
            Self::Stranded => "stranded",
        }
    }
}

impl Decision {
    /// Whether jobs from the cloud are refused.
    pub fn withholds_cloud_jobs(&self) -> bool {
        self.verdict == Verdict::UpdateRequired
    }
}

/// The sentence for whoever is refused by it.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Ok => f.write_str("the cloud has no objection")?,
            Verdict::Warn => f.write_str("the cloud will refuse jobs of this firmware")?,
            Verdict::UpdateRequired => f.write_str(
                "the cloud requires an update before it prints; jobs from the LAN and the card go on",
            )?,
            Verdict::Stranded => f.write_str("the cloud knows no update for this printer")?,
        }
        if let Some(deadline) = self.deadline {
            write!(f, "; deadline: {deadline}")?;
        }
        if let Some(version) = &self.version {
            write!(f, "; version to get: {version}")?;
        }
        if !self.reason.is_empty() {
            write!(f, "; reason: {}", self.reason)?;
        }
        Ok(())
    }
}
