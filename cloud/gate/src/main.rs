//! `gate`: reads its command line, serves or checks, and says how that went in an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use firstlayer_gate::cli::{Arguments, Request};
use firstlayer_gate::exit::Exit;
use firstlayer_gate::service;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    start_log();
    let done = match arguments.into_request() {
        Request::Run(config) => service::run(&config),
        Request::Check(config) => service::check(&config, &mut std::io::stdout().lock()),
    };
    match done {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            // With standard error gone as well, the exit code is all that is left to say.
            let _ = writeln!(std::io::stderr().lock(), "error: {error:#}");
            Exit::of(&error).into()
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.into(),
        _ => Exit::Usage.into(),
    }
}

/// To standard error; `GATE_LOG=debug` says more, `GATE_LOG=warn` less.
fn start_log() {
    let asked = std::env::var("GATE_LOG").ok();
    let level = asked.and_then(|word| word.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_writer(std::io::stderr)
        .init();
}
