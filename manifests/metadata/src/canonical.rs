//! Canonical JSON as OLPC defined it: the bytes that TUF signs.
//!
//! Members sorted by name, no white space, only `"` and `\` escaped, integers only.
//! Source: <http://wiki.laptop.org/go/Canonical_JSON>.

use serde_json::Value;

/// The canonical form of a value. Numbers that are no integers are refused.
pub fn canonical_json(value: &Value) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    write_value(value, &mut out)?;
    Ok(out)
}

fn write_value(value: &Value, out: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Number(number) if number.is_f64() => {
            let message = format!("canonical JSON has no place for the number {number}");
            return Err(serde::ser::Error::custom(message));
        }
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => write_list(items, b"[]", out, write_value)?,
        Value::Object(members) => {
            // Byte order of UTF-8 is the order of code points.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            write_list(members, b"{}", out, |(name, value), out| {
                write_string(name, out);
                out.push(b':');
                write_value(value, out)
            })?;
        }
    }
    Ok(())
}

fn write_list<T>(
    items: impl IntoIterator<Item = T>,
    [open, close]: &[u8; 2],
    out: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>) -> serde_json::Result<()>,
) -> serde_json::Result<()> {
    out.push(*open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out)?;
    }
    out.push(*close);
    Ok(())
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_sorted_and_only_quotes_and_backslashes_escaped() {
        let value = json!({"b": [1, -2, null, true], "a": "q\"b\\n\n\u{7f}é", "A": {}, "é": [], "aa": false});
        let expected = "{\"A\":{},\"a\":\"q\\\"b\\\\n\n\u{7f}é\",\"aa\":false,\"b\":[1,-2,null,true],\"é\":[]}";
        assert_eq!(
            String::from_utf8(canonical_json(&value).unwrap()).unwrap(),
            expected
        );
    }

    #[test]
    fn floats_are_refused() {
        assert!(canonical_json(&json!([1.5])).is_err());
    }
}
