//! Everything that a plan is computed from, read once. Reads files and keys' public halves; changes nothing.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use firstlayer_bundle::Sha256;
use firstlayer_policy::{Exemption, Rules};
use firstlayer_signers::{KeySource, RolesConfig};
use jiff::Timestamp;

use super::census::Census;
use super::published::Published;
use super::request::{Place, Request};
use crate::board::{self, Board};
use crate::channel::ChannelConfig;
use crate::checkout::Checkout;
use crate::problems::Problems;
use crate::progress::Progress;
use crate::release::{anchor_file, key_source, read_anchor, read_roles};
use crate::repository::Folder;

/// The rules under review, in the checkout.
pub const RULES: &str = "manifests/enforcement.toml";

/// What a plan depends on, beside the time.
pub(crate) struct Inputs {
    pub(crate) request: Request,
    pub(crate) rules: Rules,
    /// Of the rules' file.
    pub(crate) rules_digest: Sha256,
    pub(crate) boards: Vec<Board>,
    pub(crate) census: Census,
    pub(crate) ground: Ground,
}

/// A repository and who signs it.
pub(crate) struct Ground {
    pub(crate) published: Published,
    pub(crate) anchor: Vec<u8>,
    pub(crate) roles: RolesConfig,
    pub(crate) keys: KeySource,
    pub(crate) place: Place,
}

impl Inputs {
    /// Reads them all.
    ///
    /// # Errors
    /// [`crate::problems::Stopped`] with everything that cannot be read.
    pub(crate) fn gather(
        checkout: &Checkout,
        request: &Request,
        now: Timestamp,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let mut problems = Problems::default();
        let rules = problems.take(read_with_digest(checkout));
        let boards = problems.take(board::all(checkout).map_err(Into::into));
        let ground = problems.take(Ground::read(checkout, &request.place, now));
        // The census may take a while: not for a plan that cannot be made.
        let census = match problems.is_empty() {
            true => problems.take(Census::read(&request.census, progress)),
            false => None,
        };
        problems.into_result()?;
        let inputs = rules.zip(boards).zip(ground.zip(census));
        let (((rules, rules_digest), boards), (ground, census)) =
            inputs.context("there are neither inputs nor a reason why not")?;
        Ok(Self {
            request: request.clone(),
            rules,
            rules_digest,
            boards,
            census,
            ground,
        })
    }
}

impl Ground {
    /// Reads the repository as a printer does, and who signs what.
    ///
    /// # Errors
    /// Whatever a printer would refuse, or a file that cannot be read.
    pub(crate) fn read(checkout: &Checkout, place: &Place, now: Timestamp) -> Result<Self> {
        let folder = Folder::new(&place.repository);
        ensure!(
            folder.is_published(),
            "nothing is published in {}; `cargo xtask release` does that",
            folder.path()
        );
        let path = anchor_file(checkout, place.environment, &place.keys);
        let Some(anchor) = read_anchor(&path)? else {
            bail!("there is no trust anchor at {path}; name the folder with the repository's keys");
        };
        let published = Published::read(folder, &anchor, now)?;
        check_clock(&published, now)?;
        Ok(Self {
            published,
            anchor,
            roles: read_roles(checkout, place.environment)?,
            keys: key_source(place.environment, &place.keys),
            place: place.clone(),
        })
    }
}

/// Notice and grace are counted from this machine's clock: one that stands before a time that was signed would lengthen
/// both.
fn check_clock(published: &Published, now: Timestamp) -> Result<()> {
    let manifests = published.channels.iter();
    let releases = manifests.flat_map(|manifest| manifest.releases());
    if let Some(newest) = releases.max_by_key(|release| release.built) {
        ensure!(
            newest.built <= now,
            "this machine's clock stands at {now}, and {} was built at {}; set the clock",
            newest.version,
            newest.built
        );
    }
    Ok(())
}

/// The rules under review, checked against the checkout's boards and channels.
///
/// # Errors
/// Names the file, and the rule with what is wrong with it.
pub fn read_rules(checkout: &Checkout) -> Result<Rules> {
    Ok(read_with_digest(checkout)?.0)
}

fn read_with_digest(checkout: &Checkout) -> Result<(Rules, Sha256)> {
    let path = checkout.root().join(RULES);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let rules = Rules::parse(&text).with_context(|| format!("{path} is refused"))?;
    check_names(checkout, &rules).with_context(|| format!("{path} is refused"))?;
    Ok((rules, Sha256::of(text.as_bytes())))
}

/// A name with a slip in it would make a rule that is for nobody.
fn check_names(checkout: &Checkout, rules: &Rules) -> Result<()> {
    let channels = ChannelConfig::names(&checkout.root().join("manifests/channels"))?;
    let boards = board::all(checkout)?;
    let models: BTreeSet<&str> = boards
        .iter()
        .flat_map(|board| &board.models)
        .map(|model| model.as_str())
        .collect();
    for scoped in rules.iter() {
        let name = &scoped.rule.name;
        let exemptions = || scoped.rule.exemptions.iter();
        let named = scoped
            .scope
            .models
            .iter()
            .chain(exemptions().flat_map(models_of));
        for model in named {
            ensure!(
                models.contains(model.as_str()),
                "rule {name} names the model `{model}`, which no board has; accepted are {}",
                models.iter().copied().collect::<Vec<_>>().join(", ")
            );
        }
        let followed = scoped
            .scope
            .channels
            .iter()
            .chain(exemptions().flat_map(|one| &one.channels));
        for channel in followed {
            ensure!(
                channels.iter().any(|known| known == channel.as_str()),
                "rule {name} names the channel `{channel}`; accepted are {}",
                channels.join(", ")
            );
        }
    }
    Ok(())
}

fn models_of(exemption: &Exemption) -> &Vec<firstlayer_bundle::Model> {
    &exemption.models
}
