//! What a release is asked to be, and where its inputs lie. No clap, no file is read here.

use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_policy::Channel;
use serde::Serialize;

use crate::checkout::Checkout;

/// Whose keys sign: throwaway ones, or those that real printers trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Keys made on first use; versions from the commit; any tree.
    #[default]
    Development,
    /// Keys from the environment or a folder; a clean tree and a tag.
    Production,
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("accepted are development, production".to_owned()),
        }
    }
}

/// Whether it is measured what images can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probing {
    /// Each image is put to the test, and the release claims what was seen.
    #[default]
    Measure,
    /// Nothing is measured, so nothing is claimed.
    SkipAndClaimNothing,
}

/// A release, as it was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it goes.
    pub channel: Channel,
    /// Whose keys sign.
    pub environment: Environment,
    /// The folder that is published into.
    pub repository: Utf8PathBuf,
    /// The folder with the keys.
    pub keys: Utf8PathBuf,
    /// Whether it is measured what it can do.
    pub probing: Probing,
}

impl Request {
    /// Fills in the checkout's own folders where none was named.
    pub fn new(
        checkout: &Checkout,
        channel: Channel,
        environment: Environment,
        repository: Option<Utf8PathBuf>,
        keys: Option<Utf8PathBuf>,
    ) -> Self {
        Self {
            channel,
            environment,
            repository: repository.unwrap_or_else(|| repository_folder(checkout)),
            keys: keys.unwrap_or_else(|| keys_folder(checkout)),
            probing: Probing::default(),
        }
    }

    /// Where the trust anchor lies: beside throwaway keys, or under review in the checkout.
    pub fn anchor(&self, checkout: &Checkout) -> Utf8PathBuf {
        anchor_file(checkout, self.environment, &self.keys)
    }
}

/// Where an environment's trust anchor lies.
pub(crate) fn anchor_file(
    checkout: &Checkout,
    environment: Environment,
    keys: &Utf8Path,
) -> Utf8PathBuf {
    match environment {
        Environment::Development => keys.join("root.json"),
        Environment::Production => checkout.root().join("keys/roots/1.root.json"),
    }
}

/// The repository of those who name none.
pub fn repository_folder(checkout: &Checkout) -> Utf8PathBuf {
    checkout.state().join("repository")
}

/// The keys of those who name none.
pub fn keys_folder(checkout: &Checkout) -> Utf8PathBuf {
    checkout.state().join("keys")
}
