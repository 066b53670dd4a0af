//! When to ask again: bounded, further apart each time, at times no two printers share, and when the server says.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

use crate::{Clock, FetchError, Progress, ProgressEvent};

/// How patient the agent is with a network that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Failures in a row after which it gives up. A frame that arrives ends a row.
    pub attempts: u32,
    /// The first wait, before jitter; it doubles with each failure.
    pub first: Duration,
    /// The longest wait of its own accord.
    pub longest: Duration,
    /// The longest wait on a server's word: it must not be able to put a printer to sleep for a year.
    pub longest_on_request: Duration,
}

/// Counts the failures in a row.
pub(crate) struct Retries<'a> {
    policy: RetryPolicy,
    clock: &'a dyn Clock,
    failures: u32,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(policy: RetryPolicy, clock: &'a dyn Clock) -> Self {
        Self {
            policy,
            clock,
            failures: 0,
        }
    }

    /// Something arrived: the next failure is the first of its row.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits before another try, or gives the error back if there is to be none.
    pub(crate) fn wait(
        &mut self,
        error: FetchError,
        progress: &mut dyn Progress,
    ) -> Result<(), FetchError> {
        self.failures = self.failures.saturating_add(1);
        if !error.is_transient() || self.failures >= self.policy.attempts {
            return Err(error);
        }
        let time = self
            .policy
            .delay(self.failures, error.retry_after(), random());
        progress.event(&ProgressEvent::Waiting {
            time,
            error: &error,
        });
        self.clock.sleep(time);
        Ok(())
    }
}

impl RetryPolicy {
    /// The wait after the `failures`-th failure in a row: between half and all of the doubled time, and no
    /// shorter than the server asks.
    fn delay(&self, failures: u32, asked: Option<Duration>, random: u64) -> Duration {
        let doubled = self.first.saturating_mul(
            1u32.checked_shl(failures.saturating_sub(1))
                .unwrap_or(u32::MAX),
        );
        let full = doubled.min(self.longest);
        let jitter = full.mul_f64(random as f64 / u64::MAX as f64 / 2.0);
        let own = (full / 2).saturating_add(jitter);
        own.max(asked.unwrap_or_default().min(self.longest_on_request))
    }
}

impl Default for RetryPolicy {
    /// Six tries over about half a minute, and no more than ten minutes on a server's word.
    fn default() -> Self {
        Self {
            attempts: 6,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            longest_on_request: Duration::from_secs(600),
        }
    }
}

/// Reads `Retry-After` (RFC 9110, 10.2.3) in both its forms: seconds, or a date. A date counts from the server's
/// own `Date`, because the printer's clock may be wrong; `now` stands in where there is none.
pub fn retry_after(header: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = http_date(header)?;
    let from = date.and_then(http_date).unwrap_or(now);
    Some(Duration::try_from(until.duration_since(from)).unwrap_or(Duration::ZERO))
}

fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// Enough randomness to keep printers apart that lost the same server; nothing secret hangs on it.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let read = |header, date| retry_after(header, date, now);
        assert_eq!(read("120", None), Some(Duration::from_secs(120)));
        assert_eq!(read(" 0 ", None), Some(Duration::ZERO));
        let date = "Mon, 23 Nov 2026 08:01:00 GMT";
        assert_eq!(read(date, None), Some(Duration::from_secs(60)));
        assert_eq!(
            read(date, Some("Mon, 23 Nov 2026 08:00:30 GMT")),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            read(date, Some("Mon, 23 Nov 2026 09:00:00 GMT")),
            Some(Duration::ZERO)
        );
        for nonsense in ["", "-1", "soon", "99999999999999999999"] {
            assert_eq!(read(nonsense, None), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn waits_are_bounded_and_never_shorter_than_asked(
            failures in 1u32..100, asked in proptest::option::of(0u64..1_000_000), random in any::<u64>(),
        ) {
            let policy = RetryPolicy::default();
            let asked = asked.map(Duration::from_secs);
            let wait = policy.delay(failures, asked, random);
            prop_assert!(wait >= asked.unwrap_or_default().min(policy.longest_on_request));
            prop_assert!(wait <= policy.longest_on_request.max(policy.longest));
            prop_assert!(wait >= policy.first / 2);
        }

        #[test]
        fn no_header_makes_the_reader_panic(header in ".{0,60}", date in proptest::option::of(".{0,60}")) {
            let _ = retry_after(&header, date.as_deref(), Timestamp::UNIX_EPOCH);
        }
    }
}
