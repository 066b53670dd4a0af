//! Attacks that real implementations fell to, each as a repository that does it, against printers of both boards.
//!
//! To add one, add an entry to a table: its name, what makes an honest fixture hostile, and the reason that a printer
//! must give for refusing it.

mod forms;
mod image;
mod metadata;

use firstlayer_tests::fixture::{BOARDS, BoardUnderTest, Fixture};
use firstlayer_tests::printer::Printer;
use firstlayer_tests::server::Server;

type Edit = fn(Fixture) -> Fixture;

/// One attack.
#[derive(Clone, Copy)]
struct Attack {
    name: &'static str,
    /// What the printer sees first: makes an honest fixture the repository of an earlier day.
    before: Option<Edit>,
    /// Makes an honest fixture the attack.
    edit: Edit,
    /// What the printer must say to it.
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

#[test]
fn what_attacks_change_is_all_that_is_wrong() {
    for board in BOARDS {
        assert_eq!(installed_by(board, |fixture| fixture), Ok(()));
    }
}

#[test]
fn metadata_attacks_are_refused() {
    assert_refused(metadata::ATTACKS);
}

#[test]
fn attacks_by_form_are_refused() {
    assert_refused(forms::ATTACKS);
}

#[test]
fn image_attacks_are_refused() {
    assert_refused(image::ATTACKS);
}

/// Tries every attack on both boards, and reports every failure at once.
fn assert_refused(attacks: &[Attack]) {
    let pairs = attacks
        .iter()
        .flat_map(|attack| BOARDS.map(|board| (attack, board)));
    let failures: Vec<String> = pairs
        .filter_map(|(attack, board)| attack.refused_by(board).err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} attacks:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Has a printer install a fixture, and compares its slot with the image that the honest fixture has.
fn installed_by(board: BoardUnderTest, edit: Edit) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(folder.path());
    let printer = Printer::of_fixtures(board, &server.url());
    let honest = Fixture::new(board).release("1.1.0");
    edit(honest.clone()).publish(folder.path());
    let output = printer.run(&["update", "install"]);
    let installed = output.succeeded() && printer.inactive_slot() == honest.image();
    if installed {
        Ok(())
    } else {
        Err(output.to_string())
    }
}

impl Attack {
    fn refused_by(&self, board: BoardUnderTest) -> Result<(), String> {
        let what = format!("{} on {}", self.name, board.name);
        let folder = tempfile::tempdir().unwrap();
        let server = Server::of(folder.path());
        let printer = Printer::of_fixtures(board, &server.url());
        let honest = Fixture::new(board).release("1.1.0");
        if let Some(before) = self.before {
            before(honest.clone()).publish(folder.path());
            // Whether that was honest is not asked: an attack may begin with a failed one.
            printer.run(&["update", "check"]);
        }
        (self.edit)(honest).publish(folder.path());
        let output = printer.run(&["update", "install"]);
        let report = output.json();
        let said = report["error"]["message"]
            .as_str()
            .map_or(report.to_string(), str::to_owned);
        if output.succeeded() {
            return Err(format!("{what} was accepted: {said}"));
        }
        if !said.contains(self.reason) {
            return Err(format!(
                "{what} was refused, but not for `{}`: {said}",
                self.reason
            ));
        }
        printer.assert_untouched(&what);
        Ok(())
    }
}
