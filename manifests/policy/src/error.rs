//! What can be wrong with a document of this crate; never with the decision itself, which always has reasons.

use firstlayer_bundle::Board;
use semver::Version;

use crate::{Channel, RuleName};

/// A document that cannot be used. The fault is its author's, unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Longer than the reader allows: stops a manifest from filling the printer's memory.
    #[error("the document is {length} bytes long, and at most {limit} are read")]
    TooLong {
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More releases than the reader allows.
    #[error("the channel manifest lists {count} releases, and at most {limit} are read")]
    TooManyReleases {
        /// Releases listed.
        count: usize,
        /// Releases allowed.
        limit: usize,
    },
    /// More of something than readers take.
    #[error("the document has {count} {what}, and at most {limit} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Not the rules that people are to write.
    #[error("the rules are not what their format asks for")]
    Rules(#[source] toml::de::Error),
    /// A rule that contradicts itself.
    #[error("rule {rule} cannot be used: {problem}")]
    Rule {
        /// Its name.
        rule: RuleName,
        /// What is wrong with it.
        problem: String,
    },
    /// An enforcement manifest that is older than one that was accepted before.
    #[error("the enforcement manifest is revision {found}, and {known} was accepted before")]
    Rollback {
        /// Revision found.
        found: u64,
        /// Revision known.
        known: u64,
    },
    /// An enforcement manifest that demands less than the one before, and does not say so.
    #[error("the enforcement manifest loosens rule {rule} without saying so: {what}")]
    Loosened {
        /// The rule.
        rule: RuleName,
        /// What is loosened.
        what: String,
    },
    /// Not the JSON that the format asks for.
    #[error("the document is not what its format asks for")]
    Malformed(#[source] serde_json::Error),
    /// A later, incompatible format.
    #[error(
        "the document has format {found}, and this program knows format {known}: update it first"
    )]
    UnknownFormat {
        /// Format found.
        found: u32,
        /// Format known here.
        known: u32,
    },
    /// A release that contradicts itself or its channel.
    #[error("release {version} for {board} cannot be used: {problem}")]
    Release {
        /// Its version.
        version: Box<Version>,
        /// Its board.
        board: Board,
        /// What is wrong with it.
        problem: String,
    },
    /// A manifest published under the name of another channel.
    #[error("the manifest is that of channel {found}, where {wanted}'s was asked for")]
    OtherChannel {
        /// Channel asked for.
        wanted: Channel,
        /// Channel that the manifest names.
        found: Channel,
    },
}

impl PolicyError {
    pub(crate) fn rule(rule: &RuleName, problem: impl Into<String>) -> Self {
        Self::Rule {
            rule: rule.clone(),
            problem: problem.into(),
        }
    }
}
