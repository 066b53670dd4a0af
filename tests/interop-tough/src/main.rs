//! `interop-tough ROOT METADATA_URL TARGETS_URL TARGET OUT`: refreshes from the trust anchor in ROOT and
//! downloads TARGET into the file OUT, with the `tough` client and nothing of ours.

use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use tough::{RepositoryLoader, TargetName};
use url::Url;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, metadata, targets, target, out] = arguments.as_slice() else {
        bail!("usage: interop-tough ROOT METADATA_URL TARGETS_URL TARGET OUT");
    };
    let root = std::fs::read(root).with_context(|| format!("reading {root}"))?;
    let repository = RepositoryLoader::new(&root, Url::parse(metadata)?, Url::parse(targets)?)
        .load()
        .await
        .context("loading the repository")?;
    let name = TargetName::new(target)?;
    let stream = repository.read_target(&name).await?;
    let stream = stream.with_context(|| format!("the repository has no target {target}"))?;
    let chunks: Vec<_> = stream.try_collect().await.context("downloading")?;
    std::fs::write(out, chunks.concat()).with_context(|| format!("writing {out}"))
}
