//! Who this printer is: an authority of its own, and a certificate for its serial number signed by it.
//!
//! Clients pin the authority or the certificate, or verify the serial number as the name. So the authority stays for
//! the printer's life, and the certificate changes only when it nears its end or when the owner asks: not because the
//! address changed. Everything happens on the printer; no cloud takes part.
//!
//! Nothing here opens a file: an identity is read from bytes and gives bytes to keep. They hold private keys.

use std::{fmt, net::IpAddr};

use jiff::{Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Years for which a certificate is made.
const LIFETIME_YEARS: i16 = 10;
/// Years before its end when it is renewed without being asked.
const RENEW_YEARS: i16 = 1;
/// A printer's clock may stand anywhere: no certificate begins later than this, or is counted from before it.
const EPOCH_YEAR: i16 = 2025;
/// The authority outlives the printer.
const AUTHORITY_ENDS: (i32, u8, u8) = (2099, 12, 31);

/// The authority, the printer's certificate and their private keys.
pub struct Identity {
    serial: String,
    authority: Signed,
    device: Signed,
    /// The year, month and day on which the device's certificate ends.
    ends: (i16, i8, i8),
}

/// A certificate with its key, both in PEM.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    certificate: String,
    key: Zeroizing<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u8,
    serial: String,
    authority: Signed,
    device: Signed,
    ends: (i16, i8, i8),
}

/// The SHA-256 of a certificate's DER, which clients pin and people compare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The kept bytes are not an identity.
    #[error("the kept identity is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A certificate could not be made: the serial number is not fit for one, or the system gives no random bytes.
    #[error("a certificate for {serial} cannot be made")]
    Make {
        /// The serial number.
        serial: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
}

impl Identity {
    /// A new authority, and a certificate for `serial` by it.
    pub fn create(
        serial: &str,
        addresses: &[IpAddr],
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let make = || -> Result<(Signed, Signed), rcgen::Error> {
            let authority = CertifiedIssuer::self_signed(authority(serial)?, KeyPair::generate()?)?;
            let device = device(serial, addresses, ends(now), &authority)?;
            let key = Zeroizing::new(authority.key().serialize_pem());
            Ok((
                Signed {
                    certificate: authority.pem(),
                    key,
                },
                device,
            ))
        };
        let (authority, device) = make().map_err(|source| making(serial, source))?;
        Ok(Self {
            serial: serial.to_owned(),
            authority,
            device,
            ends: ends(now),
        })
    }

    /// The identity that [`Self::to_bytes`] gave.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdentityError> {
        let kept: Kept =
            serde_json::from_slice(bytes).map_err(|error| IdentityError::Damaged(error.into()))?;
        if kept.format != 1 {
            return Err(IdentityError::Damaged(
                format!("its format is {}, not 1", kept.format).into(),
            ));
        }
        let Kept {
            serial,
            authority,
            device,
            ends,
            ..
        } = kept;
        let identity = Self {
            serial,
            authority,
            device,
            ends,
        };
        identity.chain()?;
        identity.key()?;
        Ok(identity)
    }

    /// The bytes to keep, where only the printer can read them.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let kept = Kept {
            format: 1,
            serial: self.serial.clone(),
            authority: self.authority.clone(),
            device: self.device.clone(),
            ends: self.ends,
        };
        // Strings and numbers only: there is nothing that could fail.
        Zeroizing::new(serde_json::to_vec(&kept).unwrap_or_default())
    }

    /// A new certificate and key for the printer, by the same authority.
    pub fn renew(&mut self, addresses: &[IpAddr], now: Timestamp) -> Result<(), IdentityError> {
        let key = KeyPair::from_pem(&self.authority.key)
            .map_err(|source| making(&self.serial, source))?;
        let renewed = authority(&self.serial).and_then(|params| {
            // The issuer's part of a certificate is its name and key: both are the old ones.
            device(
                &self.serial,
                addresses,
                ends(now),
                &Issuer::new(params, key),
            )
        });
        self.device = renewed.map_err(|source| making(&self.serial, source))?;
        self.ends = ends(now);
        Ok(())
    }

    /// Whether the certificate's last year has begun.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let (year, month, day) = today(now);
        (year.saturating_add(RENEW_YEARS), month, day) >= self.ends
    }

    /// The serial number that the certificate is for.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The fingerprint of the printer's certificate.
    pub fn fingerprint(&self) -> Result<Fingerprint, IdentityError> {
        Ok(Fingerprint::of(&der(&self.device.certificate)?))
    }

    /// The fingerprint of the authority's certificate.
    pub fn authority_fingerprint(&self) -> Result<Fingerprint, IdentityError> {
        Ok(Fingerprint::of(&der(&self.authority.certificate)?))
    }

    /// The authority's certificate in PEM, for clients to trust.
    pub fn authority_pem(&self) -> &str {
        &self.authority.certificate
    }

    /// The last day of the printer's certificate, as `2036-11-23`.
    pub fn ends(&self) -> String {
        let (year, month, day) = self.ends;
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// The printer's certificate and its authority's, in the order of a handshake.
    pub(crate) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
        Ok(vec![
            der(&self.device.certificate)?,
            der(&self.authority.certificate)?,
        ])
    }

    pub(crate) fn key(&self) -> Result<PrivateKeyDer<'static>, IdentityError> {
        PrivateKeyDer::from_pem_slice(self.device.key.as_bytes())
            .map_err(|error| IdentityError::Damaged(error.into()))
    }
}

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

/// As `openssl x509 -fingerprint -sha256` prints it.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("serial", &self.serial)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

fn authority(serial: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new([])?;
    params
        .distinguished_name
        .push(DnType::CommonName, format!("Printer {serial}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    // Strict verifiers refuse an authority that does not say what its key is for.
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(EPOCH_YEAR.into(), 1, 1);
    params.not_after = date_time_ymd(AUTHORITY_ENDS.0, AUTHORITY_ENDS.1, AUTHORITY_ENDS.2);
    Ok(params)
}

fn device(
    serial: &str,
    addresses: &[IpAddr],
    ends: (i16, i8, i8),
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Signed, rcgen::Error> {
    let mut params = CertificateParams::new([serial.to_owned()])?;
    params
        .subject_alt_names
        .extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.distinguished_name.push(DnType::CommonName, serial);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(EPOCH_YEAR.into(), 1, 1);
    params.not_after = date_time_ymd(ends.0.into(), ends.1.unsigned_abs(), ends.2.unsigned_abs());
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?.pem();
    Ok(Signed {
        certificate,
        key: Zeroizing::new(key.serialize_pem()),
    })
}

/// The day in ten years. The 28th is the last day that every month has.
fn ends(now: Timestamp) -> (i16, i8, i8) {
    let (year, month, day) = today(now);
    (year.saturating_add(LIFETIME_YEARS), month, day.min(28))
}

/// Today, or the first day that is believed where the clock stands before it.
fn today(now: Timestamp) -> (i16, i8, i8) {
    let date = now.to_zoned(TimeZone::UTC).date();
    if date.year() < EPOCH_YEAR {
        (EPOCH_YEAR, 1, 1)
    } else {
        (date.year(), date.month(), date.day())
    }
}

fn der(pem: &str) -> Result<CertificateDer<'static>, IdentityError> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| IdentityError::Damaged(error.into()))
}

fn making(serial: &str, source: rcgen::Error) -> IdentityError {
    IdentityError::Make {
        serial: serial.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_identity_comes_back_from_its_bytes() {
        let made = Identity::create("01S00A000000001", &[], at("2026-02-03T00:00:00Z")).unwrap();
        let read = Identity::parse(&made.to_bytes()).unwrap();
        assert_eq!(read.fingerprint().unwrap(), made.fingerprint().unwrap());
        assert_eq!(
            (read.serial(), read.ends().as_str()),
            ("01S00A000000001", "2036-02-03")
        );
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let made = Identity::create("S", &[], at("2026-02-03T00:00:00Z")).unwrap();
        let text = String::from_utf8(made.to_bytes().to_vec()).unwrap();
        for damaged in [
            text.replace("\"format\":1", "\"format\":2"),
            text.replace("BEGIN CERTIFICATE", "BEGIN SOMETHING"),
            text.replace("BEGIN PRIVATE KEY", "BEGIN SOMETHING"),
            text[..text.len() / 2].to_owned(),
        ] {
            assert!(matches!(
                Identity::parse(damaged.as_bytes()),
                Err(IdentityError::Damaged(_))
            ));
        }
    }

    #[test]
    fn renewal_changes_the_certificate_and_keeps_the_authority() {
        let mut identity = Identity::create("S", &[], at("2026-02-03T00:00:00Z")).unwrap();
        let (leaf, authority) = (
            identity.fingerprint().unwrap(),
            identity.authority_fingerprint().unwrap(),
        );
        assert!(!identity.is_due(at("2035-02-02T00:00:00Z")));
        assert!(identity.is_due(at("2035-02-03T00:00:00Z")));
        identity
            .renew(
                &[IpAddr::from([192, 168, 1, 7])],
                at("2035-02-03T00:00:00Z"),
            )
            .unwrap();
        assert_ne!(identity.fingerprint().unwrap(), leaf);
        assert_eq!(identity.authority_fingerprint().unwrap(), authority);
        assert!(!identity.is_due(at("2035-02-03T00:00:00Z")));
    }

    #[test]
    fn a_clock_before_the_printer_was_built_is_not_believed() {
        let identity = Identity::create("S", &[], at("1970-01-01T00:00:00Z")).unwrap();
        assert_eq!(identity.ends(), "2035-01-01");
    }

    #[test]
    fn keys_are_not_shown() {
        let identity = Identity::create("S", &[], at("2026-02-03T00:00:00Z")).unwrap();
        assert!(!format!("{identity:?}").contains("KEY"));
    }
}
