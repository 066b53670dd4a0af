//! Bodies of requests: JSON, bounded, and refused with a sentence that repeats nothing of them.

use axum::body::Bytes;
use serde::de::DeserializeOwned;

use super::answer::Problem;
use crate::limits::BATCH;
use crate::printer::{Printer, Said, SaidToBe};

/// The document in a body.
pub(super) fn document<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        // The error itself may quote the body, which may hold a signature or a password.
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::bad(format!(
            "the body is not the JSON document asked for: {place}"
        ))
    })
}

/// The printers that a body describes, and whether it is a list.
pub(super) fn printers(bytes: &Bytes) -> Result<(Vec<Printer>, bool), Problem> {
    match document(bytes)? {
        SaidToBe::One(said) => Ok((vec![said.printer()?], false)),
        SaidToBe::Many(many) if many.len() > BATCH => Err(Problem::bad(format!(
            "the list has {} printers, and {BATCH} are taken at once",
            many.len()
        ))),
        SaidToBe::Many(many) => {
            let numbered = |(at, said): (usize, &Said)| {
                let wrong = |error| Problem::bad(format!("printer {at} of the list: {error}"));
                said.printer().map_err(wrong)
            };
            let printers = many.iter().enumerate().map(numbered);
            Ok((printers.collect::<Result<_, _>>()?, true))
        }
    }
}
