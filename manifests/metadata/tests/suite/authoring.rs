//! Authoring: detached signatures, thresholds, and the rules of the format.

use firstlayer_metadata::author::{Draft, read_partly_signed};
use firstlayer_metadata::{Error, Fault, PublicKey, Root, Sign, TargetFile, Targets};
use serde_json::{Map, json};

use crate::printer::Printer;
use crate::repository::{Repository, TestSigner, far_future, role_keys, signers};

fn second_root(repository: &Repository) -> Root {
    let mut root = repository.root.clone();
    let new = signers(&["new-1", "new-2"]);
    root.version = 2;
    root.roles.root = role_keys(2, &new);
    root.keys.extend(
        new.iter()
            .map(|signer| (signer.public_key().key_id(), signer.public_key().clone())),
    );
    root
}

#[test]
fn signatures_are_collected_one_by_one_until_both_thresholds_are_met() {
    let mut repository = Repository::new();
    let root = second_root(&repository);
    let mut saved = Draft::root(root, Some(&repository.root))
        .unwrap()
        .partly_signed();
    for (name, missing) in [("root-1", 2), ("new-1", 2), ("root-3", 1), ("new-2", 0)] {
        // Each signer starts from the file that the one before has left.
        let root: Root = read_partly_signed(&"root".parse().unwrap(), &saved).unwrap();
        let mut draft = Draft::root(root, Some(&repository.root)).unwrap();
        draft.add_signatures_from(&saved).unwrap();
        assert!(matches!(
            draft.clone().finish(),
            Err(Error::Unfinished { .. })
        ));
        let signature = TestSigner::new(name).sign(draft.payload()).unwrap();
        draft.add_signature(signature).unwrap();
        assert_eq!(draft.missing().len(), missing, "after {name}");
        saved = draft.partly_signed();
        if missing == 0 {
            repository.files.insert(
                format!("metadata/{}", draft.file_name()),
                draft.finish().unwrap(),
            );
        }
    }
    assert_eq!(
        Printer::new(&repository)
            .refresh(&repository)
            .unwrap()
            .root()
            .version,
        2
    );
}

#[test]
fn what_is_missing_is_named() {
    let repository = Repository::new();
    let mut draft = Draft::root(second_root(&repository), Some(&repository.root)).unwrap();
    draft.sign_with(&TestSigner::new("root-2")).unwrap();
    let missing = draft.missing();
    let asked = missing
        .iter()
        .map(|missing| (missing.authority.as_str(), missing.have, missing.threshold));
    assert_eq!(
        asked.collect::<Vec<_>>(),
        [("root", 0, 2), ("the previous root", 1, 2)]
    );
    let left: Vec<_> = ["root-1", "root-3"]
        .map(|name| TestSigner::new(name).public_key().key_id())
        .into();
    assert_eq!(missing[1].keyids, left);
}

#[test]
fn strangers_and_wrong_signatures_are_refused() {
    let repository = Repository::new();
    let mut draft = Draft::root(second_root(&repository), Some(&repository.root)).unwrap();
    let stranger = TestSigner::new("stranger");
    assert!(matches!(
        draft.sign_with(&stranger),
        Err(Error::UnauthorisedKey { .. })
    ));
    let wrong = TestSigner::new("root-1").sign(b"something else").unwrap();
    assert!(matches!(
        draft.add_signature(wrong),
        Err(Error::BadSignature { .. })
    ));
    let mut other = Draft::root(repository.root.clone(), None).unwrap();
    other.sign_with(&TestSigner::new("root-1")).unwrap();
    assert!(matches!(
        draft.add_signatures_from(&other.partly_signed()),
        Err(Error::Rule { .. })
    ));
    assert_eq!(draft.missing()[0].have, 0);
}

#[test]
fn signing_twice_counts_once() {
    let repository = Repository::new();
    let mut draft = Draft::root(repository.root.clone(), None).unwrap();
    draft.sign_with(&TestSigner::new("root-1")).unwrap();
    draft.sign_with(&TestSigner::new("root-1")).unwrap();
    assert_eq!(draft.missing()[0].have, 1);
}

#[test]
fn a_root_with_a_development_key_says_so() {
    let mut repository = Repository::new();
    assert!(!repository.root.is_development());
    repository.set_keys("timestamp", 1, &["development-timestamp"]);
    assert!(repository.root.is_development());
}

#[test]
fn the_name_of_a_key_is_part_of_its_id() {
    let public = |name| PublicKey::ed25519(&[0x58; 32], name);
    // 5858… is no point of the curve.
    assert!(matches!(public(None), Err(Error::UnusableKey { .. })));
    let key = TestSigner::new("a").public_key().clone();
    let mut object = Map::from(key.clone());
    object.insert("x-firstlayer-name".into(), "b".into());
    let renamed = PublicKey::try_from(object).unwrap();
    assert_ne!(renamed.key_id(), key.key_id());
    assert_eq!((key.name(), renamed.name()), (Some("a"), Some("b")));
}

fn assert_rule(refused: Result<impl Sized, Error>, words: &str) {
    let error = refused.err().expect("was accepted");
    assert_eq!(error.fault(), Fault::Caller);
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn roots_follow_the_rules() {
    let repository = Repository::new();
    let broken = |change: fn(&mut Root)| {
        let mut root = second_root(&repository);
        change(&mut root);
        Draft::root(root, Some(&repository.root))
    };
    assert!(broken(|_| ()).is_ok());
    assert_rule(broken(|root| root.version = 3), "after root 1 comes 2");
    assert_rule(
        broken(|root| root.consistent_snapshot = false),
        "consistent snapshots",
    );
    assert_rule(
        broken(|root| root.spec_version = "1.0".into()),
        "spec_version is 1.0.31",
    );
    assert_rule(
        broken(|root| root.roles.root = role_keys(3, &signers(&["new-1", "new-2"]))),
        "never meet",
    );
    assert_rule(
        broken(|root| root.roles.root = role_keys(1, &signers(&["unlisted"]))),
        "not listed",
    );
    assert_rule(
        broken(|root| drop(root.extra.insert("x".into(), json!("e\u{301}")))),
        "normal form C",
    );
    assert_rule(
        broken(|root| drop(root.extra.insert("x".into(), json!([1_u64 << 53])))),
        "within 2^53",
    );
}

#[test]
fn a_key_of_an_unknown_type_is_not_published() {
    let repository = Repository::new();
    let mut root = repository.root.clone();
    let key = json!({ "keytype": "new", "scheme": "newer", "keyval": { "public": "00" } });
    let key: PublicKey = serde_json::from_value(key).unwrap();
    root.keys.insert(key.key_id(), key);
    assert_rule(Draft::root(root, None), "unknown scheme newer");
}

#[test]
fn targets_follow_the_rules() {
    let repository = Repository::new();
    let draft = |path: &str, file: TargetFile| {
        let mut targets = Targets::new(1, far_future());
        targets.targets.insert(path.parse().unwrap(), file);
        Draft::targets(targets, &repository.root)
    };
    let good = TargetFile::of(b"a");
    assert!(draft("a", good.clone()).is_ok());
    assert_rule(draft("a/b", good.clone()), "not flat");
    assert_rule(
        draft(
            "a",
            TargetFile {
                custom: Some(Map::new()),
                ..good.clone()
            },
        ),
        "custom",
    );
    let sha512 = serde_json::from_value(json!({ "sha512": "00".repeat(64) })).unwrap();
    assert_rule(
        draft(
            "a",
            TargetFile {
                hashes: sha512,
                ..good.clone()
            },
        ),
        "lack sha256",
    );
    assert_rule(draft("e\u{301}", good), "normal form C");
}

#[test]
fn a_delegated_role_stays_within_its_paths() {
    let mut repository = Repository::new();
    repository.delegate("targets", "stable", &["stable.json", "stable-*"], true);
    let delegations = repository.roles["targets"].delegations.clone().unwrap();
    let draft = |role: &str, path: &str| {
        let mut targets = Targets::new(1, far_future());
        targets
            .targets
            .insert(path.parse().unwrap(), TargetFile::of(b"a"));
        Draft::delegated(
            &role.parse().unwrap(),
            targets,
            &"targets".parse().unwrap(),
            &delegations,
        )
    };
    assert!(draft("stable", "stable-1.0.0.bundle").is_ok());
    assert_rule(
        draft("stable", "beta.json"),
        "does not delegate the target beta.json",
    );
    assert!(matches!(
        draft("beta", "beta.json"),
        Err(Error::NotDelegated { .. })
    ));
}
