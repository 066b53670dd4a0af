//! `printerd`: reads its command line, does one thing or serves, and says how that went in an exit code.

use std::{io::Write, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, error::ErrorKind};
use printerd::{
    cli::{Arguments, Request},
    exit::Exit,
    render, service, update,
};
use tracing_subscriber::filter::LevelFilter;

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
    done(&request, json)
        .unwrap_or_else(|error| {
            let exit = Exit::of(&error);
            // With standard error gone as well, the exit code is all that is left to say.
            let _ = render::failure(
                &mut std::io::stdout().lock(),
                &mut std::io::stderr().lock(),
                &error,
                exit,
                json,
            );
            exit
        })
        .into()
}

fn done(request: &Request, json: bool) -> anyhow::Result<Exit> {
    let out = || std::io::stdout().lock();
    let (shown, exit) = match request {
        Request::Run(place) => (service::run(place).map(Ok)?, Exit::Done),
        Request::Ask(place, question) => {
            let answer = service::ask(place, *question)?;
            (render::answer(&mut out(), &answer, json), Exit::Done)
        }
        Request::Wifi(place, file) => {
            let configured = service::configure_wifi(place, file)?;
            (render::wifi(&mut out(), &configured, json), Exit::Done)
        }
        Request::Update(request) => {
            let report = update::run(request)?;
            (render::report(&mut out(), &report, json), report.exit())
        }
    };
    Ok(if shown.is_ok() { exit } else { Exit::Failed })
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
    let asked = std::env::var("PRINTERD_LOG").ok();
    tracing_subscriber::fmt()
        .with_max_level(level(asked.as_deref()))
        .with_writer(std::io::stderr)
        .init();
}

/// The level that is asked for; warnings, if none that there is.
fn level(asked: Option<&str>) -> LevelFilter {
    asked
        .and_then(|word| word.parse().ok())
        .unwrap_or(LevelFilter::WARN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_logged_unless_something_else_is_asked_for() {
        for asked in [None, Some("printerd=debug")] {
            assert_eq!(level(asked), LevelFilter::WARN);
        }
        assert_eq!(level(Some("debug")), LevelFilter::DEBUG);
        assert_eq!(level(Some("off")), LevelFilter::OFF);
    }
}
