//! Commands: a line is one of them, or refused. Nothing here knows the state of a session.

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use zeroize::Zeroizing;

use super::listing::Facts;

/// A command with its checked arguments. Paths are still texts: what they mean depends on the current folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    User(String),
    Pass(Password),
    Quit,
    Noop,
    Syst,
    Help,
    Feat,
    Stat,
    OptsUtf8,
    OptsMlst(Facts),
    Auth,
    Pbsz,
    ProtPrivate,
    /// Any other level: data would go unprotected.
    ProtOther,
    /// A type that is known; bytes go as they are in each.
    Type,
    Structure,
    Mode,
    Allo(u64),
    Pwd,
    Cwd(String),
    Cdup,
    Mkd(String),
    Rmd(String),
    Dele(String),
    Rnfr(String),
    Rnto(String),
    Size(String),
    Mdtm(String),
    Mfmt(SystemTime, String),
    Mlst(Option<String>),
    Pasv,
    Epsv(Extended),
    Rest(u64),
    Stor(String),
    Appe(String),
    Retr(String),
    List(Option<String>),
    Nlst(Option<String>),
    Mlsd(Option<String>),
    Abor,
}

/// The argument of EPSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extended {
    /// None: the family of the control connection.
    Same,
    /// `1`.
    Four,
    /// `2`.
    Six,
    /// `ALL`: nothing but EPSV will follow.
    All,
}

/// What was given as the access code. Wiped when dropped, and shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(Zeroizing<Vec<u8>>);

impl Password {
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("this is no command")]
    NoCommand,
    #[error("this command is not offered")]
    Unknown,
    #[error("the argument is missing or cannot be read")]
    Argument,
    #[error("this parameter is not offered")]
    Parameter,
    #[error("this network protocol is not offered, use (1,2)")]
    Protocol,
}

impl CommandError {
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::NoCommand => 500,
            Self::Unknown => 502,
            Self::Argument => 501,
            Self::Parameter => 504,
            Self::Protocol => 522,
        }
    }
}

/// The verbs that HELP names.
pub(crate) const VERBS: &str = "ABOR ALLO APPE CDUP CWD DELE EPSV FEAT HELP LIST MDTM MFMT MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PBSZ PROT PWD QUIT REST RETR RMD RNFR RNTO SIZE STAT STOR STRU SYST TYPE USER";

/// The longest verb, and more: what is longer is garbage, or another protocol.
const VERB_BYTES: usize = 8;

impl Command {
    /// Reads a line without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let (verb, argument) = split(skip_telnet(line));
        let verb = verb.to_ascii_uppercase();
        if verb.is_empty() || verb.len() > VERB_BYTES || !verb.iter().all(u8::is_ascii_alphabetic) {
            return Err(CommandError::NoCommand);
        }
        if verb == b"PASS" {
            return Ok(Self::Pass(Password(Zeroizing::new(
                argument.unwrap_or_default().to_vec(),
            ))));
        }
        let argument = argument
            .map(str::from_utf8)
            .transpose()
            .map_err(|_| CommandError::Argument)?;
        let argument = argument.filter(|text| !text.is_empty());
        let needed = || argument.map(str::to_owned).ok_or(CommandError::Argument);
        Ok(match verb.as_slice() {
            b"USER" => Self::User(needed()?),
            b"QUIT" => Self::Quit,
            b"NOOP" => Self::Noop,
            b"SYST" => Self::Syst,
            b"HELP" => Self::Help,
            b"FEAT" => Self::Feat,
            b"STAT" if argument.is_none() => Self::Stat,
            b"STAT" => return Err(CommandError::Parameter),
            b"OPTS" => options(&needed()?)?,
            b"AUTH" => Self::Auth,
            b"PBSZ" => number(argument).map(|_| Self::Pbsz)?,
            b"PROT" if is(argument, &["P"]) => Self::ProtPrivate,
            b"PROT" if argument.is_some() => Self::ProtOther,
            b"TYPE" if is(argument, &["I", "L 8", "A", "A N"]) => Self::Type,
            b"STRU" if is(argument, &["F"]) => Self::Structure,
            b"MODE" if is(argument, &["S"]) => Self::Mode,
            b"TYPE" | b"STRU" | b"MODE" if argument.is_some() => {
                return Err(CommandError::Parameter);
            }
            b"PROT" | b"TYPE" | b"STRU" | b"MODE" => return Err(CommandError::Argument),
            b"ALLO" => Self::Allo(number(argument.and_then(|text| text.split(' ').next()))?),
            b"PWD" | b"XPWD" => Self::Pwd,
            // The one way up: everywhere else, `..` is refused.
            b"CWD" | b"XCWD" if argument == Some("..") => Self::Cdup,
            b"CWD" | b"XCWD" => Self::Cwd(needed()?),
            b"CDUP" | b"XCUP" => Self::Cdup,
            b"MKD" | b"XMKD" => Self::Mkd(needed()?),
            b"RMD" | b"XRMD" => Self::Rmd(needed()?),
            b"DELE" => Self::Dele(needed()?),
            b"RNFR" => Self::Rnfr(needed()?),
            b"RNTO" => Self::Rnto(needed()?),
            b"SIZE" => Self::Size(needed()?),
            b"MDTM" => Self::Mdtm(needed()?),
            b"MFMT" => modified(&needed()?)?,
            b"MLST" => Self::Mlst(argument.map(str::to_owned)),
            b"PASV" => Self::Pasv,
            b"EPSV" => Self::Epsv(extended(argument)?),
            b"REST" => Self::Rest(number(argument)?),
            b"STOR" => Self::Stor(needed()?),
            b"APPE" => Self::Appe(needed()?),
            b"RETR" => Self::Retr(needed()?),
            b"LIST" => Self::List(argument.and_then(without_options)),
            b"NLST" => Self::Nlst(argument.and_then(without_options)),
            b"MLSD" => Self::Mlsd(argument.map(str::to_owned)),
            b"ABOR" => Self::Abor,
            _ => return Err(CommandError::Unknown),
        })
    }
}

/// Clients may put Telnet's "interrupt" and "data mark" before ABOR.
fn skip_telnet(line: &[u8]) -> &[u8] {
    let start = line
        .iter()
        .position(|byte| !matches!(byte, 0xf2 | 0xf4 | 0xff));
    start
        .and_then(|start| line.get(start..))
        .unwrap_or_default()
}

fn split(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = line.splitn(2, |byte| *byte == b' ');
    (parts.next().unwrap_or_default(), parts.next())
}

fn is(argument: Option<&str>, wanted: &[&str]) -> bool {
    argument.is_some_and(|argument| {
        wanted
            .iter()
            .any(|text| argument.trim().eq_ignore_ascii_case(text))
    })
}

/// Digits only: `u64`'s own reading takes a plus sign too.
fn number(argument: Option<&str>) -> Result<u64, CommandError> {
    let digits = argument
        .map(str::trim)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .ok_or(CommandError::Argument)
}

fn options(argument: &str) -> Result<Command, CommandError> {
    let (what, value) = argument.split_once(' ').unwrap_or((argument, ""));
    if what.eq_ignore_ascii_case("UTF8") && is(Some(value), &["", "ON"]) {
        Ok(Command::OptsUtf8)
    } else if what.eq_ignore_ascii_case("MLST") {
        Ok(Command::OptsMlst(Facts::parse(value)))
    } else {
        Err(CommandError::Parameter)
    }
}

fn extended(argument: Option<&str>) -> Result<Extended, CommandError> {
    match argument.map(str::trim) {
        None => Ok(Extended::Same),
        Some("1") => Ok(Extended::Four),
        Some("2") => Ok(Extended::Six),
        Some(all) if all.eq_ignore_ascii_case("ALL") => Ok(Extended::All),
        Some(_) => Err(CommandError::Protocol),
    }
}

/// `YYYYMMDDHHMMSS path`, in UTC; fractions of a second are dropped.
fn modified(argument: &str) -> Result<Command, CommandError> {
    let (time, path) = argument.split_once(' ').ok_or(CommandError::Argument)?;
    let time = time.split_once('.').map_or(time, |(whole, _)| whole);
    if time.len() != 14 || !time.bytes().all(|byte| byte.is_ascii_digit()) || path.is_empty() {
        return Err(CommandError::Argument);
    }
    let time = DateTime::strptime("%Y%m%d%H%M%S", time)
        .ok()
        .and_then(|time| time.to_zoned(TimeZone::UTC).ok());
    let time = time.ok_or(CommandError::Argument)?.timestamp();
    Ok(Command::Mfmt(time.into(), path.to_owned()))
}

/// Clients pass options of `ls`, which mean nothing here.
fn without_options(argument: &str) -> Option<String> {
    let mut rest = argument.trim_start();
    while rest.starts_with('-') {
        rest = rest
            .split_once(' ')
            .map_or("", |(_, rest)| rest.trim_start());
    }
    Some(rest.to_owned()).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Result<Command, CommandError> {
        Command::parse(line.as_bytes())
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(parse("user bblp"), Ok(Command::User("bblp".into())));
        assert_eq!(
            parse("STOR /cache/a b.3mf"),
            Ok(Command::Stor("/cache/a b.3mf".into()))
        );
        assert_eq!(parse("CWD .."), Ok(Command::Cdup));
        assert_eq!(parse("TYPE A N"), Ok(Command::Type));
        assert_eq!(
            parse("LIST -al /cache"),
            Ok(Command::List(Some("/cache".into())))
        );
        assert_eq!(parse("LIST -a"), Ok(Command::List(None)));
        assert_eq!(parse("EPSV all"), Ok(Command::Epsv(Extended::All)));
        assert_eq!(parse("REST 17"), Ok(Command::Rest(17)));
        assert_eq!(parse("ALLO 17 R 3"), Ok(Command::Allo(17)));
        assert_eq!(Command::parse(b"\xff\xf4\xff\xf2ABOR"), Ok(Command::Abor));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        assert_eq!(
            parse("MFMT 20200913122640 a b"),
            Ok(Command::Mfmt(time, "a b".into()))
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (line, error) in [
            ("", CommandError::NoCommand),
            ("GET / HTTP/1.1\u{0}", CommandError::Unknown),
            ("NONSENSICAL", CommandError::NoCommand),
            ("SITE CHMOD 777 x", CommandError::Unknown),
            ("PORT 127,0,0,1,0,25", CommandError::Unknown),
            ("EPRT |1|127.0.0.1|25|", CommandError::Unknown),
            ("STOR", CommandError::Argument),
            ("STOR ", CommandError::Argument),
            ("REST -1", CommandError::Argument),
            ("REST +1", CommandError::Argument),
            ("REST 99999999999999999999", CommandError::Argument),
            ("PROT", CommandError::Argument),
            ("TYPE E", CommandError::Parameter),
            ("MODE Z", CommandError::Parameter),
            ("STRU R", CommandError::Parameter),
            ("EPSV 3", CommandError::Protocol),
            ("MFMT 20209913122640 x", CommandError::Argument),
            ("MFMT 20200913122640", CommandError::Argument),
            ("OPTS HASH", CommandError::Parameter),
        ] {
            assert_eq!(parse(line), Err(error), "{line:?}");
        }
        assert_eq!(
            Command::parse(b"STOR \xc3\x28"),
            Err(CommandError::Argument)
        );
        assert_eq!(parse("PROT C"), Ok(Command::ProtOther));
    }

    #[test]
    fn a_password_is_never_shown() {
        let command = Command::parse(b"PASS 1234\xff678 ").unwrap();
        assert!(!format!("{command:?}").contains("1234"));
        assert!(matches!(command, Command::Pass(password) if password.expose() == b"1234\xff678 "));
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Command::parse(&line);
        }

        #[test]
        fn any_argument_is_read_without_panic(verb in prop::sample::select(VERBS.split(' ').collect::<Vec<_>>()), argument in "\\PC{0,60}") {
            let _ = parse(&format!("{verb} {argument}"));
        }

        #[test]
        fn paths_arrive_as_they_were_sent(path in "[^\r\n]{1,60}") {
            prop_assert_eq!(parse(&format!("retr {path}")), Ok(Command::Retr(path.clone())));
        }
    }
}
