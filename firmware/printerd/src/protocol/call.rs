//! One request's commands, each with what its answer repeats.

use serde_json::{Map, Value};

use super::{
    command::Command,
    fields::Fields,
    json::{RequestError, object},
    limits,
    refusal::Refusal,
};

/// The sections of a request that hold commands. Others, such as `user_id` and `header`, are ignored, unless they
/// look like a command.
const SECTIONS: [&str; 8] = [
    "print", "pushing", "info", "system", "upgrade", "cloud", "camera", "xcam",
];
/// What an answer repeats besides the command and its number, if it is short.
const REPEATED: [&str; 6] = [
    "param", "led_node", "led_mode", "src_id", "option", "control",
];

/// One command of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What is asked, or why it cannot be.
    pub command: Result<Command, Refusal>,
    /// What its answer begins with.
    pub tag: Tag,
}

/// Of which command an answer is: its section, and what is repeated of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    section: String,
    repeated: Map<String, Value>,
}

/// Reads a request: its commands in the order in which they stand, at least one.
pub fn read_request(bytes: &[u8]) -> Result<Vec<Call>, RequestError> {
    let members = object(bytes)?;
    let calls: Vec<Call> = members.into_iter().filter_map(call).collect();
    match calls.len() {
        0 => Err(RequestError::Empty),
        count if count > limits::COMMANDS => Err(RequestError::TooMany),
        _ => Ok(calls),
    }
}

impl Tag {
    /// The answer to bytes that are no request.
    pub fn of_nothing() -> Self {
        Self {
            section: "request".to_owned(),
            repeated: Map::new(),
        }
    }

    /// The answer, in the section of its command. What some commands are asked for comes with it.
    pub fn answer(&self, outcome: Result<Map<String, Value>, &Refusal>) -> Value {
        let mut answer = self.repeated.clone();
        let (result, reason) = match outcome {
            Ok(more) => {
                answer.extend(more);
                ("success", "")
            }
            Err(refusal) => {
                if let Some(code) = refusal.code {
                    answer.insert("print_error".to_owned(), code.number().into());
                }
                ("failed", refusal.reason.as_str())
            }
        };
        answer.insert("result".to_owned(), result.into());
        answer.insert("reason".to_owned(), reason.into());
        Value::Object(Map::from_iter([(
            self.section.clone(),
            Value::Object(answer),
        )]))
    }
}

fn call((section, value): (String, Value)) -> Option<Call> {
    let known = SECTIONS.contains(&section.as_str());
    let Value::Object(fields) = value else {
        return known.then(|| Call {
            command: Err(Refusal::new("the section is not an object")),
            tag: Tag {
                section,
                repeated: Map::new(),
            },
        });
    };
    let asks = fields.contains_key("command") && section.len() <= limits::WORD;
    if !(known || asks) {
        return None;
    }
    let (repeated, numbered) = repeated(&fields);
    let command = numbered.and_then(|()| Command::read(&section, &Fields(&fields)));
    let tag = Tag { section, repeated };
    Some(Call { command, tag })
}

/// What the answer repeats; an error if the sequence number is none.
fn repeated(fields: &Map<String, Value>) -> (Map<String, Value>, Result<(), Refusal>) {
    let mut repeated = Map::new();
    for key in ["command"].iter().chain(&REPEATED) {
        if let Some(value) = fields.get(*key).filter(|value| is_short(value)) {
            repeated.insert((*key).to_owned(), value.clone());
        }
    }
    match fields.get("sequence_id") {
        None | Some(Value::Null) => (repeated, Ok(())),
        Some(value @ (Value::String(_) | Value::Number(_))) if is_short(value) => {
            repeated.insert("sequence_id".to_owned(), value.clone());
            (repeated, Ok(()))
        }
        Some(_) => (
            repeated,
            Err(Refusal::new(
                "`sequence_id` is neither a short text nor a whole number",
            )),
        ),
    }
}

/// Short, and no URL, which may hold a secret that the answer would show to every client.
fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= limits::WORD && !text.contains("://"),
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Bool(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
