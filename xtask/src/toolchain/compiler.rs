//! A Rust compiler with a standard library for the boards' targets: what both providers make, and all that the build
//! knows of them.

use camino::Utf8PathBuf;

use super::Provider;
use super::record::Component;

/// A compiler and how to call it.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    pub(crate) provider: Provider,
    pub(crate) cargo: Utf8PathBuf,
    pub(crate) rustc: Utf8PathBuf,
    /// Where the standard library's source lies, or would.
    pub(crate) source: Utf8PathBuf,
    /// What its programs need in their environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// What cargo needs to be told.
    pub(crate) arguments: &'static [&'static str],
    /// What rustc needs to be told.
    pub(crate) flags: &'static [&'static str],
    pub(crate) component: Component,
}
