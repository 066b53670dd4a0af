//! What a plan is asked to be: whose census, how many may be cut off, how much notice they get. No file is read here.

use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;
use firstlayer_census::{DatabaseUrl, DatabaseUrlError};
use firstlayer_policy::RuleName;
use serde::{Serialize, Serializer};

use crate::checkout::Checkout;
use crate::period::Period;
use crate::release::{Environment, keys_folder, repository_folder};

/// What `plan` and `apply` are told. `apply` is told it again by whoever signs: nothing of it comes from the plan's file.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where the census is.
    pub census: Source,
    /// Which repository, and whose keys.
    pub place: Place,
    /// What a plan may do to whom.
    pub terms: Terms,
}

/// A repository, and the keys that sign it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Whose keys sign.
    pub environment: Environment,
    /// The folder of the repository.
    pub repository: Utf8PathBuf,
    /// The folder with the keys.
    pub keys: Utf8PathBuf,
}

/// What a plan may do to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// How many printers in use may be refused on the day.
    pub max_lockout: Budget,
    /// How long printers have after the last wave of a release that they need.
    pub grace: Period,
    /// How long before it is enforced a rule warns.
    pub notice: Period,
    /// A printer that was not seen for so long is not in use, and counts as not updating.
    pub silent_after: Period,
    /// Whether versions are locked out whose way back could not be tried.
    pub accept_untried: bool,
    /// Rules that may demand less than they do now.
    pub relax: Vec<Relax>,
}

/// A rule that is loosened on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relax {
    /// The rule.
    pub rule: RuleName,
    /// Why.
    pub why: String,
}

/// Where a census is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A CSV file, plain or compressed with zstd.
    File(Utf8PathBuf),
    /// A gate's database.
    Database(DatabaseUrl),
}

/// How many printers in use may be refused on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// So many.
    Printers(u64),
    /// So many of a million of those in use.
    PerMillion(u32),
}

/// A text that is no [`Budget`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("accepted is a number of printers such as 250, or a share of those in use such as 0.5%")]
pub struct NoBudget;

impl Place {
    /// Fills in the checkout's own folders where none was named.
    pub fn new(
        checkout: &Checkout,
        environment: Environment,
        repository: Option<Utf8PathBuf>,
        keys: Option<Utf8PathBuf>,
    ) -> Self {
        Self {
            environment,
            repository: repository.unwrap_or_else(|| repository_folder(checkout)),
            keys: keys.unwrap_or_else(|| keys_folder(checkout)),
        }
    }
}

impl Default for Terms {
    /// No printer that is in use is cut off unless somebody typed how many: a way out is no consolation to an owner whose
    /// printer stops on the day, and a default that lets some through would be a number that nobody chose.
    fn default() -> Self {
        Self {
            max_lockout: Budget::Printers(0),
            grace: Period::days(14),
            notice: Period::days(30),
            silent_after: Period::days(30),
            accept_untried: false,
            relax: Vec::new(),
        }
    }
}

impl Budget {
    /// How many printers that is, of so many in use.
    pub fn printers(self, in_use: u64) -> u64 {
        match self {
            Self::Printers(count) => count,
            Self::PerMillion(share) => {
                let allowed = u128::from(in_use) * u128::from(share) / 1_000_000;
                u64::try_from(allowed).unwrap_or(u64::MAX)
            }
        }
    }
}

impl FromStr for Budget {
    type Err = NoBudget;

    fn from_str(text: &str) -> Result<Self, NoBudget> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(percent) = text.strip_suffix('%') else {
            let plain = digits(text).then(|| text.parse().ok()).flatten();
            return plain.map(Self::Printers).ok_or(NoBudget);
        };
        // A percent is ten thousand of a million, so four decimals are exact.
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
        let fits = !whole.is_empty() && (1..=4).contains(&decimals.len());
        if !fits || !digits(whole) || !digits(decimals) {
            return Err(NoBudget);
        }
        let whole: u32 = whole.parse().map_err(|_| NoBudget)?;
        let decimals: u32 = format!("{decimals:0<4}").parse().map_err(|_| NoBudget)?;
        let share = whole
            .checked_mul(10_000)
            .and_then(|share| share.checked_add(decimals));
        share
            .filter(|share| *share <= 1_000_000)
            .map(Self::PerMillion)
            .ok_or(NoBudget)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Printers(count) => write!(f, "{count}"),
            Self::PerMillion(share) => {
                let text = format!("{}.{:04}", share / 10_000, share % 10_000);
                write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Source {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let database = ["sqlite:", "postgres://", "postgresql://"];
        Ok(
            match database.iter().any(|scheme| text.starts_with(scheme)) {
                true => Self::Database(text.parse()?),
                false => Self::File(text.into()),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_numbers_or_shares() {
        for (text, of_2000) in [
            ("0", 0),
            ("250", 250),
            ("0%", 0),
            ("0.5%", 10),
            ("100%", 2000),
        ] {
            let budget: Budget = text.parse().unwrap();
            assert_eq!(budget.printers(2000), of_2000, "{text}");
            assert_eq!(budget.to_string(), text);
        }
        for text in [
            "", "%", "-1", "+1", "101%", "1.00001%", "1,5%", ".5%", "many",
        ] {
            assert!(text.parse::<Budget>().is_err(), "{text}");
        }
    }
}
