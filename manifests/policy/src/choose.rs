//! Which release a printer installs next, and why not the others.
//!
//! The rules, each a [`Reason`]: a release must be for the printer's board and model, newer than what it
//! runs, with a counter that is not lower, not yanked, not remembered as bad, and its floor must not lie
//! above the running version. Of those that remain the newest wins. Floors only say how old a printer may
//! be, so the newest step never reaches less far than an older one: taking it repeatedly is the way to the
//! newest release, over stepping stones where floors ask for them.
//!
//! A release in its rollout is chosen once the printer's turn has come ([`crate::Wave`]).
//!
//! The owner's wishes come on top ([`Wishes`]). What is skipped or postponed is not chosen. A version that is asked for by
//! name may be older than what runs, and need not be the newest; every other rule holds for it.

use std::fmt;

use firstlayer_bundle::{Board, Counter, Model, Sha256};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use crate::{ChannelManifest, Release, Turn, Wishes};

/// The facts about a printer that decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printer {
    /// Its board.
    pub board: Board,
    /// Its model.
    pub model: Model,
    /// The version that it runs.
    pub version: Version,
    /// The highest counter that it has confirmed.
    pub counter: Counter,
    /// Hashes of the bundles that failed on it.
    pub refused: Vec<Sha256>,
    /// What its owner wants.
    pub wishes: Wishes,
    /// Its serial number, which gives its turn in a rollout; without one it comes last.
    pub serial: Option<String>,
    /// The time by which rollouts are judged.
    pub now: Timestamp,
}

/// What a printer should do, and why it does nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The next step.
    pub choice: Choice<'a>,
    /// Every release for the printer's board that was not chosen, oldest first, with every reason.
    pub passed_over: Vec<PassedOver<'a>>,
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Nothing newer is on offer for this printer.
    UpToDate,
    /// Install this release.
    Install(&'a Release),
    /// The channel has newer releases on offer, or none at all for this printer, and it can install none; or the version
    /// that was asked for is there, and a rule speaks against it.
    NothingFits,
    /// A newer release would do, and the owner skipped or postponed it.
    Declined,
    /// The channel has no release of the version that was asked for, for this board.
    NotListed,
}

/// A release that was not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver<'a> {
    /// The release.
    pub release: &'a Release,
    /// Why: never empty. [`Reason::Older`] than the chosen one where nothing else speaks against it.
    pub reasons: Vec<Reason>,
}

/// Why a release was not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// It runs on another board.
    OtherBoard,
    /// It does not serve this printer's model.
    OtherModel,
    /// The printer runs this version, or a newer one.
    NotNewer,
    /// Its counter is lower than the printer's: it would be a rollback.
    LowerCounter {
        /// The printer's counter.
        printer: Counter,
    },
    /// It was taken back.
    Yanked {
        /// What its makers say about it.
        why: String,
    },
    /// The printer runs a version too old to jump straight to it.
    BelowFloor {
        /// The oldest version that may.
        floor: Version,
    },
    /// It failed on this printer before.
    RememberedAsBad,
    /// It would do, and the chosen one is newer.
    Older,
    /// The owner does not want it.
    Skipped,
    /// The owner wants no update for now.
    Postponed {
        /// Until when.
        until: Timestamp,
    },
    /// Its rollout has not come to this printer yet.
    NotItsTurn {
        /// When it will have.
        from: Timestamp,
    },
    /// Another version was asked for.
    NotAskedFor,
    /// It was asked for, and runs already.
    Runs,
}

/// A release as it stands to someone who asks for its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnRequest<'a> {
    /// The release.
    pub release: &'a Release,
    /// What speaks against it; nothing, if it would be installed.
    pub against: Vec<Reason>,
}

/// Decides the next step of `printer` on this channel.
pub fn choose<'a>(manifest: &'a ChannelManifest, printer: &Printer) -> Decision<'a> {
    let mut passed_over: Vec<PassedOver<'a>> = manifest
        .releases()
        .iter()
        .map(|release| PassedOver {
            release,
            reasons: reasons_against(release, printer),
        })
        .collect();
    let chosen = passed_over
        .iter()
        .rposition(|candidate| candidate.reasons.is_empty());
    let choice = match chosen {
        Some(index) => Choice::Install(passed_over.remove(index).release),
        None => without_candidate(&passed_over, printer),
    };
    passed_over.retain(|other| other.release.board == printer.board);
    for other in passed_over
        .iter_mut()
        .filter(|other| other.reasons.is_empty())
    {
        other.reasons.push(Reason::Older);
    }
    Decision {
        choice,
        passed_over,
    }
}

/// The releases that `printer` would install one after the other until it is up to date, or stuck.
pub fn path<'a>(manifest: &'a ChannelManifest, printer: &Printer) -> Vec<&'a Release> {
    let mut printer = printer.clone();
    let mut steps = Vec::new();
    // Each step runs a newer version, so this ends after at most as many steps as there are releases.
    while let Choice::Install(release) = choose(manifest, &printer).choice {
        printer.version = release.version.clone();
        printer.counter = release.counter;
        steps.push(release);
    }
    steps
}

/// Every release for the printer's board but the one that runs, newest first, as it stands to an owner who asks for it.
pub fn on_request<'a>(manifest: &'a ChannelManifest, printer: &Printer) -> Vec<OnRequest<'a>> {
    let releases = manifest.releases().iter().rev();
    releases
        .filter(|release| release.board == printer.board && release.version != printer.version)
        .map(|release| OnRequest {
            release,
            against: rules_against(release, printer),
        })
        .collect()
}

/// Whether a release that was chosen before, and waits for its reboot, may still be tried: none of the rules has come to
/// speak against it, and it was not skipped since. A postponement comes too late for it.
pub fn stands(manifest: &ChannelManifest, printer: &Printer, bundle: Sha256, asked: bool) -> bool {
    let mut releases = manifest.releases().iter();
    releases
        .find(|release| release.bundle.sha256 == bundle)
        .is_some_and(|release| {
            let wanted = release.version > printer.version
                && !printer.wishes.skipped.contains(&release.version);
            rules_against(release, printer).is_empty() && (asked || wanted)
        })
}

fn reasons_against(release: &Release, printer: &Printer) -> Vec<Reason> {
    let mut reasons = rules_against(release, printer);
    let wishes = &printer.wishes;
    match &wishes.version {
        Some(asked) if *asked != release.version => reasons.insert(0, Reason::NotAskedFor),
        Some(_) if release.version == printer.version => reasons.push(Reason::Runs),
        Some(_) => {}
        None if release.version <= printer.version => reasons.push(Reason::NotNewer),
        None => {
            if wishes.skipped.contains(&release.version) {
                reasons.push(Reason::Skipped);
            }
            if let Some(until) = wishes.postponed_until {
                reasons.push(Reason::Postponed { until });
            }
            if let Some(from) = release
                .offered_from(turn(release, printer))
                .filter(|from| *from > printer.now)
            {
                reasons.push(Reason::NotItsTurn { from });
            }
        }
    }
    reasons
}

fn turn(release: &Release, printer: &Printer) -> Turn {
    let serial = printer.serial.as_deref();
    serial.map_or(Turn::LAST, |serial| Turn::of(serial, &release.version))
}

/// What holds whatever the owner wants.
fn rules_against(release: &Release, printer: &Printer) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut against = |applies: bool, reason: Reason| {
        if applies {
            reasons.push(reason);
        }
    };
    against(release.board != printer.board, Reason::OtherBoard);
    against(!release.models.contains(&printer.model), Reason::OtherModel);
    against(
        release.counter < printer.counter,
        Reason::LowerCounter {
            printer: printer.counter,
        },
    );
    if let Some(why) = &release.yanked {
        against(true, Reason::Yanked { why: why.clone() });
    }
    if let Some(floor) = &release.floor {
        against(
            &printer.version < floor,
            Reason::BelowFloor {
                floor: floor.clone(),
            },
        );
    }
    against(
        printer.refused.contains(&release.bundle.sha256),
        Reason::RememberedAsBad,
    );
    reasons
}

fn without_candidate(passed_over: &[PassedOver<'_>], printer: &Printer) -> Choice<'static> {
    match &printer.wishes.version {
        Some(asked) => without_the_asked(passed_over, printer, asked),
        None => without_a_newer(passed_over),
    }
}

fn without_the_asked(
    passed_over: &[PassedOver<'_>],
    printer: &Printer,
    asked: &Version,
) -> Choice<'static> {
    let listed = passed_over
        .iter()
        .any(|other| other.release.version == *asked && other.release.board == printer.board);
    match listed {
        // Also where it was taken out of the channel: there is nothing to do.
        _ if *asked == printer.version => Choice::UpToDate,
        true => Choice::NothingFits,
        false => Choice::NotListed,
    }
}

/// Up to date if the channel serves this printer, and offers it nothing newer.
fn without_a_newer(passed_over: &[PassedOver<'_>]) -> Choice<'static> {
    let has =
        |other: &PassedOver<'_>, reason: fn(&Reason) -> bool| other.reasons.iter().any(reason);
    let for_this_printer = |other: &&PassedOver<'_>| {
        !has(other, |reason| {
            matches!(reason, Reason::OtherBoard | Reason::OtherModel)
        })
    };
    let on_offer = |other: &PassedOver<'_>| {
        !has(other, |r| {
            matches!(
                r,
                Reason::NotNewer | Reason::Yanked { .. } | Reason::NotItsTurn { .. }
            )
        })
    };
    let declined = |other: &PassedOver<'_>| {
        let by_wish = |r: &Reason| matches!(r, Reason::Skipped | Reason::Postponed { .. });
        other.reasons.iter().all(by_wish)
    };
    if passed_over.iter().any(declined) {
        return Choice::Declined;
    }
    let mut served = passed_over.iter().filter(for_this_printer).peekable();
    if served.peek().is_none() || served.any(on_offer) {
        Choice::NothingFits
    } else {
        Choice::UpToDate
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBoard => f.write_str("it is for another board"),
            Self::OtherModel => f.write_str("it does not serve this model"),
            Self::NotNewer => f.write_str("it is not newer than what runs"),
            Self::LowerCounter { printer } => {
                write!(f, "its counter is lower than {printer}, the printer's")
            }
            Self::Yanked { why } => write!(f, "it was yanked: {why}"),
            Self::BelowFloor { floor } => {
                write!(f, "only {floor} and later may jump straight to it")
            }
            Self::RememberedAsBad => f.write_str("it failed on this printer before"),
            Self::Older => f.write_str("a newer one fits as well"),
            Self::Skipped => f.write_str("the owner skipped it"),
            Self::Postponed { until } => {
                write!(f, "the owner postponed updates until {until}")
            }
            Self::NotItsTurn { from } => {
                write!(f, "its rollout comes to this printer at {from}")
            }
            Self::NotAskedFor => f.write_str("another version was asked for"),
            Self::Runs => f.write_str("it runs already"),
        }
    }
}

#[cfg(test)]
mod tests;
