//! Debian's Rust compiler, unpacked into the store. It brings no standard library for the boards' targets, but its source:
//! cargo builds that, once, and keeps it.

use camino::Utf8Path;

use super::Provider;
use super::apt::{self, Archive, Wanted};
use super::compiler::Compiler;
use super::host::Host;
use super::record::Component;
use super::store::Store;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// The component's name in the store.
pub(crate) const NAME: &str = "debian-rust";
/// The package whose version is the compiler's.
pub(crate) const RUSTC: &str = "rustc-web";

const WANTED: Wanted<'_> = Wanted {
    name: NAME,
    packages: &[RUSTC, "cargo-web", "rust-web-src", "libstd-rust-web-dev"],
    acceptable: new_enough,
    keep,
};

/// The compiler, fetched if it is not there yet.
pub(crate) fn prepare(store: &Store, progress: &dyn Progress) -> Result<Compiler> {
    let root = apt::component(store, &WANTED, progress)?;
    let real = root
        .canonicalize_utf8()
        .map_err(Error::file("find", &root))?;
    let multiarch = Host::here()?.multiarch();
    let libraries = format!("{root}/usr/lib/{multiarch}:{root}/lib/{multiarch}");
    Ok(Compiler {
        provider: Provider::Debian,
        cargo: root.join("usr/bin/cargo"),
        rustc: root.join("usr/bin/rustc"),
        // As rustc itself finds it: through no link, whatever led to the folder.
        source: real.join("usr/lib/rustlib/src/rust"),
        // The bootstrap variable lets a stable compiler take -Zbuild-std.
        environment: vec![
            ("LD_LIBRARY_PATH", libraries),
            ("RUSTC_BOOTSTRAP", "1".to_owned()),
        ],
        arguments: &["-Zbuild-std=std,panic_abort"],
        // Debian has no musl start files of its own; zig brings them.
        flags: &["-Clink-self-contained=no"],
        component: Component::load(&root)?,
    })
}

fn new_enough(archives: &[Archive]) -> Result<(), String> {
    let needed: semver::Version = needed()
        .parse()
        .map_err(|error| format!("rust-version: {error}"))?;
    let found = archives
        .iter()
        .find(|archive| archive.package == RUSTC)
        .ok_or("there is no rustc-web")?;
    let upstream = found
        .version
        .split(['+', '-', '~'])
        .next()
        .unwrap_or_default();
    match upstream.parse::<semver::Version>() {
        Ok(version) if version >= needed => Ok(()),
        _ => Err(format!(
            "rustc-web is {}, and {needed} is needed",
            found.version
        )),
    }
}

/// The workspace's `rust-version`, with a patch number.
fn needed() -> String {
    let version = env!("CARGO_PKG_RUST_VERSION");
    if version.matches('.').count() == 1 {
        format!("{version}.0")
    } else {
        version.to_owned()
    }
}

/// Of the compiler's own source only the standard library is needed, and of the rest no documentation.
fn keep(path: &Utf8Path) -> bool {
    let mut parts = path.components().map(|part| part.as_str());
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("usr"), Some("share"), ..) => false,
        (Some("usr"), Some("src"), Some(_), fourth) => fourth == Some("library"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rustc(version: &str) -> Vec<Archive> {
        vec![Archive::of(RUSTC, version)]
    }

    #[test]
    fn only_what_builds_is_unpacked() {
        for path in [
            "usr/bin/rustc",
            "usr/src/rustc-1.96.0/library/std/src/lib.rs",
            "usr/lib/rustlib/src/rust",
        ] {
            assert!(keep(Utf8Path::new(path)), "{path}");
        }
        for path in [
            "usr/share/doc/x",
            "usr/src/rustc-1.96.0/compiler/x.rs",
            "usr/src/rustc-1.96.0/x.py",
        ] {
            assert!(!keep(Utf8Path::new(path)), "{path}");
        }
    }

    #[test]
    fn old_compilers_are_refused_before_they_are_fetched() {
        let error = new_enough(&rustc("1.85.0+dfsg3-1~deb12u3")).unwrap_err();
        assert!(
            error.contains("1.85.0") && error.contains("is needed"),
            "{error}"
        );
        assert!(new_enough(&rustc("1.963.0+dfsg1-1~deb12u2")).is_ok());
        assert!(new_enough(&[]).is_err());
    }
}
