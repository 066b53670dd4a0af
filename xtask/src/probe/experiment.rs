//! The experiments: one entry a capability, in the order in which they are carried out. A new capability is one more.

mod cloud_mqtts;
mod https_transfer;
mod lan_ftps;
mod lan_mqtts;
mod lan_ports;
mod signed_update;
mod wifi;

use std::io;
use std::sync::mpsc::RecvTimeoutError;

use anyhow::Result;

use super::bench::Bench;
use super::peer::tls::ran_out_of_time;
use super::verdict::Observation;

/// How a capability is measured.
pub(super) struct Experiment {
    /// Its name, as releases claim it.
    pub(super) capability: &'static str,
    /// Carries it out. An error means that it could not be: nothing is known of the capability then.
    pub(super) measure: fn(&mut Bench) -> Result<Observations>,
}

/// Every capability that there is. The ports come first: the probe itself has none open yet.
pub(super) const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        capability: "lan-ports-closed",
        measure: lan_ports::measure,
    },
    Experiment {
        capability: "lan-mqtts",
        measure: lan_mqtts::measure,
    },
    Experiment {
        capability: "lan-ftps",
        measure: lan_ftps::measure,
    },
    Experiment {
        capability: "https-transfer",
        measure: https_transfer::measure,
    },
    Experiment {
        capability: "cloud-mqtts",
        measure: cloud_mqtts::measure,
    },
    Experiment {
        capability: "wifi-wpa2",
        measure: wifi::measure,
    },
    Experiment {
        capability: "signed-update",
        measure: signed_update::measure,
    },
];

/// What an experiment has seen so far.
#[derive(Debug, Default)]
pub(super) struct Observations(Vec<Observation>);

impl Observations {
    /// Adds what was seen, beside what had to be.
    fn note(
        &mut self,
        name: impl Into<String>,
        expected: impl Into<String>,
        seen: impl Into<String>,
    ) {
        self.0.push(Observation {
            name: name.into(),
            expected: expected.into(),
            seen: seen.into(),
        });
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<Observation> {
        self.0
    }
}

/// What a peer's behaviour looks like that did not come to the point: the error that it caused, in one line.
///
/// # Errors
/// The error itself, if it says no more than that time ran out: on a busy machine that shows nothing.
fn told(error: anyhow::Error) -> Result<String> {
    match shows_nothing(&error) {
        true => Err(error),
        false => Ok(format!("{error:#}").replace('\n', " ")),
    }
}

fn shows_nothing(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(ran_out_of_time) || cause.is::<RecvTimeoutError>()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::ErrorKind;

    use firstlayer_policy::Capability;

    use super::*;

    #[test]
    fn time_that_ran_out_shows_nothing_and_every_other_end_does() {
        let of = |kind: ErrorKind| anyhow::Error::from(io::Error::from(kind)).context("no answer");
        assert!(told(of(ErrorKind::TimedOut)).is_err());
        assert!(told(of(ErrorKind::WouldBlock)).is_err());
        assert!(told(anyhow::Error::from(RecvTimeoutError::Timeout).context("nobody")).is_err());
        let seen = told(of(ErrorKind::ConnectionReset)).unwrap();
        assert!(seen.starts_with("no answer: "), "{seen}");
    }

    #[test]
    fn every_capability_has_one_experiment_and_a_name_that_manifests_take() {
        let names: BTreeSet<Capability> = EXPERIMENTS
            .iter()
            .map(|experiment| experiment.capability.parse().unwrap())
            .collect();
        assert_eq!(names.len(), EXPERIMENTS.len());
    }
}
