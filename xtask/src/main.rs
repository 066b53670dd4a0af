//! `cargo xtask`: parses the command line, draws progress, prints the report.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::main().into()
}
