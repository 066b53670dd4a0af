//! Rounds in which the sides of a comparison take turns, so that whatever else the machine does meets all alike.

use std::{
    ops::{Add, Div},
    time::Instant,
};

use anyhow::Context;
use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::{TimeVal, TimeValLike},
};
use serde::Serialize;

/// What some work took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Seconds by the clock.
    pub(crate) wall: f64,
    /// Seconds of the processor, for the program and for the system on its behalf.
    pub(crate) processor: f64,
}

/// The median of the rounds, and the extremes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

/// One side: prepares, then gives what its work took.
pub(crate) type Side<'a> = &'a mut dyn FnMut() -> anyhow::Result<Cost>;

/// Lets the sides take turns. A first round warms caches, and does not count.
pub(crate) fn in_turns<const SIDES: usize>(
    rounds: u32,
    mut sides: [Side<'_>; SIDES],
) -> anyhow::Result<Vec<[Cost; SIDES]>> {
    let mut turn = || {
        let mut costs = [Cost::default(); SIDES];
        for (cost, side) in costs.iter_mut().zip(&mut sides) {
            *cost = side()?;
        }
        Ok(costs)
    };
    turn()?;
    (0..rounds).map(|_| turn()).collect()
}

/// Does the work, and counts its time, that of the programs it waited for included.
pub(crate) fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Cost)> {
    let (start, before) = (Instant::now(), processor_seconds()?);
    let done = work()?;
    let cost = Cost {
        wall: start.elapsed().as_secs_f64(),
        processor: processor_seconds()? - before,
    };
    Ok((done, cost))
}

/// Median and extremes of a figure of each round. Errors: no round.
pub(crate) fn spread(figures: impl IntoIterator<Item = f64>) -> anyhow::Result<Spread> {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let at = |index: usize| figures.get(index).copied();
    let (middle, last) = (figures.len() / 2, figures.len().saturating_sub(1));
    let median = if figures.len() % 2 == 1 {
        at(middle)
    } else {
        at(middle.saturating_sub(1))
            .zip(at(middle))
            .map(|(low, high)| (low + high) / 2.0)
    };
    let found = median.zip(at(0)).zip(at(last));
    let ((median, lowest), highest) = found.context("no round was measured")?;
    Ok(Spread {
        median,
        lowest,
        highest,
    })
}

fn processor_seconds() -> anyhow::Result<f64> {
    let of = |who| getrusage(who).context("asking for the processor's time");
    Ok(seconds(&of(UsageWho::RUSAGE_SELF)?) + seconds(&of(UsageWho::RUSAGE_CHILDREN)?))
}

fn seconds(usage: &Usage) -> f64 {
    let microseconds = |time: TimeVal| time.num_microseconds() as f64;
    (microseconds(usage.user_time()) + microseconds(usage.system_time())) / 1e6
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            wall: self.wall + other.wall,
            processor: self.processor + other.processor,
        }
    }
}

impl Div for Cost {
    type Output = Self;

    /// Both ratios.
    fn div(self, other: Self) -> Self {
        Self {
            wall: self.wall / other.wall,
            processor: self.processor / other.processor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_median_and_the_extremes() {
        let of = |figures: &[f64]| {
            let spread = spread(figures.iter().copied()).unwrap();
            (spread.median, spread.lowest, spread.highest)
        };
        assert_eq!(of(&[3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), (2.5, 1.0, 4.0));
        assert_eq!(of(&[7.0]), (7.0, 7.0, 7.0));
        assert!(spread([]).is_err());
    }

    #[test]
    fn sides_take_turns_and_the_first_round_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let side = |name: char, wall: f64| {
            order.borrow_mut().push(name);
            Ok(Cost {
                wall,
                processor: 0.0,
            })
        };
        let rounds = in_turns(2, [&mut || side('a', 1.0), &mut || side('b', 2.0)]).unwrap();
        assert_eq!(order.borrow().as_str(), "ababab");
        let walls = rounds.iter().map(|costs| costs.map(|cost| cost.wall));
        assert_eq!(walls.collect::<Vec<_>>(), [[1.0, 2.0]; 2]);
    }

    #[test]
    fn work_of_children_is_counted() {
        let spin = || {
            let mut command = std::process::Command::new("sh");
            command.args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]);
            Ok(command.status()?)
        };
        let (status, cost) = timed(spin).unwrap();
        assert!(status.success() && cost.processor > 0.0 && cost.wall > 0.0);
    }
}
