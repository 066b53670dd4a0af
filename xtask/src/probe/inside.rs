//! The measuring process: alone in its network, with the printer's ports to itself. It carries out every experiment and
//! tells of each as it is through.
//!
//! It is the first process of its namespace, so that whatever it started ends when it does; and it ends when whoever
//! started it is gone.

use std::io::{BufRead, Read, Write};
use std::process::Command;

use anyhow::{Context, Result};

use super::bench::Bench;
use super::experiment::{EXPERIMENTS, Experiment};
use super::order::{News, Order};
use super::printer::PATIENCE;
use super::process::run;
use super::verdict::Finding;

/// Reads its order from standard input, and tells what it measures on standard output.
///
/// # Errors
/// When it is not in a namespace of its own, or has no order.
pub fn measure() -> Result<()> {
    let mut line = String::new();
    let mut input = std::io::stdin().lock();
    input.read_line(&mut line).context("there is no order")?;
    drop(input);
    let order: Order = serde_json::from_str(&line).context("the order is not understood")?;
    end_with_the_parent();
    lift_loopback()?;
    let mut bench = Bench::new(order)?;
    for experiment in EXPERIMENTS {
        tell(&News::Measured {
            capability: experiment.capability.to_owned(),
            finding: carry_out(experiment, &mut bench),
        })?;
    }
    Ok(())
}

/// The parent holds the other end of standard input for as long as it lives, and says nothing more.
fn end_with_the_parent() {
    std::thread::spawn(|| {
        let mut nothing = [0];
        while let Ok(1..) = std::io::stdin().lock().read(&mut nothing) {}
        std::process::exit(1);
    });
}

fn lift_loopback() -> Result<()> {
    let mut lift = Command::new("ip");
    lift.args(["link", "set", "lo", "up"]);
    let said = run(lift, PATIENCE)?;
    anyhow::ensure!(said.code == Some(0), "the network cannot be set up: {said}");
    Ok(())
}

fn carry_out(experiment: &Experiment, bench: &mut Bench) -> Finding {
    match (experiment.measure)(bench) {
        Ok(observations) => Finding::Seen(observations.into_vec()),
        Err(error) => Finding::NotMeasured(format!("{error:#}")),
    }
}

fn tell(news: &News) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(news)?).context("nobody listens any more")?;
    out.flush()?;
    Ok(())
}
