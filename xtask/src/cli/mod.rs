//! The command line. Each verb's file turns its arguments into a typed request, calls the library, and prints the report.
//! Nothing below this module knows of clap or of terminals.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand};
use xtask::checkout::Checkout;
use xtask::probe::{VERB, measure_inside};

mod build;
mod clean;
mod demo;
mod doctor;
mod enforce;
mod exit;
mod probe;
mod published;
mod release;
mod serve;
mod session;
mod status;
mod terminal;
mod validate;

pub(crate) use exit::Exit;
pub(crate) use published::Published;
pub(crate) use session::Session;

/// Builds, signs and publishes the printer firmware.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = exit::HELP)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    global: Global,
}

/// What every verb understands.
#[derive(Debug, Args)]
struct Global {
    /// Print the report as JSON on standard output, and nothing else there
    // Its place is told: clap's own would move with the number of verbs.
    #[arg(long, global = true, display_order = 100)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Doctor(doctor::Arguments),
    Build(build::Arguments),
    Probe(probe::Arguments),
    Release(release::Arguments),
    Enforce(Box<enforce::Arguments>),
    Status(status::Arguments),
    Validate(validate::Arguments),
    Serve(serve::Arguments),
    Clean(clean::Arguments),
    Demo(demo::Arguments),
}

/// Runs the command that the process was started with; every error is told before it returns.
pub(crate) fn main() -> Exit {
    // Not a verb for people: the probe starts this program again, in a network of its own.
    if std::env::args_os().nth(1).is_some_and(|word| word == VERB) {
        return measure_inside().map_or_else(
            |error| {
                terminal::print_error(&error);
                Exit::of(&error)
            },
            |()| Exit::Success,
        );
    }
    let command = CommandLine::parse();
    run(command).unwrap_or_else(|error| {
        terminal::print_error(&error);
        Exit::of(&error)
    })
}

fn run(command: CommandLine) -> anyhow::Result<Exit> {
    let here = Utf8PathBuf::try_from(std::env::current_dir()?)?;
    let session = Session::new(Checkout::around(&here)?, command.global.json);
    match command.verb {
        Verb::Doctor(arguments) => arguments.run(&session),
        Verb::Build(arguments) => arguments.run(&session),
        Verb::Probe(arguments) => arguments.run(&session),
        Verb::Release(arguments) => arguments.run(&session),
        Verb::Enforce(arguments) => arguments.run(&session),
        Verb::Status(arguments) => arguments.run(&session),
        Verb::Validate(arguments) => arguments.run(&session),
        Verb::Serve(arguments) => arguments.run(&session),
        Verb::Clean(arguments) => arguments.run(&session),
        Verb::Demo(arguments) => arguments.run(&session),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_verb_shows_examples() {
        for verb in CommandLine::command().get_subcommands_mut() {
            let help = verb.render_long_help().to_string();
            assert!(help.contains("Examples:"), "{help}");
        }
    }
}
