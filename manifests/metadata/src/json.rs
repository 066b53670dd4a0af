//! JSON read strictly: no member name twice, integers only, no more than signed JSON can say.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::limits::MOST_VALUES;

/// The greatest integer that every JSON reader keeps exactly: 2^53 - 1.
pub(crate) const GREATEST_INTEGER: i64 = 9_007_199_254_740_991;

/// Reads one JSON value that fills the bytes. Nesting is bounded by serde_json (128 levels), and the number of
/// values in it by [`MOST_VALUES`].
pub(crate) fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict(&Cell::new(MOST_VALUES)).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a value and refuses what two readers could understand in two ways; knows how many more values there may be.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let too_many = || D::Error::custom(format!("more than {MOST_VALUES} values"));
        self.0
            .set(self.0.get().checked_sub(1).ok_or_else(too_many)?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON with integers within 2^53 and no member name twice")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if (-GREATEST_INTEGER..=GREATEST_INTEGER).contains(&value) {
            return Ok(value.into());
        }
        Err(E::custom(format!("the integer {value} is outside 2^53")))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        let out_of_range = |_| E::custom(format!("the integer {value} is outside 2^53"));
        self.visit_i64(i64::try_from(value).map_err(out_of_range)?)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format!("the number {value} is not an integer")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!(
                    "the member name {name:?} appears twice"
                )));
            }
            object.insert(name, members.next_value_seed(self)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_json_is_refused() {
        for text in [
            "",
            "{",
            "{} {}",
            r#"{"a":1,"a":1}"#,
            r#"{"b":[{"a":1,"\u0061":2}]}"#,
            "1.0",
            "1e2",
            "-0",
            "9007199254740992",
            "-9007199254740992",
            "18446744073709551616",
            "NaN",
            "[1,]",
            "\"\u{1}\"",
            "\"\\ud800\"",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?} was accepted");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn deep_nesting_is_refused_without_overflow() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
        assert!(parse(r#"{"a":"#.repeat(100_000).as_bytes()).is_err());
    }

    /// A few bytes each, and many times that in memory: an unsigned root of 512 kB could take tens of megabytes.
    #[test]
    fn a_bomb_of_small_values_is_refused() {
        let list = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert!(parse(list(MOST_VALUES - 1).as_bytes()).is_ok());
        assert!(parse(list(MOST_VALUES).as_bytes()).is_err());
        let nested = format!("[{}]", vec![r#"{"":0}"#; MOST_VALUES].join(","));
        assert!(parse(nested.as_bytes()).is_err());
    }

    #[test]
    fn plain_json_is_read() {
        let text = r#"{"a":[null,true,-9007199254740991,9007199254740991,"é\n"]}"#;
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }
}
