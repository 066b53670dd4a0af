//! The machine that the commands run on: whether it is one we support, and which programs it has.

use camino::Utf8PathBuf;

use crate::error::{Error, Result};

/// A kind of machine that can build the firmware: Linux with glibc, on one of two architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    X86_64,
    Aarch64,
}

impl Host {
    /// This machine.
    pub(crate) fn here() -> Result<Self> {
        Self::of(std::env::consts::OS, std::env::consts::ARCH)
    }

    fn of(system: &str, architecture: &str) -> Result<Self> {
        match (system, architecture) {
            ("linux", "x86_64") => Ok(Self::X86_64),
            ("linux", "aarch64") => Ok(Self::Aarch64),
            _ => Err(Error::Missing {
                what: format!("pinned cross-compiler for {system} on {architecture}"),
                next: "build on Linux, on x86_64 or aarch64 (a container will do)".to_owned(),
            }),
        }
    }

    /// As Debian names its packages' architecture.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The folder below `usr/lib` where Debian keeps libraries.
    pub(crate) fn multiarch(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-linux-gnu",
            Self::Aarch64 => "aarch64-linux-gnu",
        }
    }
}

/// Where a program lies on `PATH`.
pub(crate) fn find(program: &str) -> Option<Utf8PathBuf> {
    let path = std::env::var("PATH").ok()?;
    std::env::split_paths(&path)
        .filter_map(|folder| Utf8PathBuf::try_from(folder.join(program)).ok())
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_told_what_to_do() {
        assert_eq!(Host::of("linux", "aarch64").unwrap(), Host::Aarch64);
        let error = Host::of("macos", "aarch64").unwrap_err().to_string();
        assert!(
            error.contains("macos") && error.contains("build on Linux"),
            "{error}"
        );
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-such-program-here"), None);
    }
}
