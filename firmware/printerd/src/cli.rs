//! The command line: clap's types, and nothing of clap below this module.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use firstlayer_policy::Postponement;
use semver::Version;

use crate::{
    exit::EXIT_CODES,
    place::Place,
    service::console::Question,
    update::{self, Command, Source},
};

/// Longer than the short commands take, so that a script's one `confirm` does not fail because of another's `check`.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  printerd run
  printerd lan on
  printerd access-code --new
  printerd certificate
  printerd wifi /media/stick/wifi.toml
  printerd update install";

const UPDATE_EXAMPLES: &str = "\
Examples:
  printerd update check
  printerd update install --reboot
  printerd update install --from /media/stick
  printerd update install --version 1.4.0
  printerd update skip 1.5.0
  printerd update postpone --for 7d
  printerd update status --json
  printerd update confirm";

/// The printer firmware.
#[derive(Debug, Parser)]
#[command(name = "printerd", version, about, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// The configuration [default: /etc/printerd/config.toml under the root]; config.toml in the state folder that
    /// it names overrides it key by key
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the running image is: prefix of /usr/share/printerd and of the default configuration, of nothing else
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve: LAN mode while it is on, the cloud link, and the machine; until SIGTERM or Ctrl-C
    Run,
    /// Say how the printer stands: state, job, LAN mode, cloud, update
    Status,
    /// Turn LAN mode on or off: MQTT on port 8883 and FTP on 990, both over TLS, and discovery
    ///
    /// Off closes the ports and ends every connection at once. The printer remembers it over restarts.
    Lan {
        /// What it is to be
        to: OnOff,
    },
    /// Show the access code by which LAN clients log in as bblp
    AccessCode {
        /// Make a new one first, which ends every open connection
        #[arg(long)]
        new: bool,
    },
    /// Show the certificate's fingerprint, and the authority for clients to trust
    Certificate {
        /// Make a new certificate first; the authority stays, so clients that trust it notice nothing
        #[arg(long)]
        renew: bool,
    },
    /// Configure the system's Wi-Fi supplicant: WPA2 or WPA3, and nothing weaker
    ///
    /// Reads TOML with the keys ssid, security ("wpa2", "wpa3" or "wpa2+wpa3") and passphrase, and
    /// writes wpa_supplicant.conf, readable by its owner only, into the state folder.
    Wifi {
        /// The checked file
        file: PathBuf,
    },
    /// Look for, install, confirm or give up an update
    #[command(after_help = UPDATE_EXAMPLES, after_long_help = format!("{UPDATE_EXAMPLES}\n\n{EXIT_CODES}"))]
    Update {
        #[command(subcommand)]
        verb: UpdateVerb,
    },
    /// Play the boot loader once over file slots: pick the slot, count the trial down, or fall back
    ///
    /// Stands in for the real boot loader on boards whose slots are files. It hashes the slot on trial
    /// and takes one of its attempts, or boots the active slot when none is left or the image is not
    /// the one that was blessed.
    SimulateBoot,
}

#[derive(Debug, Subcommand)]
enum UpdateVerb {
    /// Ask the repository what there is to install, and why not the rest
    Check(From),
    /// Install the newest release that fits, for the next boot to try
    Install {
        #[command(flatten)]
        from: From,
        /// Install this release in place of the newest, though it be older or skipped; never one with a lower counter
        #[arg(long, value_name = "VERSION")]
        version: Option<Version>,
        /// Reboot into it when it is installed
        #[arg(long)]
        reboot: bool,
    },
    /// Do not offer a version any more; where it waits for its reboot it is taken back
    #[command(group(ArgGroup::new("skipped").required(true)))]
    Skip {
        /// The version
        #[arg(group = "skipped")]
        version: Option<Version>,
        /// Offer every version again
        #[arg(long, group = "skipped")]
        none: bool,
    },
    /// Offer no update for a time; what waits for its reboot waits on
    #[command(group(ArgGroup::new("time").required(true)))]
    Postpone {
        /// For how long: a number with m, h, d or w, from 1m to 365d
        #[arg(long = "for", value_name = "TIME", group = "time")]
        postponement: Option<Postponement>,
        /// Offer updates again
        #[arg(long, group = "time")]
        none: bool,
    },
    /// Say how the printer stands, and everything that is wrong; needs no network and changes nothing
    Status,
    /// Say that the release on trial works: it stays, and none with a lower counter is accepted any more
    Confirm,
    /// Give up the release that waits for its reboot or is on trial, and do not try it again
    Rollback {
        /// Reboot into the old release at once
        #[arg(long)]
        reboot: bool,
    },
}

#[derive(Debug, Args)]
struct From {
    /// Read the repository (metadata/ and targets/) from this folder or stick, with no network
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnOff {
    /// Open
    On,
    /// Closed
    Off,
}

/// What is asked for, with nothing of clap in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Serve.
    Run(Place),
    /// Ask the running service.
    Ask(Place, Question),
    /// Configure Wi-Fi from this file.
    Wifi(Place, PathBuf),
    /// An update command, or the boot loader's part.
    Update(update::Request),
}

impl Arguments {
    /// The request, and whether the answer is to be JSON.
    pub fn into_request(self) -> (Request, bool) {
        let Common { config, root, json } = self.common;
        let place = Place { config, root };
        let request = match self.verb {
            Verb::Run => Request::Run(place),
            Verb::Status => Request::Ask(place, Question::Status),
            Verb::Lan { to } => Request::Ask(
                place,
                Question::Lan {
                    on: to == OnOff::On,
                },
            ),
            Verb::AccessCode { new } => Request::Ask(place, Question::AccessCode { new }),
            Verb::Certificate { renew } => Request::Ask(place, Question::Certificate { renew }),
            Verb::Wifi { file } => Request::Wifi(place, file),
            Verb::SimulateBoot => updating(place, Command::SimulateBoot, json),
            Verb::Update { verb } => updating(place, verb.into_command(), json),
        };
        (request, json)
    }
}

fn updating(place: Place, command: Command, json: bool) -> Request {
    Request::Update(update::Request {
        command,
        place,
        // A bar for people, not for programs that read JSON.
        quiet: json,
        patience: PATIENCE,
    })
}

impl UpdateVerb {
    fn into_command(self) -> Command {
        match self {
            Self::Check(from) => Command::Check(from.into_source()),
            Self::Install {
                from,
                version,
                reboot,
            } => Command::Install {
                source: from.into_source(),
                version,
                reboot,
            },
            // The groups see to it that either a wish or `--none` is there.
            Self::Skip { version, none: _ } => Command::Skip(version),
            Self::Postpone {
                postponement,
                none: _,
            } => Command::Postpone(postponement),
            Self::Status => Command::Status,
            Self::Confirm => Command::Confirm,
            Self::Rollback { reboot } => Command::Rollback { reboot },
        }
    }
}

impl From {
    fn into_source(self) -> Source {
        self.from.map_or(Source::Repository, Source::Folder)
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
        let words = [
            "printerd",
            "update",
            "install",
            "--from",
            "/media/stick",
            "--root",
            "/image",
            "--json",
        ];
        let (request, json) = Arguments::try_parse_from(words).unwrap().into_request();
        let Request::Update(request) = request else {
            panic!("not an update: {request:?}");
        };
        assert!(json);
        assert_eq!(request.place.root, PathBuf::from("/image"));
        let source = Source::Folder("/media/stick".into());
        assert_eq!(
            request.command,
            Command::Install {
                source,
                version: None,
                reboot: false
            }
        );
    }

    fn command(words: &str) -> Result<Command, clap::error::ErrorKind> {
        let words = ["printerd", "update"].into_iter().chain(words.split(' '));
        Arguments::try_parse_from(words)
            .map(|arguments| match arguments.into_request().0 {
                Request::Update(request) => request.command,
                other => panic!("not an update: {other:?}"),
            })
            .map_err(|error| error.kind())
    }

    #[test]
    fn wishes_are_named_or_taken_back() {
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument, ValueValidation};
        let version = Version::new(1, 4, 0);
        assert_eq!(
            command("install --version 1.4.0"),
            Ok(Command::Install {
                source: Source::Repository,
                version: Some(version.clone()),
                reboot: false
            })
        );
        assert_eq!(command("skip 1.4.0"), Ok(Command::Skip(Some(version))));
        assert_eq!(command("skip --none"), Ok(Command::Skip(None)));
        let week = "7d".parse().unwrap();
        assert_eq!(
            command("postpone --for 7d"),
            Ok(Command::Postpone(Some(week)))
        );
        assert_eq!(command("postpone --none"), Ok(Command::Postpone(None)));
        for (words, error) in [
            ("skip", MissingRequiredArgument),
            ("skip 1.4.0 --none", ArgumentConflict),
            ("skip 1.4", ValueValidation),
            ("postpone", MissingRequiredArgument),
            ("postpone --for 7d --none", ArgumentConflict),
            ("postpone --for 400d", ValueValidation),
            ("install --version newest", ValueValidation),
        ] {
            assert_eq!(command(words), Err(error), "{words}");
        }
    }

    #[test]
    fn the_long_help_gives_examples_and_exit_codes() {
        let help = Arguments::command().render_long_help().to_string();
        assert!(
            help.contains("printerd lan on") && help.contains("another update command is at work")
        );
    }
}
