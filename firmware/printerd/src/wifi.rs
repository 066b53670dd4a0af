//! Wi-Fi: a checked file becomes the configuration of the system's supplicant.
//!
//! ```toml
//! ssid = "Workshop"
//! security = "wpa2+wpa3"        # or "wpa2", or "wpa3"
//! passphrase = "correct horse"  # 8 to 63 printable ASCII characters; for wpa2 alone, 64 hexadecimal digits too
//! hidden = false                # may be left out
//! country = "DE"                # may be left out; the radio then keeps to what is allowed everywhere
//! ```
//!
//! It must never configure a network that is open, or protected by WEP or WPA1, and never show a passphrase: neither
//! in `Debug`, nor in an error, where TOML's own would repeat the line that it could not read.

use std::fmt;

use toml::{Table, Value};
use zeroize::Zeroizing;

mod supplicant;

/// IEEE 802.11: the bytes of a network's name.
const LONGEST_SSID: usize = 32;
/// IEEE 802.11, annex J: a passphrase shorter than 8 is guessed from one recorded handshake in no time.
const PASSPHRASE: std::ops::RangeInclusive<usize> = 8..=63;
/// A ready-made WPA2 key: 256 bits.
const KEY_DIGITS: usize = 64;
/// A file longer than this is no configuration of one network; it must not be read into memory.
pub const LONGEST_FILE: u64 = 4096;

const KEYS: &[&str] = &["ssid", "security", "passphrase", "hidden", "country"];

/// A network that may be joined: named, with a passphrase, and protected by WPA2 or better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    ssid: Ssid,
    security: Security,
    hidden: bool,
    country: Option<Country>,
}

/// A network's name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ssid(String);

/// Two letters of ISO 3166, which say what a radio may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Country([u8; 2]);

/// How the network is protected: with the secret of its kind, so that SAE never meets a ready-made key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Security {
    Wpa2(Wpa2Secret),
    Wpa3(Passphrase),
    /// A network in transition; a supplicant that can do SAE prefers it.
    Both(Passphrase),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wpa2Secret {
    Passphrase(Passphrase),
    Key(Key),
}

/// 8 to 63 printable ASCII characters.
#[derive(Clone, PartialEq, Eq)]
struct Passphrase(Zeroizing<String>);

/// 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
struct Key(Zeroizing<String>);

impl fmt::Debug for Passphrase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Passphrase(…)")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

/// A configuration that is not used: whoever wrote it has to act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WifiError {
    /// It is not TOML. The line is not repeated: it may hold the passphrase.
    #[error("line {line} of the Wi-Fi configuration is not TOML")]
    Form {
        /// Where, from 1.
        line: usize,
    },
    /// A key that is not known.
    #[error(
        "the Wi-Fi configuration has the unknown key {key:?}; ssid, security, passphrase, hidden and country are accepted"
    )]
    UnknownKey {
        /// Which.
        key: String,
    },
    /// A key that has to be there.
    #[error("{key} is missing from the Wi-Fi configuration")]
    Missing {
        /// Which.
        key: &'static str,
    },
    /// A value that cannot be.
    #[error("{key} in the Wi-Fi configuration is refused: {accepted}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A protection that protects nothing.
    #[error(
        "the Wi-Fi security {named} is refused: {reason}; wpa2, wpa3 and wpa2+wpa3 are accepted"
    )]
    Weak {
        /// Its name.
        named: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl Network {
    /// Reads and checks the configuration of one network.
    pub fn parse(text: &str) -> Result<Self, WifiError> {
        let mut table = text.parse::<Table>().map_err(|error| WifiError::Form {
            line: line(text, error.span().map_or(0, |span| span.start)),
        })?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(WifiError::UnknownKey { key: key.clone() });
        }
        let ssid = Ssid::check(string(&mut table, "ssid")?)?;
        let security = string(&mut table, "security")?.ok_or(missing("security"))?;
        let secret = string(&mut table, "passphrase")?.map(Zeroizing::new);
        Ok(Self {
            ssid,
            security: Security::check(&security, secret)?,
            hidden: boolean(&mut table, "hidden")?,
            country: string(&mut table, "country")?
                .map(|text| Country::check(&text))
                .transpose()?,
        })
    }

    /// The network's name.
    pub fn ssid(&self) -> &str {
        &self.ssid.0
    }
}

impl Ssid {
    fn check(text: Option<String>) -> Result<Self, WifiError> {
        let text = text.ok_or(missing("ssid"))?;
        if text.is_empty() || text.len() > LONGEST_SSID {
            return Err(refused("ssid", "1 to 32 bytes are accepted"));
        }
        Ok(Self(text))
    }
}

impl Country {
    fn check(text: &str) -> Result<Self, WifiError> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(refused("country", "two capital letters are accepted")),
        }
    }
}

impl Security {
    fn check(name: &str, secret: Option<Zeroizing<String>>) -> Result<Self, WifiError> {
        let name = name.to_ascii_lowercase();
        if let Some((named, reason)) = weakness(&name) {
            return Err(WifiError::Weak { named, reason });
        }
        let secret = || secret.ok_or(missing("passphrase"));
        match name.as_str() {
            "wpa2" => Wpa2Secret::check(secret()?).map(Self::Wpa2),
            "wpa3" => Passphrase::check(secret()?).map(Self::Wpa3),
            "wpa2+wpa3" | "wpa3+wpa2" => Passphrase::check(secret()?).map(Self::Both),
            _ => Err(refused("security", "wpa2, wpa3 and wpa2+wpa3 are accepted")),
        }
    }
}

/// Why a protection that is known is not used.
fn weakness(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "" | "open" | "none" => Some(("open", "everyone nearby reads and changes what is sent")),
        "owe" => Some((
            "owe",
            "it encrypts, but for whoever claims to be the network",
        )),
        "wep" => Some(("wep", "its key is found within minutes of listening")),
        "wpa" | "wpa1" | "wpa+wpa2" | "wpa1+wpa2" => {
            Some(("wpa1", "its cipher, TKIP, is broken and withdrawn"))
        }
        _ => None,
    }
}

impl Wpa2Secret {
    fn check(secret: Zeroizing<String>) -> Result<Self, WifiError> {
        if secret.len() != KEY_DIGITS {
            return Passphrase::check(secret).map(Self::Passphrase);
        }
        if !secret.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refused(
                "passphrase",
                "8 to 63 characters, or a key of 64 hexadecimal digits, are accepted",
            ));
        }
        Ok(Self::Key(Key(secret)))
    }
}

impl Passphrase {
    fn check(secret: Zeroizing<String>) -> Result<Self, WifiError> {
        let wrong = |accepted| Err(refused("passphrase", accepted));
        if secret.len() == KEY_DIGITS {
            return wrong("a key of 64 digits is for wpa2 alone; wpa3 needs 8 to 63 characters");
        }
        if !PASSPHRASE.contains(&secret.len()) {
            return wrong("8 to 63 characters are accepted");
        }
        if !secret.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return wrong("printable ASCII characters are accepted");
        }
        Ok(Self(secret))
    }
}

fn string(table: &mut Table, key: &'static str) -> Result<Option<String>, WifiError> {
    match table.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(refused(key, "a text between quotation marks is accepted")),
    }
}

fn boolean(table: &mut Table, key: &'static str) -> Result<bool, WifiError> {
    match table.remove(key) {
        None => Ok(false),
        Some(Value::Boolean(value)) => Ok(value),
        Some(_) => Err(refused(key, "true and false are accepted")),
    }
}

fn missing(key: &'static str) -> WifiError {
    WifiError::Missing { key }
}

fn refused(key: &'static str, accepted: &'static str) -> WifiError {
    WifiError::Value { key, accepted }
}

fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
