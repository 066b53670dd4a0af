//! Versions as clients write them: `01.04.00.00` for our 1.4.0. Clients compare these as strings, so that each part is
//! padded to two digits.

use std::{fmt, str::FromStr};

use semver::Version;

/// Longest version that is read. Stops a parser from being fed megabytes of digits.
const LONGEST: usize = 64;

/// The form that clients read: `01.04.00.00`. A pre-release shows its numeric part.
#[derive(Debug, Clone, Copy)]
pub struct FourPart<'a>(pub &'a Version);

impl fmt::Display for FourPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version {
            major,
            minor,
            patch,
            ..
        } = self.0;
        write!(f, "{major:02}.{minor:02}.{patch:02}.00")
    }
}

/// A version that somebody asks for, in either form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `1.4.0-rc.1`: this one and no other.
    Exact(Version),
    /// `01.04.00.00`: names 1.4.0, or a pre-release of it where there is no 1.4.0.
    Numeric(u64, u64, u64),
}

/// Not a version in either form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the version is neither like 1.4.0 nor like 01.04.00.00")]
#[non_exhaustive]
pub struct NotAVersion;

impl FromStr for Wanted {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        if text.len() > LONGEST {
            return Err(NotAVersion);
        }
        if let Ok(version) = Version::parse(text) {
            return Ok(Self::Exact(version));
        }
        let mut parts = text.split('.').map(part);
        match (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) {
            (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), Some(Some(0)), None) => {
                Ok(Self::Numeric(major, minor, patch))
            }
            _ => Err(NotAVersion),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => version.fmt(f),
            Self::Numeric(major, minor, patch) => write!(f, "{major}.{minor}.{patch}"),
        }
    }
}

impl Wanted {
    /// The best of `versions` that it names: the release before its pre-releases, the newest of them.
    pub fn pick<'a>(&self, versions: impl Iterator<Item = &'a Version>) -> Option<&'a Version> {
        versions.filter(|version| self.names(version)).max()
    }

    fn names(&self, version: &Version) -> bool {
        match self {
            Self::Exact(exact) => exact == version,
            Self::Numeric(major, minor, patch) => {
                (*major, *minor, *patch) == (version.major, version.minor, version.patch)
            }
        }
    }
}

fn part(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_version_is_shown_in_four_padded_parts() {
        let shown = |text| FourPart(&Version::parse(text).unwrap()).to_string();
        assert_eq!(shown("1.4.0"), "01.04.00.00");
        assert_eq!(shown("1.4.0-rc.1+5"), "01.04.00.00");
        assert_eq!(shown("0.12.123"), "00.12.123.00");
    }

    #[test]
    fn four_parts_name_the_release_before_its_pre_releases() {
        let versions = ["1.4.0-rc.2", "1.4.0", "1.5.0-rc.1", "1.5.0-rc.2"]
            .map(|text| Version::parse(text).unwrap());
        let pick = |text: &str| {
            let wanted: Wanted = text.parse().unwrap();
            wanted.pick(versions.iter()).map(ToString::to_string)
        };
        assert_eq!(pick("01.04.00.00").as_deref(), Some("1.4.0"));
        assert_eq!(pick("01.05.00.00").as_deref(), Some("1.5.0-rc.2"));
        assert_eq!(pick("1.4.0-rc.2").as_deref(), Some("1.4.0-rc.2"));
        assert_eq!(pick("1.5.0"), None);
        assert_eq!(pick("01.06.00.00"), None);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "1.4",
            "01.04.00.01",
            "01.04.00.00.00",
            "01.04.+0.00",
            "latest",
            "99999999999999999999.0.0.00",
            "../../etc",
        ] {
            assert_eq!(text.parse::<Wanted>(), Err(NotAVersion), "{text}");
        }
        assert!("1".repeat(1 << 20).parse::<Wanted>().is_err());
    }

    proptest! {
        #[test]
        fn each_release_is_named_by_its_own_four_parts(major in 0u64..200, minor in 0u64..200, patch in 0u64..200) {
            let version = Version::new(major, minor, patch);
            let wanted: Wanted = FourPart(&version).to_string().parse().unwrap();
            prop_assert_eq!(wanted.pick([&version].into_iter()), Some(&version));
        }

        #[test]
        fn any_text_is_refused_or_read_back(text in "\\PC{0,80}") {
            if let Ok(wanted) = text.parse::<Wanted>() {
                prop_assert_eq!(wanted.to_string().parse::<Wanted>().is_ok(), true);
            }
        }
    }
}
