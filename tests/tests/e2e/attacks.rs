//! Attacks that real implementations fell to, each as a repository that does it, against printers of both boards.
//!
//! To add one, add an entry to a table: its name, what makes an honest fixture hostile, and the reason that a printer
//! must give for refusing it.

mod image;
mod metadata;

use firstlayer_tests::fixture::Fixture;

type Edit = fn(Fixture) -> Fixture;

/// One attack.
struct Attack {
    name: &'static str,
    /// What the printer sees first: makes an honest fixture the repository of an earlier day.
    before: Option<Edit>,
    /// Makes an honest fixture the attack.
    edit: Edit,
    /// What the printer's error must say.
    reason: &'static str,
}

/// An attack on a printer that has seen nothing yet.
const fn attack(name: &'static str, reason: &'static str, edit: Edit) -> Attack {
    Attack {
        name,
        before: None,
        edit,
        reason,
    }
}

/// An attack on a printer that has seen another repository before.
const fn after(name: &'static str, before: Edit, reason: &'static str, edit: Edit) -> Attack {
    Attack {
        name,
        before: Some(before),
        edit,
        reason,
    }
}
