//! A printer's description in headers, as it sends them with each request and nginx hands them on.

use axum::http::{HeaderMap, HeaderName};

use super::{Printer, PrinterError, Texts};

/// Its serial number.
pub const SERIAL: HeaderName = HeaderName::from_static("x-firstlayer-serial");
/// Its model.
pub const MODEL: HeaderName = HeaderName::from_static("x-firstlayer-model");
/// Its version.
pub const VERSION_HEADER: HeaderName = HeaderName::from_static("x-firstlayer-version");
/// Its channel.
pub const CHANNEL: HeaderName = HeaderName::from_static("x-firstlayer-channel");
/// Its board; may be left out.
pub const BOARD: HeaderName = HeaderName::from_static("x-firstlayer-board");
/// Its region; may be left out.
pub const REGION: HeaderName = HeaderName::from_static("x-firstlayer-region");
/// When it signed; only with a signature.
pub const TIME: HeaderName = HeaderName::from_static("x-firstlayer-time");
/// Its signature; may be left out.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-firstlayer-signature");

impl Printer {
    /// The printer of these headers.
    ///
    /// # Errors
    /// What is missing, or not of its form, or there twice.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, PrinterError> {
        let texts = Texts {
            serial: one(headers, "serial", &SERIAL)?,
            model: one(headers, "model", &MODEL)?,
            version: one(headers, "version", &VERSION_HEADER)?,
            channel: one(headers, "channel", &CHANNEL)?,
            board: one(headers, "board", &BOARD)?,
            region: one(headers, "region", &REGION)?,
            time: one(headers, "time", &TIME)?,
            signature: one(headers, "signature", &SIGNATURE)?,
        };
        Self::parse(&texts)
    }
}

/// Two headers of one name would let the proxy see one and the gate the other.
fn one<'a>(
    headers: &'a HeaderMap,
    what: &'static str,
    name: &HeaderName,
) -> Result<Option<&'a str>, PrinterError> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    let form = |problem: &str| super::form(what, problem.to_owned());
    if second.is_some() {
        return Err(form("it is there twice"));
    }
    first
        .map(|value| value.to_str().map_err(|_| form("it is not plain text")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        HeaderMap::from_iter([
            (SERIAL, "FL-0001".parse().unwrap()),
            (MODEL, "first-mini".parse().unwrap()),
            (VERSION_HEADER, "1.4.0".parse().unwrap()),
            (CHANNEL, "stable".parse().unwrap()),
        ])
    }

    #[test]
    fn headers_become_a_printer() {
        let printer = Printer::from_headers(&headers()).unwrap();
        assert_eq!(printer.serial.as_str(), "FL-0001");
        assert!(printer.proof.is_none());
    }

    #[test]
    fn a_header_that_is_there_twice_is_refused() {
        let mut headers = headers();
        headers.append(VERSION_HEADER, "9.0.0".parse().unwrap());
        let told = Printer::from_headers(&headers).unwrap_err().to_string();
        assert!(told.contains("there twice"), "{told}");
    }
}
