//! `signed-update`: a release that is signed is installed over plain HTTP, and nothing else is.

use std::fs;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use firstlayer_bundle::{Counter, Identity};
use firstlayer_policy::RunningRelease;
use jiff::Timestamp;
use semver::Version;
use serde_json::Value;

use super::Observations;
use crate::probe::bench::{Bench, UPDATES_PORT};
use crate::probe::order::Order;
use crate::probe::peer::repository::{MadeBundle, Repository};
use crate::probe::peer::web::{Page, Pages, Web};
use crate::probe::printer::{BINARY, CONFIG, Printer};

const RELEASE: &str = "usr/share/printerd/release.json";
const ANCHOR: &str = "usr/share/printerd/root.json";
/// What the printer says by its exit code: of what is not signed as it must be, and of what it may not install.
const REFUSED: &str = "exit code 6";
const NOTHING_FITS: &str = "exit code 8";
/// The counter of the printers here: there is one below it, and one above.
const COUNTER: u64 = 7;

pub(super) fn measure(bench: &mut Bench) -> Result<Observations> {
    let (channel, now) = (bench.order.channel.clone(), Timestamp::now());
    let ours = Repository::new(&channel, now)?;
    let others = Repository::new(&channel, now)?;
    let (root, running) = image(bench, &ours.anchor)?;
    let release = |counter| -> Result<MadeBundle> {
        MadeBundle::new(&newer(&running, counter)?, &channel, running.built)
    };
    let (higher, lower) = (release(COUNTER + 1)?, release(COUNTER - 1)?);
    let web = Web::serve(UPDATES_PORT, None, Pages::new())?;
    let mut seen = Observations::default();
    let honest = ours.publish(&higher)?;
    for (what, expected, pages) in [
        ("with one byte flipped", REFUSED, flipped(&honest)),
        ("signed by other keys", REFUSED, others.publish(&higher)?),
        ("with a lower counter", NOTHING_FITS, ours.publish(&lower)?),
    ] {
        web.replace(pages);
        let printer = another(bench, &root, what)?;
        let name = format!("a newer release {what}");
        seen.note(name, expected, install(&printer)?);
    }
    web.replace(honest);
    let printer = another(bench, &root, "as signed")?;
    let installed = format!("installed {}", higher.release.version);
    seen.note("a newer release as signed", installed, install(&printer)?);
    let slot = slot(&printer, &higher.image)?;
    seen.note("the slot after that", "the release's image", slot);
    Ok(seen)
}

/// A copy of the image that trusts the throwaway repository.
fn image(bench: &Bench, anchor: &[u8]) -> Result<(Utf8PathBuf, RunningRelease)> {
    let root = bench.folder("update-root")?;
    let from = &bench.order.root;
    for path in [BINARY, CONFIG, RELEASE] {
        let to = root.join(path);
        fs::create_dir_all(to.parent().context("a path in the image")?)?;
        fs::copy(from.join(path), &to).with_context(|| format!("cannot copy {path}"))?;
    }
    let mut running = RunningRelease::parse(&fs::read(root.join(RELEASE))?)?;
    running.counter = Counter::new(COUNTER)?;
    fs::write(root.join(RELEASE), running.to_bytes()?)?;
    fs::write(root.join(ANCHOR), anchor)?;
    Ok((root, running))
}

/// The next major version of what runs.
fn newer(running: &RunningRelease, counter: u64) -> Result<Identity> {
    Ok(Identity {
        board: running.board.clone(),
        models: running.models.clone(),
        version: Version::new(running.version.major.saturating_add(1), 0, 0),
        counter: Counter::new(counter)?,
    })
}

/// A printer that has installed nothing yet.
fn another(bench: &Bench, root: &Utf8PathBuf, name: &str) -> Result<Printer> {
    let home = bench.folder(&format!("update-{}", name.replace(' ', "-")))?;
    let Order { emulator, .. } = &bench.order;
    let settings = format!(
        "repository = \"http://127.0.0.1:{UPDATES_PORT}/\"\n\
         [network]\nattempts = 2\nfirst_wait_ms = 1\nlongest_wait_ms = 20\n"
    );
    Printer::new(emulator, root, home, &settings)
}

/// The same files, with another bit in the middle of the bundle.
fn flipped(pages: &Pages) -> Pages {
    let mut pages = pages.clone();
    let bundles = pages
        .iter_mut()
        .filter(|(path, _)| path.ends_with(".bundle"));
    for (_, page) in bundles {
        if let Page::Bytes(bytes) = page {
            let middle = bytes.len() / 2;
            bytes
                .iter_mut()
                .skip(middle)
                .take(1)
                .for_each(|byte| *byte ^= 1);
        }
    }
    pages
}

/// What became of `printerd update install`.
fn install(printer: &Printer) -> Result<String> {
    let said = printer.run(&["update", "install", "--json"])?;
    let report: Value = serde_json::from_str(&said.out).unwrap_or_default();
    let installed = report.get("installed").and_then(|installed| {
        installed
            .as_str()
            .or_else(|| installed.get("version")?.as_str())
    });
    Ok(match (said.code, installed) {
        (_, Some(version)) => format!("installed {version}"),
        (Some(code), None) => format!("exit code {code}"),
        (None, None) => "ended by a signal".to_owned(),
    })
}

fn slot(printer: &Printer, image: &[u8]) -> Result<&'static str> {
    for slot in ["a", "b"] {
        let path = printer.state().join(format!("slots/{slot}.img"));
        if path.is_file() && fs::read(&path)?.starts_with(image) {
            return Ok("the release's image");
        }
    }
    Ok("something else")
}
