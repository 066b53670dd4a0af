//! What goes wrong outside the release's own rules: files, child processes, things that are not there.
//! Every message says what was attempted, on what, why it failed, and what to do next where that is known.

use camino::Utf8PathBuf;

/// Shorthand for the library's own results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine refused something about a file or folder.
    #[error("cannot {attempt} {path}")]
    File {
        /// "read", "rename to", …
        attempt: &'static str,
        /// What it was tried on.
        path: Utf8PathBuf,
        /// What the machine said.
        #[source]
        source: std::io::Error,
    },
    /// A program could not be started, or not be waited for.
    #[error("cannot run {program}")]
    Program {
        /// As it was called.
        program: String,
        /// What the machine said.
        #[source]
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("{attempt} failed: {program} {outcome}{}", quoted(.said, .next))]
    Failed {
        /// What it was run for: "fetch ziglang 0.17.1".
        attempt: String,
        /// The program's name.
        program: String,
        /// "exited with 1", "ran longer than 60 s and was stopped".
        outcome: String,
        /// The end of what it said on stderr.
        said: String,
        /// What the user can do about it, or nothing.
        next: &'static str,
    },
    /// A file of the checkout breaks its rules; whoever wrote it is at fault.
    #[error("{file}: {problem}")]
    Config {
        /// The file.
        file: Utf8PathBuf,
        /// The key, what is wrong with it, and what would be accepted.
        problem: String,
    },
    /// Something that nobody can get for the user.
    #[error("there is no {what}; {next}")]
    Missing {
        /// What is missing.
        what: String,
        /// What the user can do about it.
        next: String,
    },
}

impl Error {
    /// Turns an IO error into one that names the file.
    pub(crate) fn file(
        attempt: &'static str,
        path: impl Into<Utf8PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            attempt,
            path,
            source,
        }
    }
}

fn quoted(said: &str, next: &str) -> String {
    let mut text = String::new();
    if !said.is_empty() {
        text.push_str("; it said:");
        said.lines().for_each(|line| text.extend(["\n    ", line]));
    }
    if !next.is_empty() {
        text.extend(["\n  ", next]);
    }
    text
}
