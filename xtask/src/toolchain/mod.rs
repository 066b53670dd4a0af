//! The cross-compiling toolchain: what it is made of, and how the machine comes by it.
//! All of it lives under `.firstlayer/toolchain/`; nothing here changes the system. The one thing outside that it may
//! change is the user's own rustup toolchain, to which it adds targets.

use std::process::Command;
use std::str::FromStr;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::board::Target;
use crate::checkout::Checkout;
use crate::error::{Error, Result};
use crate::progress::{Event, Progress};

mod apt;
mod compiler;
mod debian;
mod emulator;
mod environment;
pub(crate) mod host;
mod pins;
pub(crate) mod process;
mod record;
mod rustup;
pub(crate) mod store;
pub(crate) mod survey;
mod wheels;

pub use emulator::emulator;
pub use record::{Component, Package};

use compiler::Compiler;
use environment::Renames;
use pins::Pins;
use rustup::Patience;
use store::Store;

/// Where the Rust compiler and the targets' standard library come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provider {
    /// rustup where it has or can fetch the targets, else Debian.
    #[default]
    Auto,
    /// The user's rustup toolchain, with its own standard library for the target.
    Rustup,
    /// Debian's `rustc-web`, unpacked beside the checkout, which builds the standard library from source.
    Debian,
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "rustup" => Ok(Self::Rustup),
            "debian" => Ok(Self::Debian),
            _ => Err("accepted are auto, rustup, debian".to_owned()),
        }
    }
}

/// A complete toolchain, ready to be called.
#[derive(Debug)]
pub struct Toolchain {
    compiler: Compiler,
    zig: Utf8PathBuf,
    cargo_zigbuild: Utf8PathBuf,
    /// Where zig and cargo-zigbuild keep what they made.
    cache: Utf8PathBuf,
    components: Vec<Component>,
}

impl Toolchain {
    /// Finds or fetches everything that building for `targets` takes.
    pub fn prepare(
        checkout: &Checkout,
        targets: &[Target],
        provider: Provider,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let pins = Pins::load()?;
        let store = Store::open(checkout, progress)?;
        let compiler = compiler(&store, targets, provider, progress)?;
        let zig = wheels::component(
            &store,
            ("ziglang", &pins.ziglang),
            &["ziglang/zig".to_owned()],
            progress,
        )?;
        let script = format!(
            "cargo_zigbuild-{}.data/scripts/cargo-zigbuild",
            pins.cargo_zigbuild.version
        );
        let programs = [script.clone()];
        let zigbuild = wheels::component(
            &store,
            ("cargo-zigbuild", &pins.cargo_zigbuild),
            &programs,
            progress,
        )?;
        let components = vec![
            compiler.component.clone(),
            Component::load(&zig)?,
            Component::load(&zigbuild)?,
        ];
        record::save_all(&components, &store.path("toolchain.json"))?;
        Ok(Self {
            compiler,
            zig: zig.join("ziglang/zig"),
            cargo_zigbuild: zigbuild.join(script),
            cache: store.path("cache"),
            components,
        })
    }

    /// What it is made of, with versions and hashes.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Where its compiler came from; never [`Provider::Auto`].
    pub fn provider(&self) -> Provider {
        self.compiler.provider
    }

    /// cargo itself, for what needs no cross-compiling.
    pub(crate) fn cargo(&self, checkout: &Checkout) -> Command {
        self.command(&self.compiler.cargo, checkout)
    }

    /// `cargo zigbuild` for `targets`, without the credentials that fetching may need; the caller adds what to build.
    pub(crate) fn zigbuild(&self, checkout: &Checkout, targets: &[Target]) -> Result<Command> {
        let mut command = self.command(&self.cargo_zigbuild, checkout);
        for (name, _) in std::env::vars().filter(|(name, _)| environment::is_credential(name)) {
            command.env_remove(name);
        }
        let renames = self.renames(checkout)?;
        command.arg("zigbuild").args(self.compiler.arguments);
        command.env(
            "CARGO_ENCODED_RUSTFLAGS",
            renames.rust_flags(self.compiler.flags),
        );
        command.env("CC_SHELL_ESCAPED_FLAGS", "1");
        for target in targets {
            command.args(["--target", target.triple()]);
            let triple = target.triple().replace('-', "_");
            command.env(format!("CFLAGS_{triple}"), renames.c_flags());
            command.env(format!("CXXFLAGS_{triple}"), renames.c_flags());
        }
        Ok(command)
    }

    fn command(&self, program: &Utf8PathBuf, checkout: &Checkout) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(checkout.root())
            .env_clear()
            .envs(environment::allowed(std::env::vars()));
        command.env("LC_ALL", "C");
        command
            .env("CARGO", &self.compiler.cargo)
            .env("RUSTC", &self.compiler.rustc);
        // Empty wrappers override those of the user's own cargo configuration.
        command
            .env("RUSTC_WRAPPER", "")
            .env("RUSTC_WORKSPACE_WRAPPER", "");
        command.env("CARGO_TARGET_DIR", checkout.state().join("target"));
        command.env("CARGO_ZIGBUILD_ZIG_PATH", &self.zig);
        command.env("CARGO_ZIGBUILD_CACHE_DIR", self.cache.join("zigbuild"));
        command.env("ZIG_GLOBAL_CACHE_DIR", self.cache.join("zig"));
        command.env("ZIG_LOCAL_CACHE_DIR", self.cache.join("zig"));
        command.envs(
            self.compiler
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command
    }

    /// Every registry's sources get one name: the folder's own name tells which mirror they came from.
    fn renames(&self, checkout: &Checkout) -> Result<Renames> {
        let mut renames = Renames::default();
        renames.rename(checkout.root(), "/firstlayer");
        let cargo_home = cargo_home()?;
        renames.rename(&cargo_home, "/cargo");
        for registry in cargo_home
            .join("registry/src")
            .read_dir_utf8()
            .into_iter()
            .flatten()
            .flatten()
        {
            renames.rename(registry.path(), "/cargo/registry");
        }
        // cargo names the source by its place in the checkout where it lies in one, else by its absolute place.
        let source = &self.compiler.source;
        renames.rename(
            source.strip_prefix(checkout.root()).unwrap_or(source),
            "/rust",
        );
        renames.rename(source, "/rust");
        renames.rename(
            source.canonicalize_utf8().as_ref().unwrap_or(source),
            "/rust",
        );
        Ok(renames)
    }
}

fn compiler(
    store: &Store,
    targets: &[Target],
    provider: Provider,
    progress: &dyn Progress,
) -> Result<Compiler> {
    match provider {
        Provider::Rustup => rustup::prepare(store, targets, Patience::TryAgain, progress),
        Provider::Debian => debian::prepare(store, progress),
        Provider::Auto => rustup::prepare(store, targets, Patience::RememberFailure, progress)
            .or_else(|error| {
                progress.event(Event::Note(format!(
                    "rustup does not serve, so Debian's compiler is used: {error}"
                )));
                debian::prepare(store, progress)
            }),
    }
}

fn cargo_home() -> Result<Utf8PathBuf> {
    let variable = |name| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .map(Utf8PathBuf::from)
    };
    variable("CARGO_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".cargo")))
        .ok_or_else(|| Error::Missing {
            what: "home folder (neither CARGO_HOME nor HOME is set)".to_owned(),
            next: "set one of them".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_parse_and_others_are_told_what_is_accepted() {
        assert_eq!("debian".parse(), Ok(Provider::Debian));
        assert!("nix".parse::<Provider>().unwrap_err().contains("rustup"));
    }
}
