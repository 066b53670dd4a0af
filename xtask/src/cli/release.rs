//! `cargo xtask release`.

use camino::Utf8PathBuf;
use clap::Args;
use firstlayer_policy::Channel;
use jiff::Timestamp;
use xtask::release::{self, Environment, Probing, Request};

use super::{Exit, Session};

/// Builds every board, signs, publishes, and verifies the result as a printer would
#[derive(Debug, Args)]
#[command(after_help = "\
With nothing configured it makes development keys on first use, and publishes
into .firstlayer/repository/. What is published already is not done again.
Whatever stops it, clients see the old state or the new one, and the next run
finishes the job.

Production wants a clean tree with the tag v<version>, keys/roots/1.root.json,
and the keys in --keys or in FIRSTLAYER_KEY_<NAME>, unlocked by
FIRSTLAYER_PASSPHRASE.

Examples:
  cargo xtask release                         the commit, to stable
  cargo xtask release --dry-run               the plan, and what is in its way
  cargo xtask release --channel beta          to those who asked for it early
  cargo xtask release --check-reproducible    build twice, compare the bundles")]
pub(crate) struct Arguments {
    /// Release to this channel, one of manifests/channels/
    #[arg(long, value_name = "CHANNEL", default_value = "stable")]
    channel: Channel,
    /// Sign with development or production keys
    #[arg(long, value_name = "ENVIRONMENT", default_value = "development")]
    environment: Environment,
    #[command(flatten)]
    places: Places,
    /// Print the plan and what stands in its way; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not measure what the firmware can do; the release then claims no capability, and rules count it as lacking all
    #[arg(long)]
    skip_probe_and_claim_nothing: bool,
    /// Build the commit twice in two folders and compare the bundles; publish nothing
    #[arg(long, conflicts_with = "dry_run")]
    check_reproducible: bool,
}

/// Where a repository and its keys lie.
#[derive(Debug, Args)]
pub(crate) struct Places {
    /// The folder of the repository [default: .firstlayer/repository]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) repository: Option<Utf8PathBuf>,
    /// The folder of the keys [default: .firstlayer/keys]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keys: Option<Utf8PathBuf>,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let Places { repository, keys } = self.places;
        let request = Request {
            probing: match self.skip_probe_and_claim_nothing {
                true => Probing::SkipAndClaimNothing,
                false => Probing::Measure,
            },
            ..Request::new(
                session.checkout(),
                self.channel,
                self.environment,
                repository,
                keys,
            )
        };
        let (checkout, now) = (session.checkout(), Timestamp::now());
        if self.check_reproducible {
            let report = release::check_reproducible(checkout, &request, now, session.progress())?;
            session.print(&report)?;
            return Ok(if report.holds() {
                Exit::Success
            } else {
                Exit::Failed
            });
        }
        let report = match self.dry_run {
            true => release::dry_run(checkout, &request, now)?,
            false => release::run(checkout, &request, now, session.progress())?,
        };
        session.print(&report)?;
        Ok(if report.problems.is_empty() {
            Exit::Success
        } else {
            Exit::NotReady
        })
    }
}
