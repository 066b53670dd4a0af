//! Replies: a number for programs, and a sentence for people.

use firstlayer_card::{CardError, PathError};

/// A reply of one or several lines. Its text never holds a line end: paths cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    text: String,
    /// The lines between the first and the last one.
    body: Vec<String>,
}

impl Reply {
    pub(crate) fn new(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            body: Vec::new(),
        }
    }

    /// A reply of several lines; the last one says `End`.
    pub(crate) fn with_body(code: u16, text: impl Into<String>, body: Vec<String>) -> Self {
        Self {
            code,
            text: text.into(),
            body,
        }
    }

    /// As it is sent.
    pub(crate) fn render(&self) -> String {
        let Self { code, text, body } = self;
        if body.is_empty() {
            return format!("{code} {text}\r\n");
        }
        let body: String = body.iter().map(|line| format!(" {line}\r\n")).collect();
        format!("{code}-{text}\r\n{body}{code} End\r\n")
    }
}

impl From<CardError> for Reply {
    fn from(error: CardError) -> Self {
        let code = match error {
            CardError::Busy => 450,
            CardError::NoSpace => 452,
            CardError::TooLarge { .. } | CardError::TooManyEntries { .. } => 552,
            CardError::Name => 553,
            CardError::WrongOffset { .. } => 554,
            CardError::Io(_) => 451,
            _ => 550,
        };
        Self::new(code, error.to_string())
    }
}

impl From<PathError> for Reply {
    fn from(error: PathError) -> Self {
        Self::new(553, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_rendered() {
        assert_eq!(Reply::new(200, "done").render(), "200 done\r\n");
        let features = Reply::with_body(211, "Features:", vec!["UTF8".to_owned()]);
        assert_eq!(features.render(), "211-Features:\r\n UTF8\r\n211 End\r\n");
    }
}
