//! The command line: clap's types, and nothing of clap below this module.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::exit::EXIT_CODES;

const EXAMPLES: &str = "\
Examples:
  gate --config /etc/firstlayer-gate/gate.toml check
  gate --config /etc/firstlayer-gate/gate.toml run
  GATE_LOG=debug gate --config gate.toml run";

/// Withholds from printers what their firmware cannot do safely, by signed rules, and never their update.
#[derive(Debug, Parser)]
#[command(name = "gate", version, about, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Arguments {
    /// The configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/firstlayer-gate/gate.toml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve, until SIGTERM or Ctrl-C
    Run,
    /// Check the configuration, fetch and verify the rules once, and say what would be in force
    ///
    /// Changes nothing, and uses nothing of what a running gate keeps but to compare with it.
    Check,
}

/// What is asked for, with nothing of clap in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Serve with this configuration.
    Run(PathBuf),
    /// Check this configuration.
    Check(PathBuf),
}

impl Arguments {
    /// The request.
    pub fn into_request(self) -> Request {
        match self.verb {
            Verb::Run => Request::Run(self.config),
            Verb::Check => Request::Check(self.config),
        }
    }
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
    fn words_become_a_request() {
        let request = |words: &[&str]| Arguments::try_parse_from(words).unwrap().into_request();
        assert_eq!(
            request(&["gate", "--config", "a.toml", "run"]),
            Request::Run("a.toml".into())
        );
        assert_eq!(
            request(&["gate", "check", "--config", "a.toml"]),
            Request::Check("a.toml".into())
        );
    }

    #[test]
    fn the_help_gives_examples_and_exit_codes() {
        let help = Arguments::command().render_long_help().to_string();
        assert!(
            help.contains("gate.toml check") && help.contains("3  the configuration"),
            "{help}"
        );
    }
}
