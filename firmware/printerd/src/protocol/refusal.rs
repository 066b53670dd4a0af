//! Why a command is not obeyed: a sentence for its answer, and the code that clients know, where there is one.

use firstlayer_machine::{Fault, Heater};

/// Why a command is not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// A sentence for people.
    pub reason: String,
    /// What clients show for it, if anything.
    pub code: Option<ErrorCode>,
}

impl Refusal {
    /// A refusal that is a sentence.
    pub fn new(reason: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            code: None,
        }
    }

    /// With the code that clients know.
    pub fn with_code(self, code: ErrorCode) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }
}

/// The codes of `print_error` that existing clients have a text for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The file is not there.
    FileNotFound,
    /// The file is not one that can be printed.
    BadFile,
    /// The file could not be downloaded.
    DownloadFailed,
    /// The owner ended the job.
    Cancelled,
    /// The filament has run out.
    FilamentRunOut,
    /// The nozzle does not heat as it should.
    Nozzle,
    /// The bed does not heat as it should.
    Bed,
    /// Something else is wrong with the machine.
    Machine,
}

impl ErrorCode {
    /// The number in `print_error`.
    pub fn number(self) -> u32 {
        match self {
            Self::FileNotFound => 0x0500_C010,
            Self::BadFile => 0x0500_4003,
            Self::DownloadFailed => 0x0500_400B,
            Self::Cancelled => 0x0300_400C,
            Self::FilamentRunOut => 0x0300_8004,
            Self::Nozzle => 0x0300_8008,
            Self::Bed => 0x0300_8009,
            Self::Machine => 0x0300_4000,
        }
    }
}

impl From<&Fault> for ErrorCode {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Stopped => Self::Cancelled,
            Fault::PrintFile { .. } | Fault::TooHot { .. } => Self::BadFile,
            Fault::FilamentRunOut => Self::FilamentRunOut,
            Fault::Heating(Heater::Nozzle) => Self::Nozzle,
            Fault::Heating(Heater::Bed) => Self::Bed,
            _ => Self::Machine,
        }
    }
}
