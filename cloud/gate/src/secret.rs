//! Secrets: where they come from, and that nothing shows them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Fewer bytes than this can be guessed.
const SHORTEST: usize = 16;

/// Where a secret is: a file, or a variable of the environment. Never the configuration itself, which people mail around.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Place {
    /// A file that holds it, and perhaps a line break after it.
    File(PathBuf),
    /// The variable's name.
    Env(String),
}

/// A secret, wiped when it is dropped and shown nowhere.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Place {
    /// Reads the secret.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the place; it holds nothing of the secret.
    pub fn read(&self, folder: &Path) -> Result<Secret, String> {
        let text = match self {
            Self::File(path) => {
                let path = folder.join(path);
                fs::read_to_string(&path)
                    .map_err(|error| format!("the file {} cannot be read: {error}", path.display()))
            }
            Self::Env(name) => std::env::var(name)
                .map_err(|_| format!("the environment has no variable {name} of plain text")),
        };
        let text = Zeroizing::new(text?);
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err("the secret is empty".to_owned());
        }
        Ok(Secret::new(secret))
    }

    /// The same for a secret that whoever reaches the gate may try to guess.
    ///
    /// # Errors
    /// The same, and that it is too short.
    pub fn read_unguessable(&self, folder: &Path) -> Result<Secret, String> {
        let secret = self.read(folder)?;
        if secret.expose().len() < SHORTEST {
            return Err(format!("the secret has fewer than {SHORTEST} bytes"));
        }
        Ok(secret)
    }
}

impl Secret {
    /// This text as a secret.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text, for whoever has to send it where it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is this text, in a time that tells nothing about it.
    pub fn is(&self, text: &str) -> bool {
        let (own, other) = (
            Sha256::digest(self.0.as_bytes()),
            Sha256::digest(text.as_bytes()),
        );
        own.as_slice().ct_eq(other.as_slice()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_and_never_shown() {
        let secret = Secret::new("0123456789abcdef");
        assert!(secret.is("0123456789abcdef") && !secret.is("0123456789abcdeF"));
        assert!(!format!("{secret:?}").contains("0123"));
    }

    #[test]
    fn a_file_holds_a_secret_with_or_without_a_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File("token".into());
        for text in ["0123456789abcdef", "0123456789abcdef\r\n"] {
            fs::write(folder.path().join("token"), text).unwrap();
            let secret = place.read_unguessable(folder.path()).unwrap();
            assert_eq!(secret.expose(), "0123456789abcdef");
        }
        for (text, told) in [("\n", "empty"), ("short", "fewer than")] {
            fs::write(folder.path().join("token"), text).unwrap();
            let error = place.read_unguessable(folder.path()).unwrap_err();
            assert!(error.contains(told) && !error.contains("short"), "{error}");
        }
    }
}
