//! `printerd`: reads its command line, does one thing, and says how that went in an exit code.

use std::{io::Write, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, error::ErrorKind};
use printerd::{cli::Arguments, exit::Exit, render, update};

fn main() -> ExitCode {
    let arguments = match Arguments::command()
        .try_get_matches()
        .and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches))
    {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    start_log();
    let (request, json) = arguments.into_request();
    match update::run(&request) {
        Ok(report) => {
            let shown = render::report(&mut std::io::stdout().lock(), &report, json);
            let exit = if shown.is_ok() {
                report.exit()
            } else {
                Exit::Failed
            };
            exit.into()
        }
        Err(error) => {
            let exit = Exit::of(&error);
            // With standard error gone as well, the exit code is all that is left to say.
            let _ = render::failure(
                &mut std::io::stdout().lock(),
                &mut std::io::stderr().lock(),
                &error,
                exit,
                json,
            );
            exit.into()
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let _ = std::io::stdout().flush();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.into(),
        _ => Exit::Usage.into(),
    }
}

/// Warnings go to standard error; `PRINTERD_LOG=debug` says more.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PRINTERD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
