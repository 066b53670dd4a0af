//! What the service keeps between starts: whether LAN mode is on, the access code, and the printer's identity.
//!
//! The secrets lie in a folder that only the printer's own user can enter. Every change is on the disk before it
//! takes effect.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use firstlayer_agent::{read_at_most, write_atomically};
use firstlayer_lan::{Identity, access::AccessCode, discovery::own_address};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Each of the files is a few kilobytes at most.
const LONGEST: u64 = 64 << 10;

/// The settings, and where they are kept.
#[derive(Debug)]
pub struct Settings {
    folder: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u8,
    lan_mode: bool,
}

impl Settings {
    /// The settings in this state folder; the factory's where none are kept.
    pub fn open(state: &Path) -> anyhow::Result<Self> {
        let folder = state.to_owned();
        let secrets = secrets(&folder);
        private_folder(&secrets).with_context(|| format!("making {}", secrets.display()))?;
        let path = folder.join("service.json");
        let kept = match read(&path)? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("reading {}", path.display()))?,
            None => Kept {
                format: 1,
                lan_mode: false,
            },
        };
        Ok(Self {
            folder,
            kept: Mutex::new(kept),
        })
    }

    /// Whether LAN mode is to be on.
    pub fn lan_mode(&self) -> bool {
        self.kept().lan_mode
    }

    /// Keeps whether LAN mode is to be on.
    pub fn set_lan_mode(&self, on: bool) -> anyhow::Result<()> {
        let mut kept = self.kept();
        let next = Kept {
            lan_mode: on,
            ..kept.clone()
        };
        let bytes = serde_json::to_vec(&next).context("writing the settings")?;
        write(&self.folder.join("service.json"), &bytes)?;
        *kept = next;
        Ok(())
    }

    /// The access code; a new one where none is kept yet.
    pub fn access_code(&self) -> anyhow::Result<AccessCode> {
        let path = self.access_code_path();
        match read(&path)? {
            None => self.new_access_code(),
            Some(bytes) => {
                let text = std::str::from_utf8(&bytes).context("reading the access code")?;
                AccessCode::parse(text.trim_end())
                    .with_context(|| format!("reading {}", path.display()))
            }
        }
    }

    /// A new access code, kept in the old one's place.
    pub fn new_access_code(&self) -> anyhow::Result<AccessCode> {
        let code = AccessCode::random().context("making an access code")?;
        write(&self.access_code_path(), code.expose().as_bytes())?;
        Ok(code)
    }

    /// The printer's identity: made where there is none, or where the printer got another serial number, and renewed
    /// in its last year.
    pub fn identity(&self, serial: &str, now: Timestamp) -> anyhow::Result<Identity> {
        let path = secrets(&self.folder).join("identity.json");
        let kept = read(&path)?
            .map(|bytes| Identity::parse(&bytes))
            .transpose();
        let kept = kept.with_context(|| format!("reading {}", path.display()))?;
        let identity = match kept.filter(|identity| identity.serial() == serial) {
            Some(identity) if !identity.is_due(now) => return Ok(identity),
            Some(mut due) => {
                due.renew(&own_addresses(), now)?;
                due
            }
            None => Identity::create(serial, &own_addresses(), now)?,
        };
        self.keep(&identity)?;
        Ok(identity)
    }

    /// A new certificate by the same authority.
    pub fn renew(&self, identity: &mut Identity, now: Timestamp) -> anyhow::Result<()> {
        identity.renew(&own_addresses(), now)?;
        self.keep(identity)
    }

    /// Where the console's socket is.
    pub fn console(state: &Path) -> PathBuf {
        secrets(state).join("console.sock")
    }

    /// Where the Wi-Fi supplicant's configuration is.
    pub fn supplicant(state: &Path) -> anyhow::Result<PathBuf> {
        let secrets = secrets(state);
        private_folder(&secrets).with_context(|| format!("making {}", secrets.display()))?;
        Ok(secrets.join("wpa_supplicant.conf"))
    }

    fn keep(&self, identity: &Identity) -> anyhow::Result<()> {
        write(
            &secrets(&self.folder).join("identity.json"),
            &identity.to_bytes(),
        )
    }

    fn access_code_path(&self) -> PathBuf {
        secrets(&self.folder).join("access-code")
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn secrets(state: &Path) -> PathBuf {
    state.join("secrets")
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    // It may have been made by somebody less careful.
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    read_at_most(path, LONGEST).with_context(|| format!("reading {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_atomically(path, bytes).with_context(|| format!("writing {}", path.display()))
}

/// The address by which others reach this printer, for clients that verify an address instead of the serial number.
fn own_addresses() -> Vec<IpAddr> {
    // Any address that is not on the local network: this one is RFC 5737's.
    let abroad = ([192, 0, 2, 1], 9).into();
    own_address(abroad).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_after_a_restart() {
        let state = tempfile::tempdir().unwrap();
        let settings = Settings::open(state.path()).unwrap();
        assert!(!settings.lan_mode());
        settings.set_lan_mode(true).unwrap();
        let code = settings.access_code().unwrap();
        let identity = settings.identity("S1", Timestamp::UNIX_EPOCH).unwrap();
        let again = Settings::open(state.path()).unwrap();
        assert!(again.lan_mode());
        assert_eq!(again.access_code().unwrap().expose(), code.expose());
        let same = again.identity("S1", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(same.fingerprint().unwrap(), identity.fingerprint().unwrap());
        let other = again.identity("S2", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(other.serial(), "S2");
    }

    #[test]
    fn a_certificate_in_its_last_year_is_renewed_by_the_same_authority() {
        let state = tempfile::tempdir().unwrap();
        let settings = Settings::open(state.path()).unwrap();
        let old = settings
            .identity("S1", "2026-01-01T00:00:00Z".parse().unwrap())
            .unwrap();
        let new = settings
            .identity("S1", "2035-06-01T00:00:00Z".parse().unwrap())
            .unwrap();
        assert_ne!(old.fingerprint().unwrap(), new.fingerprint().unwrap());
        assert_eq!(old.authority_pem(), new.authority_pem());
    }

    #[test]
    fn nobody_else_enters_the_secrets() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("secrets")).unwrap();
        Settings::open(state.path()).unwrap();
        let mode = fs::metadata(state.path().join("secrets"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn damaged_settings_are_refused_and_kept() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("service.json"), "{").unwrap();
        let error = format!("{:#}", Settings::open(state.path()).unwrap_err());
        assert!(error.contains("service.json"), "{error}");
        assert_eq!(fs::read(state.path().join("service.json")).unwrap(), b"{");
    }
}
