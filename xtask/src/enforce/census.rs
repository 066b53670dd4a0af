//! The census as the plan looks at it: printers of one version of one model on one channel together, by where and when
//! they were seen.

use anyhow::{Context, Result, ensure};
use camino::Utf8Path;
use firstlayer_bundle::{Hasher, Model, Sha256};
use firstlayer_census::{DatabaseUrl, Day, Groups, Limits, Region, Store, read_csv};
use firstlayer_policy::{Channel, Facts, Report};
use jiff::Timestamp;
use semver::Version;

use super::request::Source;
use crate::period::Period;
use crate::progress::{Event, Progress};

/// A census that was read.
pub(crate) struct Census {
    pub(crate) groups: Groups,
    /// Of the file; of the groups where it was a database.
    pub(crate) digest: Sha256,
}

/// Printers whose decision is one and the same.
pub(crate) struct Cohort<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) model: &'a Model,
    pub(crate) version: &'a Version,
    pub(crate) groups: Vec<Group<'a>>,
}

/// Some of them.
pub(crate) struct Group<'a> {
    pub(crate) region: Option<&'a Region>,
    /// Whole days since they were seen.
    pub(crate) days: i64,
    pub(crate) printers: u64,
}

/// The day of the plan, and for how long a printer may be silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    today: Day,
    silent_after: i64,
}

impl Census {
    /// Reads it, with progress in bytes.
    ///
    /// # Errors
    /// What is wrong with the census, and where.
    pub(crate) fn read(source: &Source, progress: &dyn Progress) -> Result<Self> {
        let (name, size) = match source {
            Source::File(path) => (
                path.to_string(),
                path.metadata().ok().map(|file| file.len()),
            ),
            Source::Database(url) => (url.to_string(), None),
        };
        progress.event(Event::Started {
            step: format!("read the census {name}"),
            total: size,
        });
        let census = match source {
            Source::File(path) => Self::from_file(path, progress),
            Source::Database(url) => Self::from_database(url),
        };
        let census = census.context("the census cannot be used")?;
        let groups = &census.groups;
        ensure!(!groups.is_empty(), "the census {name} has no printer in it");
        progress.event(Event::Finished {
            outcome: format!("{} printers in {} groups", groups.total(), groups.len()),
        });
        Ok(census)
    }

    fn from_file(path: &Utf8Path, progress: &dyn Progress) -> Result<Self> {
        let advanced = |done| progress.event(Event::Advanced { done });
        let (groups, digest) = read_csv(path.as_std_path(), &Limits::default(), advanced)?;
        Ok(Self { groups, digest })
    }

    fn from_database(url: &DatabaseUrl) -> Result<Self> {
        let shown = url.to_string();
        // Opening it would make it.
        let missing = shown
            .strip_prefix("sqlite:")
            .is_some_and(|path| !Utf8Path::new(path).is_file());
        ensure!(!missing, "there is no database {shown}");
        let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
        let groups = runtime.block_on(async { Store::open(url).await?.groups().await })?;
        let digest = digest_of(&groups);
        Ok(Self { groups, digest })
    }

    /// Its printers in cohorts, by channel, model and version. Groups come by model, version and channel, so those of a
    /// cohort come in a row.
    pub(crate) fn cohorts(&self, calendar: Calendar) -> Vec<Cohort<'_>> {
        let mut cohorts: Vec<Cohort<'_>> = Vec::new();
        for (key, printers) in self.groups.iter() {
            let group = Group {
                region: key.region,
                days: calendar.days_since(key.last_seen),
                printers,
            };
            match cohorts.last_mut() {
                Some(last)
                    if (last.channel, last.model, last.version)
                        == (key.channel, key.model, key.version) =>
                {
                    last.groups.push(group);
                }
                _ => cohorts.push(Cohort {
                    channel: key.channel,
                    model: key.model,
                    version: key.version,
                    groups: vec![group],
                }),
            }
        }
        cohorts.sort_by_key(|cohort| (cohort.channel, cohort.model, cohort.version));
        cohorts
    }
}

impl<'a> Cohort<'a> {
    /// What the policy is asked with: a census has claims, and no boards.
    pub(crate) fn facts(&self) -> Facts<'a> {
        Facts {
            channel: self.channel,
            model: self.model,
            board: None,
            version: self.version,
            report: Report::Claimed,
        }
    }

    /// How many printers there are.
    pub(crate) fn printers(&self) -> u64 {
        self.groups.iter().map(|group| group.printers).sum()
    }

    /// How many of them are in use.
    pub(crate) fn in_use(&self, calendar: Calendar) -> u64 {
        let groups = self.groups.iter();
        groups
            .filter(|group| calendar.in_use(group))
            .map(|group| group.printers)
            .sum()
    }
}

impl Calendar {
    pub(crate) fn new(now: Timestamp, silent_after: Period) -> Self {
        Self {
            today: Day::of(now),
            silent_after: silent_after.duration().as_hours() / 24,
        }
    }

    /// Whether printers were seen recently enough to count as being in use, and as updating.
    pub(crate) fn in_use(self, group: &Group<'_>) -> bool {
        group.days <= self.silent_after
    }

    /// A printer whose clock ran ahead was seen today.
    fn days_since(self, day: Day) -> i64 {
        let span = self.today.date().since(day.date());
        span.map_or(0, |span| i64::from(span.get_days())).max(0)
    }
}

/// The same printers give the same digest, whatever else a database has.
fn digest_of(groups: &Groups) -> Sha256 {
    let mut hasher = Hasher::new();
    for (key, count) in groups.iter() {
        let region = key.region.map_or("", |region| region.as_str());
        let (model, version, channel, day) = (key.model, key.version, key.channel, key.last_seen);
        hasher.update(format!("{model},{version},{channel},{region},{day},{count}\n").as_bytes());
    }
    hasher.finish()
}
