//! Entry point for a fuzz target; no part of the API.

use firstlayer_card::CardPath;

use super::command::Command;
use super::limits::LINE_BYTES;

/// A line of a control connection, without its end: it is refused, or a command whose paths stay on the card.
///
/// # Panics
/// A refusal has a code that is no refusal's, or a path leaves the card.
pub fn line(line: &[u8]) {
    let line = line.get(..LINE_BYTES).unwrap_or(line);
    match Command::parse(line) {
        Err(refused) => assert!((500..600).contains(&refused.code())),
        Ok(
            Command::Stor(path)
            | Command::Appe(path)
            | Command::Retr(path)
            | Command::Dele(path)
            | Command::Rnfr(path)
            | Command::Rnto(path)
            | Command::Cwd(path)
            | Command::Mkd(path)
            | Command::Rmd(path)
            | Command::Size(path)
            | Command::Mdtm(path)
            | Command::Mfmt(_, path)
            | Command::List(Some(path)),
        ) => on_the_card(&path),
        Ok(_) => {}
    }
}

fn on_the_card(path: &str) {
    let root = CardPath::root();
    if let Ok(path) = CardPath::parse(path, &root) {
        assert!(!path.as_str().starts_with('/'));
        assert!(path.as_str().split('/').all(|name| name != ".."));
        // What it shows leads back to it.
        assert_eq!(
            CardPath::parse(&path.to_string(), &root).as_ref(),
            Ok(&path)
        );
    }
}
