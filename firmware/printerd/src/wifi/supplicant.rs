//! The text of `wpa_supplicant.conf`.
//!
//! Nothing of the owner's stands in it as it was typed. That format cannot say every passphrase: after an inner
//! quotation mark, `#` begins a comment. So names and SAE's password are written as hexadecimal digits, and WPA2 gets
//! the key that the supplicant would have made of the passphrase (IEEE 802.11, annex J.4).

use std::{fmt::Write, num::NonZeroU32};

use ring::pbkdf2::{self, PBKDF2_HMAC_SHA1};
use zeroize::Zeroizing;

use super::{Network, Security, Wpa2Secret};

/// IEEE 802.11, annex J.4.1.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
const KEY_BYTES: usize = 32;
/// Room for the longest network, so that the text grows in no place where a secret would stay behind.
const ROOM: usize = 1024;

impl Network {
    /// The configuration for the system's supplicant, which gives access to it: for a file that root alone reads.
    pub fn supplicant(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(ROOM));
        if let Some(country) = self.country {
            line(&mut text, "country=", &String::from_utf8_lossy(&country.0));
        }
        text.push_str("update_config=0\nnetwork={\n");
        line(&mut text, "\tssid=", &hexadecimal(self.ssid.0.as_bytes()));
        if self.hidden {
            text.push_str("\tscan_ssid=1\n");
        }
        // RSN and CCMP alone: what is weaker is not fallen back to, whatever the network offers.
        text.push_str("\tproto=RSN\n\tpairwise=CCMP\n\tgroup=CCMP\n");
        self.security(&mut text);
        text.push_str("}\n");
        text
    }

    fn security(&self, text: &mut String) {
        match &self.security {
            Security::Wpa2(secret) => {
                text.push_str("\tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tieee80211w=1\n");
                match secret {
                    Wpa2Secret::Passphrase(passphrase) => self.key(text, &passphrase.0),
                    Wpa2Secret::Key(key) => line(text, "\tpsk=", &key.0),
                }
            }
            // WPA3 is WPA3 only with protected management frames.
            Security::Wpa3(passphrase) => {
                text.push_str("\tkey_mgmt=SAE\n\tieee80211w=2\n");
                password(text, &passphrase.0);
            }
            Security::Both(passphrase) => {
                text.push_str("\tkey_mgmt=SAE WPA-PSK WPA-PSK-SHA256\n\tieee80211w=1\n");
                password(text, &passphrase.0);
                self.key(text, &passphrase.0);
            }
        }
    }

    fn key(&self, text: &mut String, passphrase: &str) {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let (salt, secret) = (self.ssid.0.as_bytes(), passphrase.as_bytes());
        pbkdf2::derive(PBKDF2_HMAC_SHA1, ITERATIONS, salt, secret, &mut *key);
        line(text, "\tpsk=", &hexadecimal(&*key));
    }
}

fn password(text: &mut String, passphrase: &str) {
    let digits = hexadecimal(passphrase.as_bytes());
    line(text, "\tsae_password=", &digits);
}

fn line(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    text.push_str(value);
    text.push('\n');
}

fn hexadecimal(bytes: &[u8]) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes {
        // Writing to a text does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
