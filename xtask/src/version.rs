//! The version of a release: from the firmware's manifest, and for development from the commit as well.
//!
//! Development versions are `<base>-dev.<count>.<n>.g<id>`: the commit's place in history, a number that tells apart
//! several states at the same place, and eight digits of the commit (or of the tree, where that was changed).
//! They stand below the base version itself, and rise with the history.

use semver::{Prerelease, Version};

use crate::source::Source;

/// The version for this state of the source, given what the channel already holds.
///
/// The same state always gets the same version back once it is published; another state at the same count gets
/// the next free number, so that it is never lower.
///
/// # Errors
/// Only if the parts form no semantic version, which their alphabets exclude.
pub fn development(
    base: &Version,
    source: &Source,
    published: &[Version],
) -> Result<Version, semver::Error> {
    let id = format!("g{}", source.short_id());
    let prefix = match base.pre.is_empty() {
        true => format!("dev.{}", source.count),
        false => format!("{}.dev.{}", base.pre, source.count),
    };
    let same_place = || {
        published
            .iter()
            .filter_map(|version| place(version, base, &prefix))
    };
    let number = match same_place().find(|(_, known)| *known == id) {
        Some((number, _)) => number,
        None => {
            let least = u64::from(!source.is_the_commits());
            same_place()
                .map(|(number, _)| number + 1)
                .max()
                .unwrap_or(0)
                .max(least)
        }
    };
    let pre = Prerelease::new(&format!("{prefix}.{number}.{id}"))?;
    Ok(Version {
        pre,
        ..Version::new(base.major, base.minor, base.patch)
    })
}

/// The `<n>` and `g<id>` of a development version at this place in history.
fn place<'a>(version: &'a Version, base: &Version, prefix: &str) -> Option<(u64, &'a str)> {
    let same =
        (version.major, version.minor, version.patch) == (base.major, base.minor, base.patch);
    let rest = version
        .pre
        .as_str()
        .strip_prefix(prefix)?
        .strip_prefix('.')?;
    let (number, id) = rest.split_once('.')?;
    same.then_some((number.parse().ok()?, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{LeftOut, Part};

    fn source(count: u64, commit: &str, changed: Option<&str>) -> Source {
        Source {
            commit: commit.repeat(40).parse().unwrap(),
            time: jiff::Timestamp::UNIX_EPOCH,
            count,
            shallow: false,
            changed: changed.map(|id| id.repeat(40)),
            left_out: LeftOut::new(),
            tags: Vec::new(),
        }
    }

    fn of(source: &Source, published: &[Version]) -> Version {
        development(&Version::new(0, 1, 0), source, published).unwrap()
    }

    #[test]
    fn a_commit_gets_its_place_and_its_id() {
        assert_eq!(
            of(&source(7, "a", None), &[]).to_string(),
            "0.1.0-dev.7.0.gaaaaaaaa"
        );
        assert_eq!(
            of(&source(7, "a", Some("b")), &[]).to_string(),
            "0.1.0-dev.7.1.gbbbbbbbb"
        );
    }

    #[test]
    fn a_base_that_is_a_prerelease_keeps_it() {
        let base = "0.2.0-rc.1".parse().unwrap();
        let version = development(&base, &source(3, "a", None), &[]).unwrap();
        assert_eq!(version.to_string(), "0.2.0-rc.1.dev.3.0.gaaaaaaaa");
        assert_eq!(
            development(&base, &source(3, "a", None), std::slice::from_ref(&version)).unwrap(),
            version
        );
    }

    #[test]
    fn the_same_state_gets_its_version_back_and_another_one_the_next() {
        let mut published = Vec::new();
        let states = [("a", None), ("a", Some("b")), ("a", Some("c")), ("d", None)];
        for (commit, changed) in states {
            let version = of(&source(7, commit, changed), &published);
            assert!(
                published.iter().all(|older| *older < version),
                "{version} after {published:?}"
            );
            published.push(version);
        }
        for ((commit, changed), version) in states.iter().zip(&published) {
            assert_eq!(of(&source(7, commit, *changed), &published), *version);
        }
    }

    #[test]
    fn firmware_that_lacks_a_part_gets_a_version_of_its_own() {
        let whole = source(7, "a", None);
        let lacking = Source {
            left_out: LeftOut::from([Part::HttpsTransfer]),
            ..whole.clone()
        };
        let published = of(&lacking, &[]);
        assert!(published.to_string().starts_with("0.1.0-dev.7.1.g"));
        assert!(lacking.released().is_none() && whole.released().is_some());
        let next = of(&whole, std::slice::from_ref(&published));
        assert_eq!(next.to_string(), "0.1.0-dev.7.2.gaaaaaaaa");
        assert_eq!(of(&lacking, &[published.clone(), next]), published);
    }

    #[test]
    fn versions_rise_with_the_history_and_stand_below_the_base() {
        let (ninth, tenth) = (
            of(&source(9, "f", Some("e")), &[]),
            of(&source(10, "a", None), &[]),
        );
        assert!(ninth < tenth && tenth < Version::new(0, 1, 0));
    }
}
