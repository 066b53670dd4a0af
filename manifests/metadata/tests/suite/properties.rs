//! Properties over arbitrary bytes, values and signatures.

use firstlayer_metadata::{
    PathPattern, Sign, TargetPath, TrustedMetadata, canonical_json, fuzzing,
};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::repository::{Repository, TestSigner, role_keys, sign_file, signers};

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991..=9_007_199_254_740_991_i64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// What a pattern means, said in the plainest way.
fn plainly_matches(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        ([b'*', after @ ..], _) => {
            let longer = matches!(path, [first, rest @ ..] if *first != b'/' && plainly_matches(pattern, rest));
            longer || plainly_matches(after, path)
        }
        ([b'?', after @ ..], [first, rest @ ..]) => *first != b'/' && plainly_matches(after, rest),
        ([expected, after @ ..], [first, rest @ ..]) => {
            expected == first && plainly_matches(after, rest)
        }
        _ => false,
    }
}

fn now() -> jiff::Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

/// A repository's root with some of its bytes changed.
fn damaged_root() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let root = Repository::new().trust_anchor();
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    changes.prop_map(move |changes| {
        let mut damaged = root.clone();
        for (index, byte) in changes {
            let index = index.index(damaged.len());
            damaged[index] = byte;
        }
        (root.clone(), damaged)
    })
}

proptest! {
    /// The strict reader and the canonical writer agree with serde_json, whatever the layout.
    #[test]
    fn canonical_json_does_not_depend_on_the_layout(value in any_value()) {
        let expected = canonical_json(&value).unwrap();
        for text in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
            prop_assert_eq!(fuzzing::canonical_from_bytes(&text), Some(expected.clone()));
        }
    }

    /// Two values with the same canonical form are the same: nothing else is ever signed along.
    #[test]
    fn canonical_json_tells_values_apart(one in any_value(), other in any_value()) {
        prop_assert_eq!(one == other, canonical_json(&one).unwrap() == canonical_json(&other).unwrap());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        fuzzing::read_every_role(&bytes);
        prop_assert!(TrustedMetadata::new(&bytes, now()).is_err());
    }

    #[test]
    fn arbitrary_values_never_panic(value in any_value(), kind in "root|timestamp|snapshot|targets") {
        let mut signed = value;
        if let Some(members) = signed.as_object_mut() {
            members.insert("_type".into(), kind.into());
        }
        let file = serde_json::json!({ "signed": signed, "signatures": [] });
        fuzzing::read_every_role(&serde_json::to_vec(&file).unwrap());
    }

    /// Whatever is changed: either the damage is refused, or what is trusted has the same meaning.
    #[test]
    fn a_damaged_root_is_never_another_root((root, damaged) in damaged_root()) {
        fuzzing::read_every_role(&damaged);
        if let Ok(trusted) = TrustedMetadata::new(&damaged, now()) {
            let original = TrustedMetadata::new(&root, now()).unwrap();
            prop_assert_eq!(&**trusted.root(), &**original.root());
        }
    }

    /// A role of N keys and threshold T is accepted exactly when T distinct keys of its own have signed.
    #[test]
    fn thresholds_count_distinct_authorised_keys(
        threshold in 1_usize..=4,
        valid in prop::collection::btree_set(0_usize..4, 0..=4),
        strangers in 0_usize..3,
        broken in prop::collection::btree_set(0_usize..4, 0..=4),
    ) {
        let names = ["k-0", "k-1", "k-2", "k-3"];
        let keys = signers(&names);
        let mut root = Repository::new().root;
        root.roles.root = role_keys(threshold as u64, &keys);
        root.keys.extend(keys.iter().map(|key| (key.public_key().key_id(), key.public_key().clone())));
        let mut signed = serde_json::to_value(&root).unwrap();
        signed["_type"] = "root".into();
        let mut file = serde_json::json!({ "signed": signed });
        let mut signing: Vec<_> = valid.union(&broken).map(|index| keys[*index].clone()).collect();
        signing.extend((0..strangers).map(|number| TestSigner::new(&format!("stranger-{number}"))));
        sign_file(&mut file, &signing);
        for (place, index) in valid.union(&broken).enumerate() {
            if broken.contains(index) {
                file["signatures"][place]["sig"] = "00".repeat(64).into();
            }
        }
        let accepted = TrustedMetadata::new(&serde_json::to_vec(&file).unwrap(), now()).is_ok();
        prop_assert_eq!(accepted, valid.difference(&broken).count() >= threshold);
    }

    /// A path that is accepted stays inside whatever folder it is joined to.
    #[test]
    fn target_paths_stay_in_their_folder(path in "[a.%/\\\\]{0,12}") {
        if let Ok(path) = path.parse::<TargetPath>() {
            let joined = std::path::Path::new(path.as_str());
            prop_assert!(joined.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            prop_assert!(!path.encoded().contains('/'));
        }
    }

    #[test]
    fn patterns_match_as_their_plainest_reading_says(pattern in "[ab*?/]{0,8}", path in "[ab]{1,3}(/[ab]{1,3}){0,2}") {
        let expected = plainly_matches(pattern.as_bytes(), path.as_bytes());
        prop_assert_eq!(PathPattern::new(pattern).matches(&path.parse().unwrap()), expected);
    }
}
