//! A printer's description in JSON, alone or with others. Fields that are not known are ignored: a later printer may
//! say more.

use serde::Deserialize;

use super::{Printer, PrinterError, Texts};

/// One description, as it is written.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    serial: Option<String>,
    model: Option<String>,
    version: Option<String>,
    channel: Option<String>,
    board: Option<String>,
    region: Option<String>,
    time: Option<String>,
    signature: Option<String>,
}

/// One printer, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum SaidToBe {
    /// Several.
    Many(Vec<Said>),
    /// One.
    One(Box<Said>),
}

impl Said {
    /// The printer.
    ///
    /// # Errors
    /// What is missing, or not of its form.
    pub fn printer(&self) -> Result<Printer, PrinterError> {
        Printer::parse(&Texts {
            serial: self.serial.as_deref(),
            model: self.model.as_deref(),
            version: self.version.as_deref(),
            channel: self.channel.as_deref(),
            board: self.board.as_deref(),
            region: self.region.as_deref(),
            time: self.time.as_deref(),
            signature: self.signature.as_deref(),
        })
    }
}
