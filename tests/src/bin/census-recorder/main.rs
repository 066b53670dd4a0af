//! A gate's part in a census, to be killed: records reports for ever, and prints the number of each round when it is
//! acknowledged. What it has printed has to be in the database.

use std::io::{self, Write};

use anyhow::Context;
use clap::Parser;
use firstlayer_census::{Entry, Store};
use jiff::{SignedDuration, Timestamp};

/// Records reports until it is killed
#[derive(Debug, Parser)]
struct Arguments {
    /// The census database
    url: String,
    /// Which gate this is
    gate: u32,
    /// The first round
    first: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { url, gate, first } = Arguments::parse();
    let store = Store::open(&url.parse()?).await?;
    for round in first.. {
        store.record(&reports(gate, round)?).await?;
        let mut out = io::stdout();
        writeln!(out, "{round}").and_then(|()| out.flush())?;
    }
    Ok(())
}

/// Ten printers that reach every gate, in an order of the gate's own, and one that reaches only this.
fn reports(gate: u32, round: u32) -> anyhow::Result<Vec<Entry>> {
    let start: Timestamp = "2026-11-24T00:00:00Z".parse()?;
    let after = SignedDuration::from_secs(i64::from(round));
    let last_seen = start.checked_add(after).context("a time")?;
    let turned = gate.is_multiple_of(2);
    let shared = (0..10).map(|n| format!("S{}", if turned { 9 - n } else { n }));
    let own = format!("G{gate}-{round}");
    shared
        .chain([own])
        .map(|serial| {
            Ok(Entry {
                serial: serial.parse()?,
                model: "x1".parse()?,
                version: format!("1.{round}.{gate}").parse()?,
                channel: "stable".parse()?,
                region: None,
                last_seen,
            })
        })
        .collect()
}
