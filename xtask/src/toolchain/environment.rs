//! The environment that a firmware build runs in. It is built from an allow-list, and names no folder of this machine in
//! what it makes: so that the same commit gives the same bytes for everyone.

use camino::{Utf8Path, Utf8PathBuf};

/// What a build may take from its caller: where things are and how the network is reached, never how to compile.
const ALLOWED: [&str; 23] = [
    "ALL_PROXY",
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "RUSTUP_HOME",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// The same for families of variables: cargo's registries, mirrors and network settings.
const ALLOWED_PREFIXES: [&str; 5] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
];

/// Of the caller's variables those that a build may see.
pub(crate) fn allowed(
    variables: impl Iterator<Item = (String, String)>,
) -> impl Iterator<Item = (String, String)> {
    variables.filter(|(name, _)| {
        ALLOWED.contains(&name.as_str())
            || ALLOWED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
    })
}

/// Whether a variable lets its holder act for the caller: fetching may need it, the code of a dependency never sees it.
pub(crate) fn is_credential(name: &str) -> bool {
    let registry = ["CARGO_REGISTRIES_", "CARGO_REGISTRY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    let place = ["_INDEX", "_DEFAULT", "_PROTOCOL"]
        .iter()
        .any(|end| name.ends_with(end));
    name == "SSH_AUTH_SOCK" || (registry && !place)
}

/// Folders of this machine, and what the binary calls them instead. Later ones win, so the narrower come last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Renames(Vec<(Utf8PathBuf, String)>);

impl Renames {
    /// Adds a folder; what it is called must not tell where it lies.
    pub(crate) fn rename(&mut self, folder: &Utf8Path, name: impl Into<String>) {
        self.0.push((folder.to_owned(), name.into()));
    }

    /// For rustc, in the form of `CARGO_ENCODED_RUSTFLAGS`, after `flags`.
    pub(crate) fn rust_flags(&self, flags: &[&str]) -> String {
        let renames = self
            .0
            .iter()
            .map(|(folder, name)| format!("--remap-path-prefix={folder}={name}"));
        flags
            .iter()
            .map(|flag| (*flag).to_owned())
            .chain(renames)
            .collect::<Vec<_>>()
            .join("\u{1f}")
    }

    /// For the C compiler, quoted as `CC_SHELL_ESCAPED_FLAGS` has it read.
    pub(crate) fn c_flags(&self) -> String {
        let renames = self
            .0
            .iter()
            .map(|(folder, name)| format!("'-ffile-prefix-map={folder}={name}'"));
        renames.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(name: &str) -> bool {
        allowed(std::iter::once((name.to_owned(), String::new()))).count() == 1
    }

    #[test]
    fn mirrors_and_proxies_pass() {
        for name in [
            "PATH",
            "CARGO_HOME",
            "https_proxy",
            "CARGO_REGISTRIES_MIRROR_INDEX",
            "CARGO_SOURCE_X_REPLACE_WITH",
        ] {
            assert!(pass(name), "{name}");
        }
    }

    #[test]
    fn credentials_are_told_from_places() {
        for name in [
            "SSH_AUTH_SOCK",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRY_SECRET_KEY",
            "CARGO_REGISTRIES_MIRROR_TOKEN",
            "CARGO_REGISTRIES_MIRROR_CREDENTIAL_PROVIDER",
        ] {
            assert!(pass(name) && is_credential(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_REGISTRY_DEFAULT",
            "CARGO_REGISTRIES_MIRROR_INDEX",
            "CARGO_REGISTRIES_CRATES_IO_PROTOCOL",
            "CARGO_SOURCE_X_REPLACE_WITH",
        ] {
            assert!(pass(name) && !is_credential(name), "{name}");
        }
    }

    #[test]
    fn nothing_that_changes_the_bytes_passes() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_PROFILE_FIRMWARE_LTO",
            "CFLAGS",
            "CC",
            "CARGO_TARGET_DIR",
            "RUSTC_WRAPPER",
            "CARGO_INCREMENTAL",
            "SOURCE_DATE_EPOCH",
            "RUSTUP_TOOLCHAIN",
            "ZIG_LIB_DIR",
            "LD_LIBRARY_PATH",
            "CARGO_TARGET_ARMV7_UNKNOWN_LINUX_MUSLEABIHF_LINKER",
            "CARGO_BUILD_TARGET",
        ] {
            assert!(!pass(name), "{name}");
        }
    }

    #[test]
    fn renames_keep_their_order_in_both_forms() {
        let mut renames = Renames::default();
        renames.rename(Utf8Path::new("/home/a b"), "/checkout");
        renames.rename(Utf8Path::new("/home/a b/c"), "/cargo");
        let rust = "-Cx\u{1f}--remap-path-prefix=/home/a b=/checkout\u{1f}--remap-path-prefix=/home/a b/c=/cargo";
        assert_eq!(renames.rust_flags(&["-Cx"]), rust);
        assert_eq!(
            renames.c_flags(),
            "'-ffile-prefix-map=/home/a b=/checkout' '-ffile-prefix-map=/home/a b/c=/cargo'"
        );
    }
}
