//! A board's TOML: raw config in, checked config out. Unknown keys are refused; every error names the file, the key,
//! and what is accepted.

use std::fs;
use std::str::FromStr;

use camino::Utf8Path;
use firstlayer_bundle::{Board as Name, Model};
use serde::{Deserialize, Serialize};

use crate::checkout::Checkout;
use crate::error::{Error, Result};

/// The electronics a firmware is built for, as `firmware/boards/<name>.toml` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Board {
    /// Also the file's name without its ending.
    pub name: Name,
    /// The printers that have this board; at least one.
    pub models: Vec<Model>,
    /// What the compiler builds for.
    pub target: Target,
    /// How much each slot holds.
    pub slots: Slots,
}

/// The slots' sizes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Slots {
    /// One root slot; an image that is larger is refused before it is signed.
    pub root: u64,
}

/// A target triple that printers run: statically linked against musl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub enum Target {
    /// 64-bit ARM.
    #[serde(rename = "aarch64-unknown-linux-musl")]
    Aarch64,
    /// 32-bit ARM with hardware floating point.
    #[serde(rename = "armv7-unknown-linux-musleabihf")]
    Armv7,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 2] = [Self::Aarch64, Self::Armv7];

    /// As the compiler names it.
    pub fn triple(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64-unknown-linux-musl",
            Self::Armv7 => "armv7-unknown-linux-musleabihf",
        }
    }

    /// The architecture as QEMU names it.
    pub fn qemu(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Armv7 => "arm",
        }
    }
}

/// Every board of the checkout, sorted by name.
pub fn all(checkout: &Checkout) -> Result<Vec<Board>> {
    let folder = checkout.boards();
    let entries = folder
        .read_dir_utf8()
        .map_err(Error::file("list", &folder))?;
    let mut boards = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::file("list", &folder))?;
        if entry.path().extension() == Some("toml") {
            boards.push(read(entry.path())?);
        }
    }
    boards.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(boards)
}

/// The boards of these names, each once, sorted; no names at all means every board.
pub fn select(checkout: &Checkout, names: &[String]) -> Result<Vec<Board>> {
    let mut boards = all(checkout)?;
    let known = boards
        .iter()
        .map(|board| board.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(unknown) = names
        .iter()
        .find(|name| !boards.iter().any(|board| board.name.as_str() == *name))
    {
        return Err(Error::Missing {
            what: format!("board \"{unknown}\" in {}", checkout.boards()),
            next: format!("accepted are {known}"),
        });
    }
    boards.retain(|board| names.is_empty() || names.iter().any(|name| name == board.name.as_str()));
    Ok(boards)
}

fn read(path: &Utf8Path) -> Result<Board> {
    let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
    check(path, &text).map_err(|problem| Error::Config {
        file: path.to_owned(),
        problem,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    models: Vec<String>,
    target: String,
    slots: Slots,
}

fn check(path: &Utf8Path, text: &str) -> Result<Board, String> {
    let raw: Raw = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    if path.file_stem() != Some(raw.name.as_str()) {
        return Err(format!(
            "name is \"{}\"; accepted is the file's own name without .toml",
            raw.name
        ));
    }
    if raw.models.is_empty() {
        return Err("models is empty; accepted is a list of at least one model".to_owned());
    }
    if raw.slots.root == 0 {
        return Err("slots.root is 0; accepted is the slot's size in bytes".to_owned());
    }
    Ok(Board {
        name: parsed("name", &raw.name)?,
        models: raw
            .models
            .iter()
            .map(|model| parsed("models", model))
            .collect::<Result<_, _>>()?,
        target: target(&raw.target)?,
        slots: raw.slots,
    })
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(key: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{key}: {error}"))
}

fn target(text: &str) -> Result<Target, String> {
    Target::ALL
        .into_iter()
        .find(|target| target.triple() == text)
        .ok_or_else(|| {
            let accepted = Target::ALL.map(Target::triple).join(", ");
            format!("target is \"{text}\"; accepted are {accepted}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "name = 'a'\nmodels = ['m']\ntarget = 'aarch64-unknown-linux-musl'\n[slots]\nroot = 1\n";

    fn problem(text: &str) -> String {
        check(Utf8Path::new("boards/a.toml"), text).unwrap_err()
    }

    #[test]
    fn good_board_is_checked() {
        let board = check(Utf8Path::new("boards/a.toml"), GOOD).unwrap();
        assert_eq!(board.name.as_str(), "a");
        assert_eq!(board.target, Target::Aarch64);
    }

    #[test]
    fn boards_of_the_checkout_are_good_and_sorted() {
        let checkout = Checkout::around(Utf8Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let names: Vec<_> = all(&checkout)
            .unwrap()
            .into_iter()
            .map(|board| board.name)
            .collect();
        assert!(names.is_sorted() && names.len() >= 2, "{names:?}");
    }

    #[test]
    fn each_problem_names_its_key_and_what_is_accepted() {
        let cases = [
            (
                GOOD.replace("'a'", "'b'"),
                "name is \"b\"",
                "file's own name",
            ),
            (
                GOOD.replace("['m']", "[]"),
                "models is empty",
                "at least one",
            ),
            (GOOD.replace("['m']", "['M']"), "models:", "a-z"),
            (
                GOOD.replace("aarch64-unknown-linux-musl", "sparc"),
                "target is \"sparc\"",
                "armv7-unknown-linux-musleabihf",
            ),
            (
                GOOD.replace("root = 1", "root = 0"),
                "slots.root is 0",
                "bytes",
            ),
            (
                GOOD.replace("root = 1", "root = 1\nboot = 1"),
                "unknown field `boot`",
                "`root`",
            ),
            (
                GOOD.replace("models", "colour = 1\nmodels"),
                "unknown field `colour`",
                "`target`",
            ),
            (
                GOOD.replace("models = ['m']\n", ""),
                "missing field `models`",
                "",
            ),
        ];
        for (text, key, accepted) in cases {
            let problem = problem(&text);
            assert!(
                problem.contains(key) && problem.contains(accepted),
                "{problem}"
            );
        }
    }

    #[test]
    fn unknown_board_is_refused_with_the_known_ones() {
        let checkout = Checkout::around(Utf8Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let error = select(&checkout, &["virt-mips".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("virt-mips") && error.contains("virt-armv7"),
            "{error}"
        );
    }
}
