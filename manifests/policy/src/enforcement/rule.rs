//! One rule: what is required, what is withheld without it, and from when on.

use std::{fmt, str::FromStr};

use firstlayer_bundle::{Model, NameError, check_name};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Capability, Channel};

/// The longest text for people in a rule, in bytes: it is shown, logged, and sent to printers.
const LONGEST_TEXT: usize = 1024;
/// The most exemptions of one rule: bounds what each decision looks at.
const MOST_EXEMPTIONS: usize = 64;

firstlayer_bundle::name!(
    /// The name of a rule, which stays the same from one manifest to the next.
    RuleName,
    "rule"
);

/// Something that the cloud does for a printer, and may withhold: `cloud-print`. Never an update.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Feature(String);

/// A text that names nothing that may be withheld.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// No name at all.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Whoever is refused updates has no way out.
    #[error("a rule withholds `{0}`, and updates are never withheld")]
    Update(String),
}

/// What a rule says, beside the printers that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// What a printer must be able to do.
    pub capability: Capability,
    /// What it does not get otherwise.
    pub withholds: Feature,
    /// From when on printers without it are warned.
    pub warn_from: Timestamp,
    /// From when on it is withheld from them.
    pub enforce_from: Timestamp,
    /// Why, for the people whose printers it concerns.
    pub reason: String,
    /// Where they read more: an HTTPS URL.
    pub help: String,
    /// Printers that it spares for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
    /// Whether a printer that has a device key must sign what it reports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed_reports: bool,
}

/// Printers that a rule spares for a time. A list that is empty spares none by itself: it names every one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Models; all, if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Model>,
    /// Channels; all, if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// When it ends.
    pub until: Timestamp,
    /// Why there is one.
    pub why: String,
}

impl Feature {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Exemption {
    /// Whether it spares these printers at this time.
    pub fn covers(&self, model: &Model, channel: &Channel, now: Timestamp) -> bool {
        let named = self.models.is_empty() || self.models.contains(model);
        let followed = self.channels.is_empty() || self.channels.contains(channel);
        named && followed && now < self.until
    }
}

impl Rule {
    /// Checks what the rule says against itself; the text says what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.warn_from > self.enforce_from {
            return Err(format!(
                "it warns from {} on, which is after it enforces, {}",
                self.warn_from, self.enforce_from
            ));
        }
        check_text("reason", &self.reason)?;
        check_text("help", &self.help)?;
        if !self.help.starts_with("https://") {
            return Err("its help is no https:// URL".to_owned());
        }
        let count = self.exemptions.len();
        if count > MOST_EXEMPTIONS {
            return Err(format!(
                "it has {count} exemptions, and {MOST_EXEMPTIONS} are allowed"
            ));
        }
        self.exemptions.iter().try_for_each(|exemption| {
            if exemption.models.is_empty() && exemption.channels.is_empty() {
                return Err("an exemption names neither models nor channels".to_owned());
            }
            check_text("exemption's why", &exemption.why)
        })
    }
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    match text.len() {
        _ if text.trim().is_empty() => Err(format!("its {what} is empty")),
        length if length > LONGEST_TEXT => {
            Err(format!("its {what} is longer than {LONGEST_TEXT} bytes"))
        }
        _ if text.chars().any(char::is_control) => {
            Err(format!("its {what} has control characters"))
        }
        _ => Ok(()),
    }
}

impl TryFrom<String> for Feature {
    type Error = FeatureError;

    fn try_from(name: String) -> Result<Self, FeatureError> {
        let name = check_name("feature", name)?;
        if name.contains("update") || name.contains("upgrade") {
            return Err(FeatureError::Update(name));
        }
        Ok(Self(name))
    }
}

impl FromStr for Feature {
    type Err = FeatureError;

    fn from_str(text: &str) -> Result<Self, FeatureError> {
        text.to_owned().try_into()
    }
}

impl From<Feature> for String {
    fn from(feature: Feature) -> Self {
        feature.0
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
