//! Applying that stops at any step leaves clients the old rules or the new ones, and the next run finishes the job.

use xtask::repository::RealDisk;

use super::stage::Stage;
use crate::crash::{End, Failing};

#[test]
fn at_whatever_step_it_stops_the_rules_are_the_old_or_the_new_ones() {
    let stage = Stage::new();
    stage.plan();
    for steps in 0.. {
        let disk = Failing::after(steps, End::Crash);
        let stopped = stage.apply_on(&disk).is_err();
        let revision = stage.status().revision;
        if revision.is_some() || !stopped {
            assert!(steps > 8, "there are more steps than {steps}");
            break;
        }
    }
    // Whatever was left behind, the next plan and its application go through.
    stage.plan();
    stage.apply_on(&RealDisk).unwrap();
    assert_eq!(stage.status().revision, Some(1));
}
