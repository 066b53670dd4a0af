//! What the toolchain was made of, for whoever wants to build the same bytes again.

use std::fs;

use camino::Utf8Path;
use firstlayer_bundle::Sha256;
use serde::{Deserialize, Serialize};

use super::store;
use crate::error::{Error, Result};

const FILE: &str = "component.json";

/// One part of the toolchain, and the packages that it came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Component {
    /// "rust", "ziglang", …
    pub name: String,
    /// In the order of their names.
    pub packages: Vec<Package>,
}

/// One package as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Package {
    /// As its distributor names it.
    pub name: String,
    /// As its distributor writes it.
    pub version: String,
    /// Of the file that was fetched; absent where another program keeps it (rustup).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
}

impl Component {
    /// The package that gives the component its worth: the compiler among its libraries.
    pub fn principal(&self) -> Option<&Package> {
        let compiler = self
            .packages
            .iter()
            .find(|package| package.name.starts_with("rustc"));
        compiler.or(self.packages.first())
    }

    /// The version of one of the packages.
    pub(crate) fn version(&self, package: &str) -> Option<&str> {
        self.packages
            .iter()
            .find(|candidate| candidate.name == package)
            .map(|package| package.version.as_str())
    }

    /// Writes it into the component's own folder.
    pub(crate) fn save(&self, folder: &Utf8Path) -> Result<()> {
        store::write(&folder.join(FILE), &json(self, folder)?)
    }

    /// Reads it from the component's folder.
    pub(crate) fn load(folder: &Utf8Path) -> Result<Self> {
        let file = folder.join(FILE);
        let bytes = fs::read(&file).map_err(Error::file("read", &file))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Config {
            problem: format!("{error}; remove {folder} to have it fetched again"),
            file,
        })
    }
}

/// Writes all that a build used to `file`.
pub(crate) fn save_all(components: &[Component], file: &Utf8Path) -> Result<()> {
    store::write(file, &json(components, file)?)
}

fn json<T: Serialize + ?Sized>(value: &T, path: &Utf8Path) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|error| Error::file("write", path)(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn component_comes_back_as_it_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let package = Package {
            name: "zig".into(),
            version: "1".into(),
            sha256: Some(Sha256::of(b"zig")),
        };
        let component = Component {
            name: "zig".into(),
            packages: vec![package],
        };
        component.save(folder).unwrap();
        assert_eq!(Component::load(folder).unwrap(), component);
        assert_eq!(component.version("zig"), Some("1"));
    }

    #[test]
    fn principal_package_is_the_compiler_among_its_libraries() {
        let package = |name: &str| Package {
            name: name.into(),
            version: "1".into(),
            sha256: None,
        };
        let packages = vec![package("libz"), package("rustc-web"), package("zlib1g")];
        let component = Component {
            name: "debian-rust".into(),
            packages,
        };
        assert_eq!(component.principal().unwrap().name, "rustc-web");
    }

    #[test]
    fn broken_record_says_how_to_mend_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        fs::write(folder.join(FILE), "{").unwrap();
        let error = Component::load(folder).unwrap_err().to_string();
        assert!(error.contains("to have it fetched again"), "{error}");
    }
}
