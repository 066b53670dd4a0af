//! A census of ten million printers, the same in every run; grouped by us and by DuckDB.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::Command,
};

use anyhow::{Context, anyhow};
use firstlayer_bundle::Sha256;
use firstlayer_census::{Limits, read_csv};
use firstlayer_tests::clients::python_with;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::process::this_program;

/// The peer's package.
const DUCKDB: &str = "duckdb==2.0.1";
/// Threads of both sides: of ours, those that parse; one that reads is beside them.
const THREADS: usize = 2;

/// The same grouping, in two threads.
const SCRIPT: &str = "import duckdb, sys\n\
    db = duckdb.connect()\n\
    db.execute('SET threads = 2; SET enable_progress_bar = false')\n\
    columns = {'serial': 'VARCHAR', 'model': 'VARCHAR', 'version': 'VARCHAR', 'channel': 'VARCHAR', \
'region': 'VARCHAR', 'last_seen': 'TIMESTAMP'}\n\
    print(*db.execute('SELECT sum(n)::BIGINT, count(*) FROM (SELECT count(*) AS n FROM \
read_csv($path, header = true, auto_detect = false, columns = ' + str(columns) + ') \
GROUP BY model, version, channel, region, last_seen::DATE)', {'path': sys.argv[1]}).fetchone())\n";

const MODELS: [&str; 8] = ["x1", "x1c", "x1e", "p1p", "p1s", "a1", "a1-mini", "h2d"];
const REGIONS: [&str; 8] = ["eu", "us", "cn", "jp", "kr", "au", "br", ""];

/// What both sides say of a census.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) printers: u64,
    pub(crate) groups: u64,
}

/// Writes a census of so many printers: most were seen in the last days, and most run a late version.
pub(crate) fn write_census(path: &Path, printers: u64) -> anyhow::Result<()> {
    let making = || format!("making the census {}", path.display());
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).with_context(making)?);
    let newest: Timestamp = "2026-11-25T00:00:00Z".parse()?;
    writeln!(out, "serial,model,version,channel,region,last_seen").with_context(making)?;
    let mut seed = 1_u64;
    let mut below = |end: u64| {
        // Knuth's multiplier for a linear congruential generator of 64 bits.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % end
    };
    for printer in 0..printers {
        let model = one_of(&MODELS, below(8));
        let region = one_of(&REGIONS, below(8));
        let channel = if below(20) == 0 { "beta" } else { "stable" };
        let (minor, patch) = (below(5).max(below(5)), below(6));
        // Nine of ten within a week, the rest within a year.
        let days = if below(10) < 9 { below(7) } else { below(365) };
        let age = days * 86_400 + below(86_400);
        let last_seen = newest.checked_sub(SignedDuration::from_secs(i64::try_from(age)?))?;
        writeln!(
            out,
            "01S00A{printer:09},{model},1.{minor}.{patch},{channel},{region},{last_seen}"
        )
        .with_context(making)?;
    }
    out.flush().with_context(making)
}

/// Groups a census, and says what it found.
pub(crate) fn group_census(path: &Path) -> anyhow::Result<Counted> {
    let limits = Limits {
        threads: THREADS,
        ..Limits::default()
    };
    let (groups, _hash): (_, Sha256) = read_csv(path, &limits, |_| {})?;
    Ok(Counted {
        printers: groups.total(),
        groups: groups.len() as u64,
    })
}

/// The same as a process of its own.
pub(crate) fn our_grouping(path: &Path) -> anyhow::Result<Command> {
    this_program(["group-census".as_ref(), path.as_os_str()])
}

/// Its peer. Errors: it cannot be had.
pub(crate) fn duckdb_grouping(path: &Path) -> anyhow::Result<Command> {
    let python = python_with("duckdb", &[DUCKDB]).map_err(|reason| anyhow!(reason))?;
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).arg(path);
    Ok(command)
}

/// What the peer is called.
pub(crate) fn duckdb_name() -> String {
    format!("{}, {THREADS} threads", DUCKDB.replace("==", " "))
}

/// What the peer printed.
pub(crate) fn duckdb_counted(printed: &str) -> anyhow::Result<Counted> {
    let numbers = printed.trim().split_once(' ');
    let (printers, groups) = numbers.with_context(|| format!("DuckDB printed {printed:?}"))?;
    Ok(Counted {
        printers: printers.parse()?,
        groups: groups.parse()?,
    })
}

fn one_of<'a>(names: &[&'a str], place: u64) -> &'a str {
    let place = usize::try_from(place).unwrap_or_default();
    names.get(place).copied().unwrap_or_default()
}
