//! Every reason why something cannot go ahead, told at once instead of one a run.

use std::fmt;

use serde::Serialize;

/// Reasons, in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds a reason in words.
    pub fn add(&mut self, reason: impl Into<String>) {
        self.0.push(reason.into());
    }

    /// The value, or `None` and its error as one more reason.
    pub fn take<T>(&mut self, result: anyhow::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(format!("{error:#}"))).ok()
    }

    /// Adds the reason unless the condition holds.
    pub fn unless(&mut self, condition: bool, reason: impl FnOnce() -> String) {
        if !condition {
            self.add(reason());
        }
    }

    /// Whether nothing stands in the way.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reasons.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Nothing, or all of it as one error.
    ///
    /// # Errors
    /// [`Stopped`], when there is any reason.
    pub fn into_result(self) -> Result<(), Stopped> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Stopped(self)),
        }
    }
}

/// It was looked at, and cannot go ahead; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing was changed, because {0}")]
pub struct Stopped(pub Problems);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("1 thing stands in the way:")?,
            count => write!(f, "{count} things stand in the way:")?,
        }
        self.0
            .iter()
            .try_for_each(|reason| write!(f, "\n  - {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_told() {
        let mut problems = Problems::default();
        problems.unless(1 + 1 == 2, || unreachable!());
        assert!(problems.clone().into_result().is_ok());
        problems.unless(1 + 1 == 3, || "one".to_owned());
        let none: Option<()> = problems.take(Err(anyhow::anyhow!("cause").context("two")));
        assert!(none.is_none());
        let text = problems.into_result().unwrap_err().to_string();
        assert_eq!(
            text,
            "nothing was changed, because 2 things stand in the way:\n  - one\n  - two: cause"
        );
    }
}
