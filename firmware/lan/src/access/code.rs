//! The access code: a secret that shows itself only where it is asked to.

use std::fmt;

use zeroize::Zeroizing;

/// What the owner types into a client. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct AccessCode(Zeroizing<String>);

/// Why there is no such code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Too short to resist guessing, too long for some clients, or unfit for typing.
    #[error("an access code has {SHORTEST} to {LONGEST} ASCII letters or digits")]
    Unfit,
    /// The system gave no random bytes.
    #[error("the system's random source failed")]
    Random(#[source] getrandom::Error),
}

const SHORTEST: usize = 8;
const LONGEST: usize = 32;

/// Letters and digits without `0`, `1`, `l` and `o`, which people mistake for each other.
const SYMBOLS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

impl AccessCode {
    /// Eight symbols (40 bits) from the system's random source.
    pub fn random() -> Result<Self, CodeError> {
        let mut bytes = Zeroizing::new([0; SHORTEST]);
        getrandom::fill(bytes.as_mut_slice()).map_err(CodeError::Random)?;
        // 32 divides 256: every symbol is as likely as every other one.
        let symbols = bytes
            .iter()
            .filter_map(|byte| SYMBOLS.get(usize::from(byte % 32)))
            .map(|symbol| char::from(*symbol));
        Ok(Self(Zeroizing::new(symbols.collect())))
    }

    /// A code that the owner chose, or that was kept.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let fits = (SHORTEST..=LONGEST).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(CodeError::Unfit);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The code itself, for the owner's eyes and for its file.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessCode(redacted)")
    }
}

impl fmt::Display for AccessCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(redacted)")
    }
}
