//! Rules are swapped between two requests, never within one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::gate::{Running, headers};
use crate::repository::{Repository, releases, rule};
use crate::rules::{PAST, Rules};

/// Enough that answers of many revisions are asked for while they are swapped.
const REVISIONS: u64 = 60;

/// Rules that say in two places of each refusal which revision they are of.
fn rules_of(revision: u64) -> String {
    rule(PAST)
        .replace(
            "Model files went over the network unprotected.",
            &revision.to_string(),
        )
        .replace("org/https", &format!("org/{revision}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_mixes_two_revisions() {
    let mut repository = Repository::new(&releases());
    repository.set_rules(1, &rules_of(1), Vec::new());
    repository.publish();
    let mut rules = Rules::new(repository);
    rules.refresh().unwrap();
    let gate = Arc::new(Running::with_standing(Arc::clone(rules.keeper.standing())).await);
    let swapped = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn(ask_until(Arc::clone(&gate), Arc::clone(&swapped)));
    tokio::task::spawn_blocking(move || {
        for revision in 2..=REVISIONS {
            rules
                .repository
                .set_rules(revision, &rules_of(revision), Vec::new());
            rules.repository.publish();
            rules.refresh().unwrap();
        }
    })
    .await
    .unwrap();
    swapped.store(true, Ordering::Release);
    let seen = asking.await.unwrap();
    assert!(seen.is_sorted(), "never back to older rules: {seen:?}");
    assert!(
        seen.len() > 2,
        "several revisions were answered by: {seen:?}"
    );
    assert_eq!(seen.last(), Some(&REVISIONS));
}

/// Asks until the last revision is in force and was answered by, and gives the revisions in the order of the answers.
async fn ask_until(gate: Arc<Running>, swapped: Arc<AtomicBool>) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        let last = swapped.load(Ordering::Acquire);
        let body = gate.get("/v1/refusal", &headers("1.2.0")).await.json();
        let revision: u64 = body["reason"].as_str().unwrap().parse().unwrap();
        assert_eq!(body["help"], format!("https://example.org/{revision}"));
        if seen.last() != Some(&revision) {
            seen.push(revision);
        }
        if last {
            return seen;
        }
    }
}
