//! Reads the fields of one command, each checked, with sentences that say which field is wrong.

use serde_json::{Map, Value};

use super::{limits, refusal::Refusal};

/// The fields of one command.
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// A text that must be there.
    pub(super) fn text(&self, key: &str) -> Result<&'a str, Refusal> {
        let text = self.optional(key)?;
        text.ok_or_else(|| Refusal::new(format!("`{key}` is missing")))
    }

    /// A text that may be absent, null or empty. A number counts as its digits, as some clients write identifiers.
    pub(super) fn words(&self, key: &str) -> Result<String, Refusal> {
        match self.0.get(key) {
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => {
                let text = self.optional(key)?.unwrap_or_default();
                self.short(key, text, limits::TEXT)
            }
        }
    }

    /// A text that may be absent, null or empty.
    pub(super) fn optional(&self, key: &str) -> Result<Option<&'a str>, Refusal> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::new(format!("`{key}` is not a text"))),
        }
    }

    /// A truth that must be there: true or false, 1 or 0.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Refusal> {
        match self.0.get(key) {
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(false),
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(true),
            _ => Err(Refusal::new(format!("`{key}` is neither true nor false"))),
        }
    }

    /// A whole number that must be there, as a number or as its digits.
    pub(super) fn number(&self, key: &str) -> Result<u32, Refusal> {
        let number = match self.0.get(key) {
            Some(Value::Number(number)) => {
                number.as_u64().and_then(|number| number.try_into().ok())
            }
            Some(Value::String(digits)) => digits.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| Refusal::new(format!("`{key}` is not a whole number in its range")))
    }

    /// A number that must be there, as a number or as its digits.
    pub(super) fn decimal(&self, key: &str) -> Result<f64, Refusal> {
        let number = match self.0.get(key) {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(digits)) => digits.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| Refusal::new(format!("`{key}` is not a number")))
    }

    /// A list of whole numbers; absent and null count as empty.
    pub(super) fn numbers(&self, key: &str) -> Result<Vec<u32>, Refusal> {
        let wrong = || Refusal::new(format!("`{key}` is not a list of whole numbers"));
        let list = match self.0.get(key) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(wrong()),
        };
        if list.len() > limits::OBJECTS {
            let most = limits::OBJECTS;
            return Err(Refusal::new(format!(
                "`{key}` has more than {most} entries"
            )));
        }
        let numbers = list.iter().map(|value| {
            let number = value.as_u64().and_then(|number| number.try_into().ok());
            number.ok_or_else(wrong)
        });
        numbers.collect()
    }

    /// An object inside; an empty one if there is none.
    pub(super) fn object(&self, key: &str) -> Option<Fields<'a>> {
        self.0.get(key).and_then(Value::as_object).map(Fields)
    }

    /// A text within its limit, owned.
    pub(super) fn short(&self, key: &str, text: &str, most: usize) -> Result<String, Refusal> {
        if text.len() > most {
            return Err(Refusal::new(format!("`{key}` is longer than {most} bytes")));
        }
        Ok(text.to_owned())
    }
}
