//! The first line: which column stands where.

use super::row::fields;
use crate::{Column, Fault, Limits};

/// The columns as they come; those that are not known have no place.
#[derive(Debug)]
pub(super) struct Header {
    columns: Vec<Option<Column>>,
}

impl Header {
    /// The header of this line.
    pub(super) fn parse(line: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let mut columns = Vec::new();
        if line.len() > limits.line {
            return Err(Fault::TooLong { limit: limits.line });
        }
        for field in fields(line) {
            let name = field?;
            let column = Column::ALL
                .into_iter()
                .find(|column| column.name().as_bytes() == name);
            if column.is_some() && columns.contains(&column) {
                let name = String::from_utf8_lossy(name);
                let problem = format!("the column {name} comes twice");
                return Err(Fault::Header { problem });
            }
            columns.push(column);
            if columns.len() > limits.columns {
                return Err(Fault::TooManyColumns {
                    limit: limits.columns,
                });
            }
        }
        let missing = |column: &Column| !columns.contains(&Some(*column));
        match Column::ALL.into_iter().find(missing) {
            Some(column) => Err(Fault::Header {
                problem: format!("there is no column {column}"),
            }),
            None => Ok(Self { columns }),
        }
    }

    /// Which column this field is of, if it is a known one. `None` past the last one.
    pub(super) fn column(&self, field: usize) -> Option<Option<Column>> {
        self.columns.get(field).copied()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }
}
