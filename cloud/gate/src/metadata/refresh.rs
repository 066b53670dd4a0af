//! The refresh in the background: again and again, never at the same moment as every other gate.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Change, Keeper};
use crate::metrics::Metrics;

/// How often the repository is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(pub Duration);

impl Pace {
    /// The time until the next refresh: a fifth more or less, by these random bits.
    fn next(self, random: u32) -> Duration {
        let share = 0.8 + 0.4 * f64::from(random) / f64::from(u32::MAX);
        self.0.mul_f64(share)
    }
}

/// Refreshes until `stop`, each time on a thread that may block. The first refresh comes at once.
pub async fn keep_fresh(
    mut keeper: Keeper,
    pace: Pace,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    // What was kept, if the gate ran before.
    tell(&keeper);
    loop {
        let refreshed = tokio::task::spawn_blocking(move || {
            let outcome = keeper.refresh(Timestamp::now());
            (keeper, outcome)
        });
        let refreshed = tokio::select! {
            refreshed = refreshed => refreshed,
            () = stop.cancelled() => return,
        };
        let outcome;
        (keeper, outcome) = match refreshed {
            Ok(done) => done,
            Err(error) => {
                // Only a panic or the end of the runtime leads here.
                tracing::error!(%error, "the refresh of the rules ended: restart the gate");
                return;
            }
        };
        match outcome {
            Ok(change) => {
                metrics.refreshed("ok");
                if change == Change::New {
                    tell(&keeper);
                }
            }
            Err(error) => {
                metrics.refreshed(error.kind());
                let why = crate::with_causes(&error);
                tracing::error!(%why, "the rules were not refreshed: the last good ones stay in force");
            }
        }
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        tokio::select! {
            () = tokio::time::sleep(pace.next(random)) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn tell(keeper: &Keeper) {
    if let Some(in_force) = keeper.standing().in_force().as_ref() {
        tracing::info!(
            revision = in_force.revision(),
            timestamp = in_force.timestamp_version(),
            expires = %in_force.expires(),
            "rules are in force"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_that_start_together_do_not_ask_together() {
        let pace = Pace(Duration::from_secs(100));
        let (least, most) = (pace.next(0), pace.next(u32::MAX));
        assert_eq!((least.as_secs(), most.as_secs()), (80, 120));
    }
}
