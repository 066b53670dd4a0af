//! Paths on the card, checked once at the edge. Nothing here looks at a file.

use std::fmt;
use std::path::Path;

use crate::limits::{DEPTH, NAME_BYTES, PATH_BYTES};
use crate::partial;

/// Where clients of this family think that the card is mounted.
const MOUNT: &str = "sdcard";

/// A path on the card: relative to it, with no `..`, no control characters and no name of a partial file.
///
/// `/sdcard/x` and `/x` are the same path, and so are `/sdcard` and `/`: shown with a leading `/`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CardPath(String);

impl CardPath {
    /// The card itself.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Reads `text`, which is absolute or relative to `cwd`.
    ///
    /// # Errors
    /// Refuses `..`, control characters, names of partial files, and paths that are too long or too deep.
    pub fn parse(text: &str, cwd: &Self) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > PATH_BYTES {
            return Err(PathError::TooLong);
        }
        let base = if text.starts_with('/') {
            ""
        } else {
            cwd.as_str()
        };
        let mut names = Vec::new();
        for name in base.split('/').chain(text.split('/')) {
            // A folder of this name on the card would be reached by no absolute path, so there is none.
            let mount = names.is_empty() && name == MOUNT;
            if name.is_empty() || name == "." || mount {
                continue;
            }
            names.push(check_name(name)?);
            if names.len() > DEPTH {
                return Err(PathError::TooDeep);
            }
        }
        let path = names.join("/");
        if path.len() > PATH_BYTES {
            return Err(PathError::TooLong);
        }
        Ok(Self(path))
    }

    /// Whether this is the card itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last name; none for the card itself.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// The folder that holds this; the card itself for the card.
    #[must_use]
    pub fn parent(&self) -> Self {
        let parent = self.0.rsplit_once('/').map_or("", |(parent, _)| parent);
        Self(parent.to_owned())
    }

    /// The path relative to the card, without a leading `/`: empty for the card itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path to open under the card's folder.
    pub(crate) fn as_path(&self) -> &Path {
        Path::new(if self.is_root() { "." } else { &self.0 })
    }
}

impl fmt::Display for CardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}

impl fmt::Debug for CardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardPath({:?})", self.0)
    }
}

/// Why a text is no path on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// Nothing is named.
    #[error("the path is empty")]
    Empty,
    /// More bytes than [`PATH_BYTES`], or a name with more than [`NAME_BYTES`].
    #[error("the path is too long")]
    TooLong,
    /// More than [`DEPTH`] folders.
    #[error("the path has too many folders")]
    TooDeep,
    /// `..` is nobody's business here: a client knows where it is.
    #[error("the path holds ..")]
    Parent,
    /// A control character, among them NUL, which would cut the name short, and line ends, which would forge replies.
    #[error("the path holds a control character")]
    Control,
    /// Names that the card keeps for pieces of uploads.
    #[error("the name is reserved")]
    Reserved,
}

fn check_name(name: &str) -> Result<&str, PathError> {
    if name == ".." {
        Err(PathError::Parent)
    } else if name.len() > NAME_BYTES {
        Err(PathError::TooLong)
    } else if name.chars().any(char::is_control) {
        Err(PathError::Control)
    } else if partial::is_partial(name) {
        Err(PathError::Reserved)
    } else {
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<CardPath, PathError> {
        CardPath::parse(text, &CardPath::root())
    }

    fn folder(text: &str) -> CardPath {
        parse(text).unwrap()
    }

    #[test]
    fn the_mount_point_of_old_clients_is_the_card() {
        for text in [
            "/sdcard/model/x.3mf",
            "/model/x.3mf",
            "model//x.3mf",
            "./model/./x.3mf",
            "sdcard/model/x.3mf",
        ] {
            assert_eq!(folder(text).as_str(), "model/x.3mf", "{text}");
        }
        assert_eq!(folder("/sdcard"), CardPath::root());
        assert_eq!(folder("/sdcard/sdcard/"), CardPath::root());
        assert_eq!(folder("/model/sdcard/x").as_str(), "model/sdcard/x");
    }

    #[test]
    fn relative_paths_start_at_the_current_folder() {
        assert_eq!(
            CardPath::parse("x", &folder("/cache")).unwrap().to_string(),
            "/cache/x"
        );
        assert_eq!(
            CardPath::parse("/x", &folder("/cache"))
                .unwrap()
                .to_string(),
            "/x"
        );
        assert_eq!(
            CardPath::parse(".", &folder("/cache")).unwrap().to_string(),
            "/cache"
        );
    }

    #[test]
    fn parents_and_names() {
        let path = folder("/cache/plate/x");
        assert_eq!(
            (path.name(), path.parent().as_str()),
            (Some("x"), "cache/plate")
        );
        assert_eq!(folder("/x").parent(), CardPath::root());
        assert_eq!(
            (CardPath::root().name(), CardPath::root().parent()),
            (None, CardPath::root())
        );
    }

    #[test]
    fn escapes_are_refused() {
        for text in [
            "..",
            "/..",
            "../x",
            "cache/../../etc/passwd",
            "/cache/..",
            "/sdcard/../x",
        ] {
            assert_eq!(parse(text), Err(PathError::Parent), "{text}");
        }
        for text in ["x\0.3mf", "x\r\n226 done", "\u{7f}", "cache/\u{85}"] {
            assert_eq!(parse(text), Err(PathError::Control), "{text:?}");
        }
        assert_eq!(parse(""), Err(PathError::Empty));
    }

    #[test]
    fn names_of_partial_files_are_refused() {
        for text in [".upload-x.3mf", "/cache/.upload-", "/.UpLoad-x/y"] {
            assert_eq!(parse(text), Err(PathError::Reserved), "{text}");
        }
    }

    #[test]
    fn long_and_deep_paths_are_refused() {
        assert!(parse(&"x".repeat(NAME_BYTES)).is_ok());
        assert_eq!(parse(&"x".repeat(NAME_BYTES + 1)), Err(PathError::TooLong));
        assert!(parse(&"x/".repeat(DEPTH)).is_ok());
        assert_eq!(parse(&"x/".repeat(DEPTH + 1)), Err(PathError::TooDeep));
        assert_eq!(parse(&"/".repeat(PATH_BYTES + 1)), Err(PathError::TooLong));
        let deep = folder(&format!("{}/", "x".repeat(NAME_BYTES)).repeat(4));
        assert_eq!(
            CardPath::parse(&"y".repeat(NAME_BYTES), &deep),
            Err(PathError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_inside(text in "([a-z./\\PC]|sdcard|\\.upload-|\\.\\./){0,40}", cwd in "[a-z]{1,3}(/[a-z]{1,3}){0,3}") {
            if let Ok(path) = CardPath::parse(&text, &folder(&cwd)) {
                prop_assert!(!path.as_str().starts_with('/'));
                let fine = |name: &str| !matches!(name, "" | "." | "..") && !partial::is_partial(name);
                prop_assert!(path.is_root() || path.as_str().split('/').all(fine));
                prop_assert_eq!(parse(&path.to_string()), Ok(path.clone()));
                prop_assert!(path.is_root() || path.name().is_some());
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
