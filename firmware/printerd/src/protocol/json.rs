//! JSON as clients send it: strict where it could mean two things, lenient where known clients are sloppy.
//!
//! Raw control characters inside strings are tolerated, because known clients put newlines there. Two equal keys in
//! one object are refused, as is nesting beyond the limit. Nothing here recurses deeper than that limit.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::limits;

/// Why bytes are not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// More bytes than a request may have.
    #[error("the request is longer than {} bytes", limits::REQUEST)]
    TooLong,
    /// Nested too deep.
    #[error("the request is nested deeper than {} levels", limits::DEPTH)]
    TooDeep,
    /// Not JSON, or two equal keys. The sentence quotes nothing of the request but the place.
    #[error(
        "the request is not one JSON object without repeated keys (line {line}, column {column})"
    )]
    NotJson {
        /// Line of the first error.
        line: usize,
        /// Column of the first error.
        column: usize,
    },
    /// An object that asks for nothing.
    #[error("the request holds no command")]
    Empty,
    /// More commands than a request may have.
    #[error("the request holds more than {} commands", limits::COMMANDS)]
    TooMany,
}

/// Reads one object: its members in the order in which they stand.
pub(super) fn object(bytes: &[u8]) -> Result<Vec<(String, Value)>, RequestError> {
    if bytes.len() > limits::REQUEST {
        return Err(RequestError::TooLong);
    }
    let bytes = tidied(bytes)?;
    let members = serde_json::from_slice::<Members>(&bytes);
    let members = members.map_err(|error| RequestError::NotJson {
        line: error.line(),
        column: error.column(),
    })?;
    Ok(members.0)
}

/// Escapes control characters inside strings, and measures the nesting before anything recurses.
fn tidied(bytes: &[u8]) -> Result<Cow<'_, [u8]>, RequestError> {
    let mut scan = Scan::default();
    let mut tidy: Option<Vec<u8>> = None;
    for (at, &byte) in bytes.iter().enumerate() {
        scan.step(byte);
        if scan.depth > limits::DEPTH {
            return Err(RequestError::TooDeep);
        }
        if scan.in_string && byte < b' ' {
            let tidy = tidy.get_or_insert_with(|| bytes.get(..at).unwrap_or_default().to_vec());
            // After a backslash the character stands for itself: the backslash becomes part of this escape.
            if scan.after_backslash() {
                tidy.pop();
            }
            tidy.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else if let Some(tidy) = &mut tidy {
            tidy.push(byte);
        }
    }
    Ok(tidy.map_or(Cow::Borrowed(bytes), Cow::Owned))
}

#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escape: Escape,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Escape {
    #[default]
    None,
    Opened,
    Closed,
}

impl Scan {
    fn step(&mut self, byte: u8) {
        self.escape = match (self.in_string, self.escape, byte) {
            (true, Escape::Opened, _) => Escape::Closed,
            (true, _, b'\\') => Escape::Opened,
            _ => Escape::None,
        };
        match byte {
            b'"' if self.escape != Escape::Closed => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Whether the last byte stood behind a backslash.
    fn after_backslash(&self) -> bool {
        self.escape == Escape::Closed
    }
}

/// The members of an object, no key twice.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Members, A::Error> {
                members(map).map(Members)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Any value, no key twice in any object of it.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let members: Map<String, Value> = members(map)?.into_iter().collect();
        Ok(Value::Object(members))
    }
}

fn members<'de, A: MapAccess<'de>>(mut map: A) -> Result<Vec<(String, Value)>, A::Error> {
    let mut members: Vec<(String, Value)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
        if !seen.insert(key.clone()) {
            return Err(A::Error::custom("a key stands twice"));
        }
        members.push((key, value));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn one(text: &str) -> Value {
        let members = object(text.as_bytes()).unwrap();
        Value::Object(members.into_iter().collect())
    }

    #[test]
    fn a_raw_newline_inside_a_string_is_kept() {
        assert_eq!(
            one("{\"print\":{\"param\":\"G28\nM104 S0\t\\\"x\\\\\n\"}}\n"),
            json!({"print": {"param": "G28\nM104 S0\t\"x\\\n"}})
        );
        // A backslash before a raw newline.
        assert_eq!(one("{\"a\":\"x\\\ny\"}"), json!({"a": "x\ny"}));
    }

    #[test]
    fn members_keep_their_order() {
        let members = object(br#"{"upgrade":1,"info":2,"print":3}"#).unwrap();
        let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["upgrade", "info", "print"]);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_wherever() {
        for text in [
            r#"{"print":{},"print":{}}"#,
            r#"{"print":{"command":"stop","command":"resume"}}"#,
            r#"{"a":[{"b":{"c":1,"\u0063":2}}]}"#,
        ] {
            assert!(
                matches!(object(text.as_bytes()), Err(RequestError::NotJson { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn nesting_is_bounded_before_anything_recurses() {
        let nested = |levels: usize, open: &str, close: &str| {
            format!("{{\"a\":{}1{}}}", open.repeat(levels), close.repeat(levels))
        };
        assert!(object(nested(limits::DEPTH - 1, "[", "]").as_bytes()).is_ok());
        assert_eq!(
            object(nested(limits::DEPTH, "[", "]").as_bytes()),
            Err(RequestError::TooDeep)
        );
        assert_eq!(
            object(nested(10_000, "{\"a\":", "}").as_bytes()),
            Err(RequestError::TooDeep)
        );
        // Brackets inside a string are text.
        assert!(object(format!("{{\"a\":\"{}\"}}", "[\\\"{".repeat(1000)).as_bytes()).is_ok());
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for text in [
            "",
            "[]",
            "5",
            "null",
            "\"print\"",
            "{",
            "{}{}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":NaN}",
            "{'a':1}",
            "{\"a\":\"x",
            "\u{feff}{}",
        ] {
            assert!(
                matches!(object(text.as_bytes()), Err(RequestError::NotJson { .. })),
                "{text}"
            );
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
        assert_eq!(
            object(&vec![b' '; limits::REQUEST + 1]),
            Err(RequestError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = object(&bytes);
        }

        #[test]
        fn whatever_looks_like_json_never_panics(text in "[\\[\\]{}\":,\\\\a\n\t 0-9.eE+-]{0,200}") {
            let _ = object(text.as_bytes());
        }

        #[test]
        fn any_string_arrives_as_it_is(text in "(\\PC|[\n\r\t\"\\\\]){0,100}") {
            let written = serde_json::to_string(&json!({"a": text})).unwrap();
            prop_assert_eq!(one(&written), json!({"a": text}));
            let raw = text.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(one(&format!("{{\"a\":\"{raw}\"}}")), json!({"a": text}));
        }
    }
}
