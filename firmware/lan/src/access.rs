//! Who may log in: one user, one access code, and a limited number of wrong ones.
//!
//! It never keeps the code itself, never compares in a time that tells how much was right, and never lets one
//! address use up what another one needs. Clocks are its caller's.

mod attempts;
mod code;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

pub use code::{AccessCode, CodeError};

use crate::limits;
use attempts::Attempted;

/// The only user, as every existing client has it.
pub const USER: &str = "bblp";

/// Checks logins against the current access code. Clones share one state.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

/// Proof of a login that was right when it was made.
#[derive(Debug)]
pub struct Session {
    generation: u64,
    current: watch::Receiver<u64>,
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The user or the code is wrong.
    #[error("wrong user or access code")]
    WrongCredentials,
    /// Too many wrong ones came before; nothing was compared.
    #[error("too many wrong access codes; wait a minute")]
    TooManyAttempts,
}

/// A digest of user and password: of one length, so that comparing tells nothing of either.
type Fingerprint = [u8; 32];

struct Inner {
    state: Mutex<State>,
    /// Counts the codes; every session holds the number under which it logged in.
    generation: watch::Sender<u64>,
}

struct State {
    expected: Fingerprint,
    attempted: Attempted,
}

impl Access {
    /// Logins with this code.
    pub fn new(code: &AccessCode) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                expected: fingerprint(USER.as_bytes(), code.expose().as_bytes()),
                attempted: Attempted::default(),
            }),
            generation: watch::Sender::new(0),
        }))
    }

    /// Takes another code, and ends every session that logged in with the one before.
    pub fn change(&self, code: &AccessCode) {
        let mut state = self.0.state();
        state.expected = fingerprint(USER.as_bytes(), code.expose().as_bytes());
        state.attempted.forget_what_was_known();
        // Under the lock: a login sees the old code with the old number, or the new ones of both.
        self.0.generation.send_modify(|generation| *generation += 1);
    }

    /// Whether someone from this very address has logged in with the current code.
    pub fn knows(&self, from: IpAddr) -> bool {
        self.0.state().attempted.is_known(from.to_canonical())
    }

    /// Checks one login that came from this address.
    pub fn log_in(
        &self,
        user: &str,
        password: &[u8],
        from: IpAddr,
        now: Instant,
    ) -> Result<Session, Denied> {
        if user.len() > limits::PASSWORD_BYTES || password.len() > limits::PASSWORD_BYTES {
            return Err(Denied::WrongCredentials);
        }
        // A socket for both families shows IPv4 addresses in another form.
        let from = from.to_canonical();
        let given = fingerprint(user.as_bytes(), password);
        let mut state = self.0.state();
        if state.attempted.is_repeated(from, &given) {
            return Err(Denied::WrongCredentials);
        }
        if !state.attempted.may_try(from, now) {
            return Err(Denied::TooManyAttempts);
        }
        if !bool::from(given.ct_eq(&state.expected)) {
            state.attempted.failed(from, given, now);
            // Here and nowhere else: what is not counted could fill the log.
            tracing::info!(%from, "a login with a wrong user or access code");
            return Err(Denied::WrongCredentials);
        }
        state.attempted.succeeded(from, now);
        let current = self.0.generation.subscribe();
        let generation = *current.borrow();
        Ok(Session {
            generation,
            current,
        })
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Session {
    /// Resolves when the code has been changed, or when nothing is left that could change it.
    pub async fn revoked(&mut self) {
        let generation = self.generation;
        // An error says that `Access` is gone: nobody vouches for the session any more.
        let _ = self
            .current
            .wait_for(|current| *current != generation)
            .await;
    }

    /// Whether the code is still the one that this session logged in with.
    pub fn is_valid(&self) -> bool {
        *self.current.borrow() == self.generation && self.current.has_changed().is_ok()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fingerprint(user: &[u8], password: &[u8]) -> Fingerprint {
    let mut digest = Sha256::new();
    // Without the length, a user's last bytes and a password's first ones could be taken for each other.
    digest.update((user.len() as u64).to_be_bytes());
    digest.update(user);
    digest.update(password);
    digest.finalize().into()
}
