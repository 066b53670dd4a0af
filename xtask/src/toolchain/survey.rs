//! Looks at what the machine has for cross-compiling, without fetching or changing anything: what `doctor` tells.

use super::host::Host;
use super::pins::{Pin, Pins};
use super::record::Component;
use super::{apt, debian, emulator, rustup, store, wheels};
use crate::board::Target;
use crate::checkout::Checkout;
use crate::doctor::{self, Check};
use crate::error::Result;

/// Every check of the toolchain, in the order that a build needs the things.
pub(crate) fn checks(checkout: &Checkout, targets: &[Target]) -> Result<Vec<Check>> {
    let pins = Pins::load()?;
    let mut checks = vec![machine(), Compilers::seen(checkout, targets).check()];
    checks.push(wheel(checkout, "ziglang", &pins.ziglang));
    checks.push(wheel(checkout, "cargo-zigbuild", &pins.cargo_zigbuild));
    checks.extend(targets.iter().map(|target| emulator_of(checkout, *target)));
    Ok(checks)
}

fn machine() -> Check {
    match Host::here() {
        Ok(host) => Check::found("machine", format!("Linux, {}", host.multiarch())),
        Err(error) => Check::missing("machine", error.to_string()),
    }
}

/// What decides where the compiler comes from.
struct Compilers {
    /// The targets that rustup's toolchain lacks; absent where there is no such toolchain.
    rustup_lacks: Option<Vec<Target>>,
    rustup_failed_lately: bool,
    /// The version of Debian's compiler in the store.
    unpacked: Option<String>,
}

impl Compilers {
    fn seen(checkout: &Checkout, targets: &[Target]) -> Self {
        let folder = store::folder(checkout);
        let unpacked = Component::load(&folder.join(debian::NAME)).ok();
        Self {
            rustup_lacks: rustup::missing_targets(targets).ok(),
            rustup_failed_lately: rustup::failed_lately(&folder.join(rustup::FAILED)),
            unpacked: unpacked
                .and_then(|component| component.version(debian::RUSTC).map(str::to_owned)),
        }
    }

    /// Foretells what `Provider::Auto` will do.
    fn check(&self) -> Check {
        const NAME: &str = "rust for the boards";
        match (&self.rustup_lacks, &self.unpacked) {
            (Some(missing), _) if missing.is_empty() => {
                Check::found(NAME, "rustup's toolchain has every target")
            }
            (Some(_), _) if !self.rustup_failed_lately => Check::fetch(
                NAME,
                "rustup adds the missing targets; if it cannot, apt-get fetches Debian's (174 MB)",
            ),
            (_, Some(version)) => Check::found(NAME, format!("Debian's rustc-web {version}")),
            (_, None) => from_apt(
                NAME,
                "Debian's rustc-web, unpacked without installing it (174 MB)",
            ),
        }
    }
}

fn wheel(checkout: &Checkout, name: &'static str, pin: &Pin) -> Check {
    let Ok(host) = Host::here() else {
        return Check::missing(name, "no wheel for this machine");
    };
    let wanted = format!(
        "{} ({} MB)",
        pin.version,
        pin.wheel(host).length.div_ceil(1_000_000)
    );
    if store::folder(checkout)
        .join(wheels::folder_name(name, pin, host))
        .is_dir()
    {
        return Check::found(name, pin.version.to_string());
    }
    match wheels::python() {
        Ok(python) => Check::fetch(name, format!("{wanted}, by pip of {python}")),
        Err(error) => Check::missing(name, error.to_string()),
    }
}

fn emulator_of(checkout: &Checkout, target: Target) -> Check {
    let name = match target {
        Target::Aarch64 => "emulator for aarch64",
        Target::Armv7 => "emulator for armv7",
    };
    match emulator::present(checkout, target) {
        Some(path) => Check::found(name, doctor::version(&path)),
        None => from_apt(
            name,
            "Debian's qemu-user-static, unpacked without installing it (63 MB)",
        ),
    }
}

fn from_apt(name: &'static str, what: &str) -> Check {
    match apt::available() {
        Ok(()) => Check::fetch(name, what),
        Err(error) => Check::missing(name, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn check(
        rustup_lacks: Option<&[Target]>,
        rustup_failed_lately: bool,
        unpacked: Option<&str>,
    ) -> Check {
        let (rustup_lacks, unpacked) =
            (rustup_lacks.map(<[_]>::to_vec), unpacked.map(str::to_owned));
        Compilers {
            rustup_lacks,
            rustup_failed_lately,
            unpacked,
        }
        .check()
    }

    #[test]
    fn rustup_with_every_target_is_used() {
        assert!(
            check(Some(&[]), true, Some("1.96"))
                .detail
                .contains("rustup's toolchain")
        );
    }

    #[test]
    fn rustup_is_asked_to_fetch_once() {
        let check_once = check(Some(&[Target::Armv7]), false, None);
        assert_eq!(check_once.state, State::Fetch);
        assert!(check_once.detail.contains("rustup adds"));
        assert!(
            check(Some(&[Target::Armv7]), true, Some("1.96"))
                .detail
                .contains("Debian's rustc-web 1.96")
        );
    }

    #[test]
    fn without_rustup_the_unpacked_compiler_is_used() {
        assert_eq!(check(None, false, Some("1.96")).state, State::Found);
        assert_ne!(check(None, false, None).state, State::Found);
    }
}
