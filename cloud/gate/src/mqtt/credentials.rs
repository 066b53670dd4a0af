//! Short-lived passwords that every gate with the same secret can check, and that are kept nowhere: the time until which
//! they hold, and a MAC over it and the serial number.

use std::time::Duration;

use firstlayer_census::Serial;
use jiff::Timestamp;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What begins every password of ours, so that others can be left to the broker's other means.
const MARK: &str = "fl1";
/// What the MAC is over begins so: one over anything else is no password.
const PURPOSE: &str = "firstlayer-mqtt-v1";

/// What a printer logs in to the broker with.
#[derive(Debug)]
pub struct Credentials {
    /// User name and client identifier: the serial number.
    pub serial: Serial,
    /// The password.
    pub password: Secret,
    /// Until when it holds.
    pub until: Timestamp,
}

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It is none of the gate's: somebody else may know it.
    NotOurs,
    /// It is forged, another printer's, or has expired.
    Refused,
}

/// Makes credentials and checks them.
#[derive(Debug)]
pub struct Issuer {
    key: Key,
    lifetime: Duration,
}

impl Issuer {
    /// Credentials under this secret, each good for so long.
    pub fn new(secret: &Secret, lifetime: Duration) -> Self {
        Self {
            key: Key::new(HMAC_SHA256, secret.expose().as_bytes()),
            lifetime,
        }
    }

    /// New credentials for a printer.
    pub fn issue(&self, serial: &Serial, now: Timestamp) -> Credentials {
        let seconds = i64::try_from(self.lifetime.as_secs()).unwrap_or(0);
        let until = now.as_second().saturating_add(seconds);
        let mac = sign(&self.key, message(serial, until).as_bytes());
        let mut password = Zeroizing::new(format!("{MARK}.{until}."));
        for byte in mac.as_ref() {
            password.push_str(&format!("{byte:02x}"));
        }
        Credentials {
            serial: serial.clone(),
            password: Secret::new(&password),
            until: Timestamp::from_second(until).unwrap_or(now),
        }
    }

    /// Until when this password of the printer holds.
    ///
    /// # Errors
    /// It does not, or is none of ours.
    pub fn check(
        &self,
        serial: &Serial,
        password: &str,
        now: Timestamp,
    ) -> Result<Timestamp, Unusable> {
        let mut parts = password.split('.');
        if parts.next() != Some(MARK) {
            return Err(Unusable::NotOurs);
        }
        let (Some(until), Some(mac), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Unusable::Refused);
        };
        let until: i64 = until.parse().map_err(|_| Unusable::Refused)?;
        let mac = bytes(mac).ok_or(Unusable::Refused)?;
        verify(&self.key, message(serial, until).as_bytes(), &mac)
            .map_err(|_| Unusable::Refused)?;
        let until = Timestamp::from_second(until).map_err(|_| Unusable::Refused)?;
        (until > now).then_some(until).ok_or(Unusable::Refused)
    }
}

fn message(serial: &Serial, until: i64) -> String {
    format!("{PURPOSE}\n{serial}\n{until}\n")
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(secret: &str) -> Issuer {
        Issuer::new(&Secret::new(secret), Duration::from_secs(3600))
    }

    fn serial(text: &str) -> Serial {
        text.parse().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn another_gate_with_the_same_secret_takes_the_password() {
        let given = issuer("one secret").issue(&serial("FL-1"), at(1000));
        let checked =
            issuer("one secret").check(&serial("FL-1"), given.password.expose(), at(4599));
        assert_eq!(checked, Ok(at(4600)));
    }

    #[test]
    fn a_password_that_was_prolonged_lent_forged_or_has_expired_is_refused() {
        let issuer = issuer("one secret");
        let given = issuer.issue(&serial("FL-1"), at(1000));
        let password = given.password.expose();
        let check =
            |name: &str, password: &str, now| issuer.check(&serial(name), password, at(now));
        assert!(check("FL-1", password, 1000).is_ok());
        for (name, password, now) in [
            ("FL-1", password.to_owned(), 4600),
            ("FL-2", password.to_owned(), 1000),
            ("FL-1", password.replace("4600", "9999"), 1000),
            ("FL-1", password[..password.len() - 2].to_owned(), 1000),
            ("FL-1", format!("{password}.x"), 1000),
            ("FL-1", "fl1..".to_owned(), 1000),
        ] {
            assert_eq!(
                check(name, &password, now),
                Err(Unusable::Refused),
                "{password}"
            );
        }
        assert_eq!(check("FL-1", "hunter2", 1000), Err(Unusable::NotOurs));
        let other = super::tests::issuer("another secret");
        assert!(other.check(&serial("FL-1"), password, at(1000)).is_err());
    }
}
