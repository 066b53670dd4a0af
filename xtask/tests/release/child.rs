//! A release in a process of its own: the test's own program again, told to run the same test, which then releases.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::workshop::Workshop;

/// Names the checkout to the process that is to release.
const CHECKOUT: &str = "FIRSTLAYER_TEST_RELEASE_IN";
/// Names the environment to it.
const ENVIRONMENT: &str = "FIRSTLAYER_TEST_ENVIRONMENT";

/// Releases and ends the process, if this is the process that was begun for it.
pub(crate) fn be_the_child() -> bool {
    let Some(root) = std::env::var_os(CHECKOUT) else {
        return false;
    };
    let environment = std::env::var(ENVIRONMENT).unwrap().parse().unwrap();
    let mut workshop = Workshop::at(Path::new(&root));
    workshop.environment = environment;
    eprintln!("begin");
    match workshop.release() {
        Ok(_) => std::process::exit(0),
        Err(error) => {
            eprintln!("{error:#}");
            std::process::exit(1);
        }
    }
}

/// The process, begun by a shell that does what `prefix` says first.
pub(crate) fn child(workshop: &Workshop, test: &str, prefix: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let line = format!(
        "{prefix} exec '{}' --exact --nocapture {test}",
        program.display()
    );
    let environment = format!("{:?}", workshop.environment).to_lowercase();
    let mut command = Command::new("sh");
    command
        .args(["-c", &line])
        .env(CHECKOUT, &workshop.root)
        .env(ENVIRONMENT, environment);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}
