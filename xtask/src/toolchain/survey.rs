//! Looks at what the machine has for cross-compiling, without fetching or changing anything: what `doctor` tells.

use super::host::{self, Host};
use super::pins::{Pin, Pins};
use super::record::Component;
use super::{debian, emulator, rustup, store, wheels};
use crate::board::Target;
use crate::checkout::Checkout;
use crate::doctor::{Check, State};
use crate::error::Result;

/// Every check of the toolchain, in the order that a build needs the things.
pub(crate) fn checks(checkout: &Checkout, targets: &[Target]) -> Result<Vec<Check>> {
    let pins = Pins::load()?;
    let mut checks = vec![machine(), compiler(checkout, targets)];
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

fn compiler(checkout: &Checkout, targets: &[Target]) -> Check {
    const NAME: &str = "rust for the boards";
    let folder = store::folder(checkout);
    let missing = rustup::missing_targets(targets);
    let unpacked = Component::load(&folder.join(debian::NAME));
    let lately = rustup::failed_lately(&folder.join(rustup::FAILED));
    match (missing, unpacked) {
        (Ok(missing), _) if missing.is_empty() => {
            Check::found(NAME, "rustup's toolchain has every target")
        }
        (_, Ok(component)) if lately || host::find("rustup").is_none() => Check::found(
            NAME,
            format!(
                "Debian's {}",
                component.version("rustc-web").unwrap_or("compiler")
            ),
        ),
        (Ok(_), _) if !lately => Check::fetch(
            NAME,
            "rustup adds the missing targets; if it cannot, apt-get fetches Debian's (174 MB)",
        ),
        _ => from_apt(
            NAME,
            "Debian's rustc-web, unpacked without installing it (174 MB)",
        ),
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
        Some(path) => Check::found(name, path),
        None => from_apt(
            name,
            "Debian's qemu-user-static, unpacked without installing it (63 MB)",
        ),
    }
}

fn from_apt(name: &'static str, what: &str) -> Check {
    match ["apt-get", "dpkg"]
        .into_iter()
        .find(|program| host::find(program).is_none())
    {
        None => Check::fetch(name, what),
        Some(program) => Check {
            state: State::Missing,
            ..Check::fetch(
                name,
                format!(
                    "{what}: there is no {program}; install it by hand or use a Debian machine"
                ),
            )
        },
    }
}
