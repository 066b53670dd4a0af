//! Bundles as a release writes them, but with the two threads that the peer is given.

use std::{fs::File, io::BufWriter, num::NonZeroUsize, path::Path, process::Command};

use anyhow::Context;
use firstlayer_bundle::{Counter, Identity, ManifestDigest, Options, PayloadSource, Sha256, write};
use firstlayer_tests::fixture::{BOARDS, BoardUnderTest};
use serde::{Deserialize, Serialize};

use crate::process::{command, this_program};

/// The printer that everything is for.
pub(crate) const BOARD: BoardUnderTest = BOARDS[0];
/// The version that is written and installed.
pub(crate) const VERSION: &str = "2.0.0";
/// Its release counter.
pub(crate) const COUNTER: u64 = 10;
/// Threads of both sides.
const THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// What the repository says of a bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WrittenBundle {
    pub(crate) length: u64,
    pub(crate) sha256: Sha256,
    pub(crate) manifest: ManifestDigest,
}

/// Writes a bundle of an image, as its payload `root`.
pub(crate) fn write_bundle(image: &Path, bundle: &Path) -> anyhow::Result<WrittenBundle> {
    let reader = File::open(image).with_context(|| format!("opening {}", image.display()))?;
    let payload = PayloadSource {
        name: "root".parse()?,
        length: reader.metadata()?.len(),
        reader: Box::new(reader),
    };
    let out = File::create(bundle).with_context(|| format!("making {}", bundle.display()))?;
    let folder = bundle.parent().context("a bundle lies in a folder")?;
    let mut spool = tempfile::tempfile_in(folder).context("making a spool file")?;
    let written = write(
        identity()?,
        vec![payload],
        &mut spool,
        BufWriter::new(out),
        &options(),
    )?;
    Ok(WrittenBundle {
        length: written.length,
        sha256: written.sha256,
        manifest: written.digest,
    })
}

/// The same as a process of its own.
pub(crate) fn bundle_writer(image: &Path, bundle: &Path) -> anyhow::Result<Command> {
    this_program([
        "write-bundle".as_ref(),
        image.as_os_str(),
        bundle.as_os_str(),
    ])
}

/// Its peer: zstd with as many threads, at the same level.
pub(crate) fn zstd_writer(image: &Path, out: &Path) -> Command {
    let mut zstd = command("zstd", ["-q", "-f", "-k"]);
    zstd.args([&format!("-T{THREADS}"), &format!("-{}", options().level)]);
    zstd.arg(image).arg("-o").arg(out);
    zstd
}

/// What the peer is called.
pub(crate) fn zstd_writer_name() -> String {
    format!("zstd -T{THREADS} -{}", options().level)
}

/// As a release writes it: the standard level and frames.
pub(crate) fn options() -> Options {
    Options {
        threads: THREADS,
        ..Options::default()
    }
}

/// Of the release that is written.
pub(crate) fn identity() -> anyhow::Result<Identity> {
    Ok(Identity {
        board: BOARD.name.parse()?,
        models: vec![BOARD.model.parse()?],
        version: VERSION.parse()?,
        counter: Counter::new(COUNTER)?,
    })
}
