//! The gate under load, its rules swapped every second, against nginx giving out a file of the same size: requests a
//! second, and the time that all but one in a hundred take. The same client asks both, in turns, on the same cores.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use anyhow::{Context, anyhow, ensure};
use firstlayer_tests::{
    debian::Tool,
    fixture::{BOARDS, Fixture},
    gate::{Gate, SERVICE_TOKEN, lay_out},
    network::free_address,
    nginx,
    process::Process,
};

use crate::{
    bench::Bench,
    group::{Group, Measured},
    load::{Borne, Question, fire},
    process::{command, output},
    program::build,
    report::{Amount, Bound, Figure, Row},
    rounds::spread,
};

/// Of each side in each round.
const SECONDS: u32 = 5;
/// Swaps that a round must have seen, or else there was none every second.
const SWAPS: u64 = 3;
const NGINX: &str = "nginx, a file";

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let model = BOARDS[0].model;
    let body = format!(
        r#"{{"serial": "SERIAL", "model": "{model}", "version": "1.4.0", "channel": "stable"}}"#
    );
    let authorize = Question {
        method: "GET",
        path: "/v1/authorize?feature=cloud-print",
        headers: &[
            ("x-firstlayer-serial", "SERIAL"),
            ("x-firstlayer-model", model),
            ("x-firstlayer-version", "1.4.0"),
            ("x-firstlayer-channel", "stable"),
        ],
        body: "",
    };
    let token = format!("Bearer {SERVICE_TOKEN}");
    let decisions = Question {
        method: "POST",
        path: "/v1/decisions",
        headers: &[
            ("authorization", &token),
            ("content-type", "application/json"),
        ],
        body: &body,
    };
    let asked = [
        ("nginx asks for a printer", authorize),
        ("a service asks about a printer", decisions),
    ];
    let rows = asked
        .into_iter()
        .map(|(what, question)| bench.rows(Group::Gate, what, || measure(bench, what, &question)));
    rows.flatten().collect()
}

fn measure(bench: &Bench, what: &str, question: &Question<'_>) -> anyhow::Result<Vec<Measured>> {
    let folder = bench.folder()?;
    let mut servers = Servers::start(folder.path(), question)?;
    let mut rounds = Vec::new();
    // The first round warms up, and does not count.
    for _ in 0..=bench.rounds {
        rounds.push([servers.ours(question)?, servers.nginx(question)?]);
    }
    let rounds = rounds.get(1..).unwrap_or_default();
    let rate = compared(rounds, Borne::rate, Amount::PerSecond)?.needs(Bound::AtLeast(0.7));
    let p99 = compared(rounds, |borne| borne.p99, Amount::Seconds)?.needs(Bound::AtMost(3.0));
    Ok(vec![
        (format!("{what}: requests"), rate),
        (format!("{what}: time of 99 %"), p99),
    ])
}

fn compared(
    rounds: &[[Borne; 2]],
    figure: impl Fn(Borne) -> f64,
    unit: impl Fn(f64) -> Amount,
) -> anyhow::Result<Figure> {
    let ours = spread(rounds.iter().map(|[ours, _]| figure(*ours)))?;
    let peer = spread(rounds.iter().map(|[_, peer]| figure(*peer)))?;
    let ratios = rounds
        .iter()
        .map(|[ours, peer]| figure(*ours) / figure(*peer));
    let (ours, peer) = (unit(ours.median), unit(peer.median));
    Ok(Figure::new(ours, peer, NGINX, spread(ratios)?))
}

/// Both sides, and what they serve.
struct Servers<'a> {
    wrk: Tool,
    folder: &'a Path,
    gate: Gate,
    /// How often the rules were swapped so far, the first time included.
    swapped: u64,
    nginx: SocketAddr,
    _nginx: Process,
}

impl<'a> Servers<'a> {
    fn start(folder: &'a Path, question: &Question<'_>) -> anyhow::Result<Self> {
        let gate = start_gate(folder)?;
        let file = vec![b'x'; answer_length(gate.address(), question)?];
        fs::create_dir(folder.join("site")).context("making a folder")?;
        fs::write(folder.join("site/file"), file).context("writing a file")?;
        let nginx = free_address();
        let config = format!(
            "worker_processes auto;\nevents {{}}\nhttp {{\naccess_log access.log;\nserver {{ listen {nginx}; root {}; \
             keepalive_requests 1000000000; }}\n}}\n",
            folder.join("site").display()
        );
        Ok(Self {
            wrk: Tool::find("wrk", "wrk").map_err(|why| anyhow!(why))?,
            folder,
            gate,
            swapped: 1,
            nginx,
            _nginx: nginx::launch(folder, &config, |command| command)
                .map_err(|why| anyhow!(why))?,
        })
    }

    /// The gate under load while it is given new rules as soon as it has taken the last ones: it looks every second.
    fn ours(&mut self, question: &Question<'_>) -> anyhow::Result<Borne> {
        let (address, before, asked) = (self.gate.address(), self.swapped, AtomicBool::new(false));
        let (gate, swapped, folder) = (&mut self.gate, &mut self.swapped, self.folder);
        let borne = thread::scope(|scope| {
            let swapping = scope.spawn(|| {
                while !asked.load(Ordering::Relaxed) {
                    swap(gate, *swapped + 1, folder)?;
                    *swapped += 1;
                }
                anyhow::Ok(())
            });
            let borne = fire(&self.wrk, folder, address, question, SECONDS);
            asked.store(true, Ordering::Relaxed);
            let swaps = swapping.join().map_err(|_| anyhow!("swapping panicked"))?;
            swaps.and(borne)
        })?;
        let swaps = self.swapped - before;
        ensure!(swaps >= SWAPS, "the rules were swapped {swaps} times only");
        Ok(borne)
    }

    fn nginx(&self, question: &Question<'_>) -> anyhow::Result<Borne> {
        let file = Question {
            method: "GET",
            path: "/file",
            headers: question.headers,
            body: "",
        };
        fire(&self.wrk, self.folder, self.nginx, &file, SECONDS)
    }
}

fn start_gate(folder: &Path) -> anyhow::Result<Gate> {
    releases(1).publish(&folder.join("repository"));
    Ok(Gate::start_program(
        &build("firstlayer-gate")?,
        &lay_out(folder),
    ))
}

fn swap(gate: &mut Gate, version: u64, folder: &Path) -> anyhow::Result<()> {
    releases(version).publish_over(&folder.join("repository"));
    let revision = format!("revision={version} ");
    let taken = gate.hear(|line| line.contains(&revision));
    taken.map(drop).context("the gate ended")
}

/// A repository whose rules withhold cloud printing from 1.2.0.
fn releases(version: u64) -> Fixture {
    Fixture::new(BOARDS[0])
        .release("1.2.0")
        .release("1.4.0")
        .able(&["https-transfer"])
        .at_version(version)
        .enforcing(version, RULES)
}

const RULES: &str = r#"
[[rules]]
name = "https-only"
capability = "https-transfer"
withholds = "cloud-print"
warn_from = "2025-12-01T00:00:00Z"
enforce_from = "2026-01-01T00:00:00Z"
reason = "model files travel over HTTPS only"
help = "https://help.firstlayer.example/https"
"#;

/// Bytes of the body of one answer. Errors: it is no success.
fn answer_length(server: SocketAddr, question: &Question<'_>) -> anyhow::Result<usize> {
    let named = |text: &str| text.replace("SERIAL", "FL-1");
    let mut curl = command("curl", ["--silent", "--fail-with-body", "--request"]);
    curl.arg(question.method)
        .arg(format!("http://{server}{}", question.path));
    for (name, value) in question.headers {
        curl.args(["--header", &format!("{name}: {}", named(value))]);
    }
    if !question.body.is_empty() {
        curl.args(["--data", &named(question.body)]);
    }
    Ok(output(&mut curl)?.len())
}
