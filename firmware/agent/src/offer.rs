//! Asking the repository: metadata, the channel's manifest, and what the policy makes of it.

use firstlayer_bundle::Sha256;
use firstlayer_metadata::{Client, ClientError, Limits, Target, TargetPath, VerifiedTarget};
use firstlayer_policy::{
    Channel, ChannelManifest, Choice, Decision, Limits as PolicyLimits, Printer, Reason, Release,
    Wishes, choose, on_request, stands,
};
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use crate::{
    AgentError, Clock, Fetch, MetadataFolder, Progress, RetryPolicy, Target as Aim, metadata::Files,
};

/// What the repository is asked with.
pub(crate) struct Survey<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) trust_anchor: &'a [u8],
    pub(crate) refuse_development: bool,
    pub(crate) folder: MetadataFolder,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) retry: RetryPolicy,
    /// The time by which metadata is judged.
    pub(crate) now: Timestamp,
    /// The release that waits for its reboot, if one does.
    pub(crate) waiting: Option<Aim>,
}

/// What the repository says, all of it verified.
pub(crate) struct Answer {
    pub(crate) report: CheckReport,
    pub(crate) offer: Option<Offer>,
    /// Whether what waits for its reboot may still be tried.
    pub(crate) waiting_stands: bool,
    /// The newest time that has certainly passed, by what is signed.
    pub(crate) latest_time: Timestamp,
}

/// A release to install.
pub(crate) struct Offer {
    pub(crate) release: Release,
    /// Path of the bundle in the repository.
    pub(crate) path: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The channel that was asked.
    pub channel: Channel,
    /// The version that runs.
    pub running: Version,
    /// What there is to do.
    pub outcome: Outcome,
    /// The release to install, if there is one.
    pub release: Option<OfferedRelease>,
    /// The releases for this board that were passed over, each with every reason.
    pub passed_over: Vec<PassedOver>,
    /// The version that was asked for, if one was.
    pub asked: Option<Version>,
    /// What the owner wants.
    pub wishes: Wishes,
    /// Every release for this board but the one that runs, newest first: what may be asked for by its version.
    pub on_request: Vec<OnRequest>,
    /// Whether development keys sign this repository.
    pub development_keys: bool,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing newer is on offer.
    UpToDate,
    /// A release can be installed.
    UpdateAvailable,
    /// There are releases, and none can be installed here; or the one that was asked for cannot.
    NothingFits,
    /// A newer release could be installed, and the owner skipped or postponed it.
    Declined,
    /// The channel has not the version that was asked for, for this board.
    NotListed,
}

/// A release on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfferedRelease {
    /// Its version.
    pub version: Version,
    /// Its anti-rollback counter.
    pub counter: u64,
    /// Its bundle's target name.
    pub bundle: String,
    /// Bytes of the bundle.
    pub length: u64,
    /// Hash of the bundle.
    pub sha256: Sha256,
}

/// A release that was not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Its version.
    pub version: Version,
    /// Why, in sentences for people.
    pub reasons: Vec<String>,
}

/// A release as it stands to someone who asks for its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnRequest {
    /// Its version.
    pub version: Version,
    /// What speaks against it, in sentences for people; nothing, if it would be installed.
    pub against: Vec<String>,
}

type Repository<'a> = Client<Files<'a>, MetadataFolder>;

impl Survey<'_> {
    /// Brings the metadata up to date, and decides.
    pub(crate) fn ask(
        &self,
        fetch: &mut dyn Fetch,
        progress: &mut dyn Progress,
        printer: &Printer,
    ) -> Result<Answer, AgentError> {
        let mut client = self.refreshed(fetch, progress)?;
        let manifest = self.channel_manifest(&mut client)?;
        let decision = choose(&manifest, printer);
        let offer = match decision.choice {
            Choice::Install(release) => Some(self.offer(&mut client, release)?),
            _ => None,
        };
        let development_keys = client.root().is_development();
        let mut report = CheckReport::new(self.channel, printer, &decision, development_keys);
        report.on_request = listed(&manifest, printer);
        let waiting = self.waiting.as_ref();
        Ok(Answer {
            report,
            offer,
            waiting_stands: waiting
                .is_some_and(|aim| stands(&manifest, printer, aim.bundle, aim.asked)),
            latest_time: self.latest_time(&client, &manifest),
        })
    }

    fn refreshed<'a>(
        &'a self,
        fetch: &'a mut dyn Fetch,
        progress: &'a mut dyn Progress,
    ) -> Result<Repository<'a>, AgentError> {
        let files = Files {
            fetch,
            clock: self.clock,
            retry: self.retry,
            progress,
        };
        let mut client = Client::new(
            files,
            self.folder.clone(),
            self.trust_anchor,
            Limits::default(),
        )
        .map_err(by_fault)?;
        self.check_keys(&client)?;
        client.refresh(self.now).map_err(by_fault)?;
        self.check_keys(&client)?;
        Ok(client)
    }

    fn check_keys(&self, client: &Repository<'_>) -> Result<(), AgentError> {
        if self.refuse_development && client.root().is_development() {
            return Err(AgentError::DevelopmentKeys);
        }
        Ok(())
    }

    fn channel_manifest(&self, client: &mut Repository<'_>) -> Result<ChannelManifest, AgentError> {
        let target = self.find(client, &ChannelManifest::target_name(self.channel))?;
        let limits = PolicyLimits::default();
        let limit = target.length().min(limits.bytes as u64);
        let path = format!("targets/{}", target.remote_path());
        let name = || target.path().to_string();
        let bytes = client
            .remote()
            .read(&path, limit)?
            .ok_or_else(|| AgentError::Absent { name: name() })?;
        verify(&target, &bytes).map_err(AgentError::Metadata)?;
        ChannelManifest::parse(&bytes, self.channel, &limits).map_err(|source| {
            AgentError::Manifest {
                channel: self.channel.clone(),
                source,
            }
        })
    }

    /// The bundle as TUF knows it must be the one that the channel's manifest names.
    fn offer(&self, client: &mut Repository<'_>, release: &Release) -> Result<Offer, AgentError> {
        let target = self.find(client, &release.bundle.target)?;
        let contradiction = |what| AgentError::Contradiction {
            name: release.bundle.target.clone(),
            what,
        };
        if target.length() != release.bundle.length {
            return Err(contradiction("its length"));
        }
        if target.hashes().sha256() != Some(release.bundle.sha256.to_string().as_str()) {
            return Err(contradiction("its hash"));
        }
        Ok(Offer {
            release: release.clone(),
            path: format!("targets/{}", target.remote_path()),
        })
    }

    /// A target that the channel's own role signs.
    fn find(&self, client: &mut Repository<'_>, name: &str) -> Result<Target, AgentError> {
        let path: TargetPath = name.parse().map_err(AgentError::Metadata)?;
        let found = client.find_target(&path).map_err(by_fault)?;
        let target = found.ok_or_else(|| AgentError::Absent {
            name: name.to_owned(),
        })?;
        if target.role().as_str() == self.channel.as_str() {
            return Ok(target);
        }
        Err(AgentError::OtherRole {
            name: name.to_owned(),
            role: target.role().clone(),
            channel: self.channel.clone(),
        })
    }

    /// See [`Clock`]: the time of this verification, and the build times that lie before the timestamp's expiry.
    fn latest_time(&self, client: &Repository<'_>, manifest: &ChannelManifest) -> Timestamp {
        let expires = client
            .trusted()
            .and_then(|trusted| trusted.timestamp())
            .map(|timestamp| timestamp.expires);
        let built = manifest.releases().iter().map(|release| release.built);
        let believable =
            built.filter(|time| expires.is_some_and(|expires| !expires.has_passed(*time)));
        believable.fold(self.now, Timestamp::max)
    }
}

fn listed(manifest: &ChannelManifest, printer: &Printer) -> Vec<OnRequest> {
    let releases = on_request(manifest, printer).into_iter();
    releases
        .map(|other| OnRequest {
            version: other.release.version.clone(),
            against: sentences(&other.against),
        })
        .collect()
}

fn sentences(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

impl CheckReport {
    fn new(
        channel: &Channel,
        printer: &Printer,
        decision: &Decision<'_>,
        development_keys: bool,
    ) -> Self {
        let (outcome, release) = match decision.choice {
            Choice::UpToDate => (Outcome::UpToDate, None),
            Choice::NothingFits => (Outcome::NothingFits, None),
            Choice::Declined => (Outcome::Declined, None),
            Choice::NotListed => (Outcome::NotListed, None),
            Choice::Install(release) => {
                (Outcome::UpdateAvailable, Some(OfferedRelease::new(release)))
            }
        };
        let passed_over = decision.passed_over.iter().map(|other| PassedOver {
            version: other.release.version.clone(),
            reasons: sentences(&other.reasons),
        });
        Self {
            channel: channel.clone(),
            running: printer.version.clone(),
            outcome,
            release,
            passed_over: passed_over.collect(),
            asked: printer.wishes.version.clone(),
            wishes: printer.wishes.clone(),
            on_request: Vec::new(),
            development_keys,
        }
    }
}

impl OfferedRelease {
    fn new(release: &Release) -> Self {
        Self {
            version: release.version.clone(),
            counter: release.counter.value(),
            bundle: release.bundle.target.clone(),
            length: release.bundle.length,
            sha256: release.bundle.sha256,
        }
    }
}

fn verify(target: &Target, bytes: &[u8]) -> Result<VerifiedTarget, firstlayer_metadata::Error> {
    let mut verifier = target.verify()?;
    verifier.update(bytes)?;
    verifier.finish()
}

fn by_fault(error: ClientError<crate::FetchError, std::io::Error>) -> AgentError {
    match error {
        ClientError::Metadata(error) => AgentError::Metadata(error),
        ClientError::Network { source, .. } => AgentError::Fetch(source),
        ClientError::LocalStore { source, .. } => AgentError::Storage {
            what: "keep the repository's metadata",
            source,
        },
        other => AgentError::Storage {
            what: "bring the repository's metadata up to date",
            source: std::io::Error::other(other),
        },
    }
}
