//! The command line, and the commands by which this program starts itself as a process to be measured.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    bench::{Bench, Scale},
    census::group_census,
    group::Group,
    process, writing,
};

/// Firstlayer's figures, each as a ratio to its peer in the same run
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo bench -p firstlayer-benches --",
    args_conflicts_with_subcommands = true,
    after_help = "\
The two sides of a ratio take turns; shown are the median of the rounds and (lowest..highest). `processor` is the same
ratio in seconds of the processor, the steadier one beside other work. Files go where BENCH_DIR says, else into the
system's temporary folder: 3 GB at most. Exits with 1 if something could not be measured, and never by a time."
)]
struct Arguments {
    /// What to measure [default: everything]
    #[arg(value_enum)]
    groups: Vec<Group>,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
    /// Rounds that count, after one that warms up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// A tenth of every size, to see that all is measured; the figures mean little
    #[arg(long)]
    quick: bool,
    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Writes a bundle of an image, and prints what was written
    #[command(hide = true)]
    WriteBundle { image: PathBuf, bundle: PathBuf },
    /// Groups a census, and prints what was counted
    #[command(hide = true)]
    GroupCensus { census: PathBuf },
    /// Runs a program, and prints the most memory that it had
    #[command(hide = true)]
    PeakOf {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

/// The whole program. Errors: it could not begin; what cannot be measured later is a row of the report.
pub fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::WriteBundle { image, bundle }) => {
            say(&serde_json::to_string(&writing::write_bundle(
                &image, &bundle,
            )?)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::GroupCensus { census }) => {
            say(&serde_json::to_string(&group_census(&census)?)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::PeakOf { words }) => {
            let peak = process::watch_peak(&words)?;
            say(&format!("\n{peak}"))?;
            Ok(ExitCode::SUCCESS)
        }
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scale = if arguments.quick {
        Scale::Tenth
    } else {
        Scale::Full
    };
    let bench = Bench::new(arguments.rounds, scale)?;
    let report = bench.run(&arguments.groups);
    let text = if arguments.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.to_string()
    };
    say(&text)?;
    Ok(ExitCode::from(u8::from(!report.is_complete())))
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_cargo_adds_is_accepted() {
        let words = ["ratios", "write", "install", "--json", "--bench"];
        let arguments = Arguments::try_parse_from(words).unwrap();
        assert!(arguments.json && arguments.groups == [Group::Write, Group::Install]);
    }

    #[test]
    fn a_watched_program_keeps_its_options() {
        let words = ["ratios", "peak-of", "zstd", "-q", "--json"];
        match Arguments::try_parse_from(words).unwrap().part {
            Some(Part::PeakOf { words }) => assert_eq!(words, ["zstd", "-q", "--json"]),
            other => panic!("{other:?}"),
        }
    }
}
