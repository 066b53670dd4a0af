//! Throwaway keys, so that a fresh clone can release without any ceremony.
//!
//! Their names begin with `development`, the name is part of the key's id, and production refuses every such
//! name: they cannot be mistaken for real ones. They are stored as real ones are, under a passphrase that everyone
//! knows, so that the same code reads both.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::{Error, KeyDirectory, KeyName, LockedKeys, Passphrase, Result, RolesConfig, pem};

/// The passphrase of throwaway keys: no secret.
pub const DEVELOPMENT_PASSPHRASE: &str = "development";

/// Makes those keys of `roles` that the folder lacks; each name must begin with [`firstlayer_metadata::DEVELOPMENT`].
///
/// `made` hears of each key that was made. A key that is there is never replaced; the lock keeps it so while another
/// process is at it too.
///
/// # Errors
/// [`Error::KeyName`] for a name without the prefix, [`Error::File`] when the folder cannot be written.
pub fn generate_development_keys(
    roles: &RolesConfig,
    folder: &LockedKeys,
    mut made: impl FnMut(&KeyName),
) -> Result<()> {
    let names = roles.roles().flat_map(|(_, role)| &role.keys);
    for name in names {
        if !name.is_development() {
            return Err(Error::KeyName {
                name: name.to_string(),
            });
        }
        if generate(name, folder.directory())? {
            made(name);
        }
    }
    Ok(())
}

/// The public half goes first: a private key on disk always has its public half beside it.
fn generate(name: &KeyName, directory: &KeyDirectory) -> Result<bool> {
    if directory.private_path(name).exists() {
        return Ok(false);
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|_| Error::Random)?;
    let key = SigningKey::from_bytes(&seed);
    let private = pem::encrypt(
        name,
        &key,
        &Passphrase::new(DEVELOPMENT_PASSPHRASE.to_owned()),
    )?;
    let public = pem::encode_public(name, &key.verifying_key())?;
    store(&directory.public_path(name), public.as_bytes(), 0o644)?;
    store(&directory.private_path(name), private.as_bytes(), 0o600)?;
    Ok(true)
}

/// Writes beside the target and renames, so that no half key is ever found; when it returns, the key survives a power
/// cut, for what it signs may be published the next moment.
fn store(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let beside = path.with_extension("temporary");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| written(path, source))
}

fn written(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        attempt: "written",
        source,
    }
}
