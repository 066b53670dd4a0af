//! Every attack on the metadata leaves the last good rules in force, with an alarm that says why.

use std::fs;
use std::sync::Arc;

use firstlayer_gate::metadata::{Change, Keeper, Origin, RefreshError, Source, Standing};
use firstlayer_policy::Relaxation;
use jiff::Timestamp;

use crate::repository::{FAR, Repository, releases, rule};

pub(crate) const PAST: &str = "2021-01-01T00:00:00Z";

/// A gate's rules: a repository, and what the gate keeps.
pub(crate) struct Rules {
    pub(crate) repository: Repository,
    pub(crate) state: tempfile::TempDir,
    pub(crate) keeper: Keeper,
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

impl Rules {
    /// In force, if they are acceptable.
    pub(crate) fn new(repository: Repository) -> Self {
        let state = tempfile::tempdir().unwrap();
        let keeper = opened(&repository, &state);
        Self {
            repository,
            state,
            keeper,
        }
    }

    /// The rule of revision 1, in force.
    fn good() -> Self {
        let mut rules = Self::new(Repository::with_rule(&releases(), PAST));
        assert_eq!(rules.refresh().unwrap(), Change::New);
        rules
    }

    pub(crate) fn refresh(&mut self) -> Result<Change, RefreshError> {
        self.keeper.refresh(at("2030-01-01T00:00:00Z"))
    }

    pub(crate) fn revision(&self) -> Option<u64> {
        Some(self.keeper.standing().in_force()?.revision())
    }

    pub(crate) fn alarm(&self) -> String {
        let alarm = self.keeper.standing().alarm(at("2030-01-01T00:00:00Z"));
        alarm.map_or(String::new(), |alarm| alarm.why)
    }

    /// What the repository has now is refused, with these words, and revision 1 stays in force.
    fn refuses(&mut self, told: &str) {
        self.refresh().unwrap_err();
        assert!(self.alarm().contains(told), "{}", self.alarm());
        assert_eq!(self.revision(), Some(1));
    }
}

pub(crate) fn opened(repository: &Repository, state: &tempfile::TempDir) -> Keeper {
    let origin = Origin {
        source: Source::Folder(repository.folder.path().to_owned()),
        anchor: repository.anchor(),
        channels: vec!["stable".parse().unwrap(), "beta".parse().unwrap()],
    };
    Keeper::open(
        origin,
        state.path(),
        Arc::new(Standing::default()),
        at(PAST),
    )
}

#[test]
fn honest_rules_come_into_force_and_the_same_again_change_nothing() {
    let mut rules = Rules::good();
    assert_eq!((rules.revision(), rules.alarm()), (Some(1), String::new()));
    assert_eq!(rules.refresh().unwrap(), Change::Same);
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    assert_eq!(rules.refresh().unwrap(), Change::New);
    assert_eq!(rules.revision(), Some(2));
}

#[test]
fn no_rules_at_all_are_an_empty_set() {
    let mut rules = Rules::new(Repository::new(&releases()));
    assert_eq!(rules.revision(), None);
    rules.refresh().unwrap();
    assert_eq!(rules.revision(), Some(0));
    rules.repository.set_rules(1, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    assert_eq!(rules.revision(), Some(1));
}

#[test]
fn a_repository_played_back_is_refused() {
    let mut rules = Rules::new(Repository::new(&releases()));
    let recorded = rules.repository.recorded();
    rules.repository.set_rules(1, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    rules.repository.play_back(&recorded);
    rules.refuses("rolls timestamp back");
}

#[test]
fn rules_rolled_back_under_fresh_signatures_are_refused() {
    let mut rules = Rules::good();
    let first = rules.repository.documents["enforcement.json"].clone();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    rules.refresh().unwrap();
    rules
        .repository
        .set_document("enforcement.json", "enforcement", first);
    rules.repository.publish();
    rules.refresh().unwrap_err();
    assert!(
        rules.alarm().contains("2 was accepted before"),
        "{}",
        rules.alarm()
    );
    assert_eq!(rules.revision(), Some(2));
}

#[test]
fn expired_metadata_is_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.timestamp_expires = "2029-12-31T00:00:00Z";
    rules.repository.publish();
    rules.refuses("expired on 2029-12-31");
}

#[test]
fn rules_signed_by_the_wrong_role_are_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules
        .repository
        .named_by
        .insert("enforcement.json".to_owned(), "stable");
    rules.repository.publish();
    rules.refuses("signed by the role stable, and must be by enforcement");
}

#[test]
fn rules_signed_by_too_few_are_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules
        .repository
        .signers
        .insert("enforcement", vec!["enforcement-1"]);
    rules.repository.publish();
    rules.refuses("1 of the 2 valid signatures");
}

#[test]
fn rules_loosened_silently_are_refused_and_said_aloud_accepted() {
    let mut rules = Rules::good();
    rules
        .repository
        .set_rules(2, &rule("2031-01-01T00:00:00Z"), Vec::new());
    rules.repository.publish();
    rules.refuses("without saying so");
    let said = Relaxation {
        rule: "https-only".parse().unwrap(),
        revision: 3,
        why: "the last wave is late".to_owned(),
    };
    rules
        .repository
        .set_rules(3, &rule("2031-01-01T00:00:00Z"), vec![said]);
    rules.repository.publish();
    rules.refresh().unwrap();
    assert_eq!((rules.revision(), rules.alarm()), (Some(3), String::new()));
}

#[test]
fn rules_or_a_channel_that_vanish_are_refused() {
    for document in ["enforcement.json", "stable.json"] {
        let mut rules = Rules::good();
        rules.repository.remove_document(document);
        rules.repository.publish();
        rules.refuses(&format!("{document} is gone"));
    }
}

#[test]
fn a_document_changed_on_the_way_is_refused() {
    let mut rules = Rules::good();
    rules.repository.set_rules(2, &rule(PAST), Vec::new());
    rules.repository.publish();
    let targets = rules.repository.folder.path().join("targets");
    for entry in fs::read_dir(targets).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("https-transfer", "https-trensfer")).unwrap();
    }
    rules.refuses("is not what is signed");
}

#[test]
fn an_outage_keeps_the_rules_and_ends_the_alarm_when_it_ends() {
    let mut rules = Rules::good();
    let recorded = rules.repository.recorded();
    rules.repository.play_back(&Default::default());
    rules.refuses("timestamp.json");
    rules.repository.play_back(&recorded);
    rules.refresh().unwrap();
    assert_eq!((rules.revision(), rules.alarm()), (Some(1), String::new()));
}

#[test]
fn a_deadline_that_passes_after_the_metadata_expired_is_not_enforced() {
    let mut repository = Repository::new(&releases());
    repository.set_rules(1, &rule("2031-01-01T00:00:00Z"), Vec::new());
    repository.timestamp_expires = "2030-06-01T00:00:00Z";
    repository.publish();
    let mut rules = Rules::new(repository);
    rules.refresh().unwrap();
    let standing = rules.keeper.standing();
    let in_force = standing.in_force().unwrap();
    let later = at("2032-01-01T00:00:00Z");
    assert_eq!(in_force.judged_at(later), at("2030-06-01T00:00:00Z"));
    assert_eq!(
        in_force.judged_at(at("2030-02-01T00:00:00Z")),
        at("2030-02-01T00:00:00Z")
    );
    assert_eq!(standing.alarm(at("2030-02-01T00:00:00Z")), None);
    assert!(standing.alarm(later).unwrap().why.contains("expired"));
}

#[test]
fn the_first_failure_says_since_when() {
    let mut rules = Rules::good();
    rules.repository.play_back(&Default::default());
    for hour in ["01", "02"] {
        let now = at(&format!("2030-01-01T{hour}:00:00Z"));
        rules.keeper.refresh(now).unwrap_err();
    }
    let alarm = rules.keeper.standing().alarm(at(FAR)).unwrap();
    assert_eq!(alarm.since, at("2030-01-01T01:00:00Z"));
}
