//! Where keys are looked for: first in the environment, then in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use firstlayer_metadata::{PublicKey, Sign};

use crate::signer::public_key;
use crate::{Error, KeyName, Passphrase, Result, Signer, pem};

/// The variable that holds the passphrase of every key.
const PASSPHRASE_VARIABLE: &str = "FIRSTLAYER_PASSPHRASE";

/// No key file is larger; a larger file is no key.
const FILE_LIMIT: u64 = 64 * 1024;

/// Keys in environment variables: `FIRSTLAYER_KEY_<NAME>` holds the PEM text of an encrypted key.
#[derive(Default)]
pub struct KeyEnvironment(BTreeMap<String, Passphrase>);

impl KeyEnvironment {
    /// What this process was given.
    pub fn from_process() -> Self {
        Self::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Takes those variables that name a key or the passphrase, and no other.
    pub fn new(variables: impl Iterator<Item = (String, String)>) -> Self {
        let ours = |name: &str| name.starts_with("FIRSTLAYER_KEY_") || name == PASSPHRASE_VARIABLE;
        Self(
            variables
                .filter(|(name, _)| ours(name))
                .map(|(name, value)| (name, Passphrase::new(value)))
                .collect(),
        )
    }

    /// The passphrase, if one was given.
    pub fn passphrase(&self) -> Option<Passphrase> {
        self.0.get(PASSPHRASE_VARIABLE).cloned()
    }

    fn pem(&self, name: &KeyName) -> Option<&Passphrase> {
        self.0.get(&name.variable())
    }
}

/// A folder with `<name>.pem`, the encrypted private half, and `<name>.pub.pem`, the public one.
#[derive(Debug, Clone)]
pub struct KeyDirectory(PathBuf);

impl KeyDirectory {
    /// Names the folder; nothing is read yet, and it need not be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the encrypted private half is.
    pub fn private_path(&self, name: &KeyName) -> PathBuf {
        self.0.join(format!("{name}.pem"))
    }

    /// Where the public half is.
    pub fn public_path(&self, name: &KeyName) -> PathBuf {
        self.0.join(format!("{name}.pub.pem"))
    }

    fn private(&self, name: &KeyName) -> Result<Option<Passphrase>> {
        let path = self.private_path(name);
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        let metadata = fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        let mode = metadata.permissions().mode() & 0o777;
        match mode & 0o077 {
            0 => Ok(Some(Passphrase::new(text))),
            _ => Err(Error::Exposed { path, mode }),
        }
    }

    fn public(&self, name: &KeyName) -> Result<Option<PublicKey>> {
        let Some(text) = read(&self.public_path(name))? else {
            return Ok(None);
        };
        public_key(name, &pem::decode_public(name, &text)?).map(Some)
    }
}

/// Both places together, with the passphrase for what is found there.
pub struct KeySource {
    environment: KeyEnvironment,
    directory: KeyDirectory,
    passphrase: Option<Passphrase>,
}

impl KeySource {
    /// The environment's passphrase wins over `fallback`, which is there for development keys.
    pub fn new(
        environment: KeyEnvironment,
        directory: KeyDirectory,
        fallback: Option<Passphrase>,
    ) -> Self {
        let passphrase = environment.passphrase().or(fallback);
        Self {
            environment,
            directory,
            passphrase,
        }
    }

    /// The folder.
    pub fn directory(&self) -> &KeyDirectory {
        &self.directory
    }

    /// Whether a private key of that name is there, without unlocking it.
    pub fn has_private(&self, name: &KeyName) -> bool {
        self.environment.pem(name).is_some() || self.directory.private_path(name).is_file()
    }

    /// The public half: from its own file, or else from the private one.
    ///
    /// # Errors
    /// [`Error::Missing`] when neither is there, or whatever is wrong with what is.
    pub fn public_key(&self, name: &KeyName) -> Result<PublicKey> {
        match self.directory.public(name)? {
            Some(public) => Ok(public),
            None => self.signer(name).map(|signer| signer.public_key().clone()),
        }
    }

    /// Unlocks a private key; takes about a third of a second, by design.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Exposed`], [`Error::NoPassphrase`], [`Error::Locked`], or [`Error::Mismatch`]
    /// when the public half beside it is another key's.
    pub fn signer(&self, name: &KeyName) -> Result<Signer> {
        let stored = match self.environment.pem(name) {
            Some(pem) => Some(pem.clone()),
            None => self.directory.private(name)?,
        };
        let stored = stored.ok_or_else(|| self.missing(name))?;
        let passphrase = self
            .passphrase
            .as_ref()
            .ok_or_else(|| Error::NoPassphrase { name: name.clone() })?;
        let signer = Signer::new(
            name.clone(),
            pem::decrypt(name, stored.as_str(), passphrase)?,
        )?;
        match self.directory.public(name)? {
            Some(public) if public != *signer.public_key() => {
                Err(Error::Mismatch { name: name.clone() })
            }
            _ => Ok(signer),
        }
    }

    fn missing(&self, name: &KeyName) -> Error {
        Error::Missing {
            name: name.clone(),
            variable: name.variable(),
            path: self.directory.private_path(name),
        }
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    use io::Read;
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unreadable(path, source)),
    };
    let mut text = String::new();
    file.take(FILE_LIMIT)
        .read_to_string(&mut text)
        .map_err(|source| unreadable(path, source))?;
    Ok(Some(text))
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        attempt: "read",
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use ed25519_dalek::SigningKey;

    fn name() -> KeyName {
        "stable-1".parse().unwrap()
    }

    fn locked(seed: u8) -> String {
        let key = SigningKey::from_bytes(&[seed; 32]);
        pem::encrypt(&name(), &key, &Passphrase::new("secret".into()))
            .unwrap()
            .as_str()
            .to_owned()
    }

    fn public(seed: u8) -> String {
        pem::encode_public(
            &name(),
            &SigningKey::from_bytes(&[seed; 32]).verifying_key(),
        )
        .unwrap()
    }

    fn environment(variables: &[(&str, &str)]) -> KeyEnvironment {
        KeyEnvironment::new(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    fn store(folder: &Path, file: &str, text: &str, mode: u32) {
        let path = folder.join(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_environment_wins_over_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path(), "stable-1.pem", &locked(1), 0o600);
        let variables = [
            ("FIRSTLAYER_KEY_STABLE_1", locked(2)),
            ("FIRSTLAYER_PASSPHRASE", "secret".to_owned()),
        ];
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let source = KeySource::new(
            environment(&variables),
            KeyDirectory::new(folder.path()),
            None,
        );
        let expected =
            public_key(&name(), &SigningKey::from_bytes(&[2; 32]).verifying_key()).unwrap();
        assert_eq!(source.public_key(&name()).unwrap(), expected);
    }

    #[test]
    fn a_missing_key_names_the_variable_and_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let source = KeySource::new(environment(&[]), KeyDirectory::new(folder.path()), None);
        assert!(!source.has_private(&name()));
        let error = source.signer(&name()).unwrap_err().to_string();
        assert!(
            error.contains("FIRSTLAYER_KEY_STABLE_1") && error.contains("stable-1.pem"),
            "{error}"
        );
    }

    #[test]
    fn a_private_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path(), "stable-1.pem", &locked(1), 0o640);
        let source = KeySource::new(
            environment(&[("FIRSTLAYER_PASSPHRASE", "secret")]),
            KeyDirectory::new(folder.path()),
            None,
        );
        let error = source.signer(&name()).unwrap_err();
        assert!(
            matches!(error, Error::Exposed { mode: 0o640, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn a_public_half_that_was_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path(), "stable-1.pem", &locked(1), 0o600);
        store(folder.path(), "stable-1.pub.pem", &public(2), 0o644);
        let source = KeySource::new(
            environment(&[("FIRSTLAYER_PASSPHRASE", "secret")]),
            KeyDirectory::new(folder.path()),
            None,
        );
        assert!(matches!(
            source.signer(&name()).unwrap_err(),
            Error::Mismatch { .. }
        ));
    }

    #[test]
    fn a_key_without_a_passphrase_says_which_variable_to_set() {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path(), "stable-1.pem", &locked(1), 0o600);
        let source = KeySource::new(environment(&[]), KeyDirectory::new(folder.path()), None);
        let error = source.signer(&name()).unwrap_err().to_string();
        assert!(error.contains("FIRSTLAYER_PASSPHRASE"), "{error}");
    }
}
