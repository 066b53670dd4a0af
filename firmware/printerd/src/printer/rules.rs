//! Who may have the printer do what, and when: the refusals that depend on where a command came from.

use super::handle::Origin;
use crate::protocol::{Command, Decision, Refusal};

/// Where a command came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) origin: Origin,
    pub(super) stale: bool,
}

/// Refuses what this origin may not ask for, now.
pub(super) fn check(
    command: &Command,
    asked: Asked,
    decision: Option<&Decision>,
) -> Result<(), Refusal> {
    // A message that waited somewhere may end things, and never start any: nobody may be there any more.
    if asked.stale && starts_something(command) {
        return Err(Refusal::new(
            "the command may be older than its connection: send it again",
        ));
    }
    match (command, asked.origin) {
        (Command::LanMode(_), Origin::Lan) => Err(Refusal::new(
            "LAN mode is turned on and off at the printer or by the cloud",
        )),
        (Command::Decide(_), Origin::Lan) => Err(Refusal::new("only the cloud decides")),
        (Command::Project(_) | Command::File(_) | Command::Gcode(_), Origin::Cloud) => {
            match decision.filter(|decision| decision.withholds_cloud_jobs()) {
                Some(decision) => Err(Refusal::new(decision)),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn starts_something(command: &Command) -> bool {
    matches!(
        command,
        Command::Project(_)
            | Command::File(_)
            | Command::Gcode(_)
            | Command::Resume
            | Command::Upgrade(_)
            | Command::Reboot
            | Command::LanMode(true)
    )
}
