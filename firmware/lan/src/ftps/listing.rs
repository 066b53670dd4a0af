//! Listings: for people's clients as `ls -l` prints them, for programs as facts (RFC 3659). Nothing here reads a clock.

use std::time::{Duration, SystemTime};

use firstlayer_card::{Entry, Kind};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Within this, a listing shows the hour; outside, the year.
const RECENT: Duration = Duration::from_secs(182 * 24 * 60 * 60);

/// How the entries of a listing are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// LIST, as of this moment.
    Long(SystemTime),
    /// NLST: names, each behind this prefix, so that RETR takes them.
    Names(String),
    /// MLSD.
    Facts(Facts),
}

/// Which facts MLSD and MLST tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    kind: bool,
    size: bool,
    modify: bool,
}

impl Facts {
    pub(crate) const ALL: Self = Self {
        kind: true,
        size: true,
        modify: true,
    };

    /// The facts named in `OPTS MLST`; unknown ones are left out, as the RFC has it.
    pub(crate) fn parse(text: &str) -> Self {
        let named = |name| {
            text.split(';')
                .any(|fact| fact.trim().eq_ignore_ascii_case(name))
        };
        Self {
            kind: named("type"),
            size: named("size"),
            modify: named("modify"),
        }
    }

    /// As the reply to `OPTS MLST` names them.
    pub(crate) fn names(self) -> String {
        let names = [
            (self.kind, "type;"),
            (self.size, "size;"),
            (self.modify, "modify;"),
        ];
        names
            .into_iter()
            .filter(|(told, _)| *told)
            .map(|(_, name)| name)
            .collect()
    }

    /// The facts of an entry, without its name.
    pub(crate) fn of(self, entry: &Entry) -> String {
        let mut facts = String::new();
        if self.kind {
            facts.push_str(if entry.kind == Kind::Folder {
                "type=dir;"
            } else {
                "type=file;"
            });
        }
        if self.size && entry.kind == Kind::File {
            facts.push_str(&format!("size={};", entry.size));
        }
        if self.modify {
            facts.push_str(&format!("modify={};", stamp(entry.modified)));
        }
        facts
    }
}

impl Form {
    /// One line with its end.
    pub(crate) fn line(&self, entry: &Entry) -> String {
        let name = &entry.name;
        match self {
            Self::Long(now) => format!("{}\r\n", long(entry, *now)),
            Self::Names(prefix) => format!("{prefix}{name}\r\n"),
            Self::Facts(facts) => format!("{} {name}\r\n", facts.of(entry)),
        }
    }
}

/// `YYYYMMDDHHMMSS` in UTC.
pub(crate) fn stamp(time: SystemTime) -> String {
    format(time, "%Y%m%d%H%M%S")
}

fn long(entry: &Entry, now: SystemTime) -> String {
    let mode = if entry.kind == Kind::Folder {
        "drwxr-xr-x"
    } else {
        "-rw-r--r--"
    };
    let age = now.duration_since(entry.modified);
    let form = if age.is_ok_and(|age| age < RECENT) {
        "%b %d %H:%M"
    } else {
        "%b %d  %Y"
    };
    let time = format(entry.modified, form);
    format!("{mode} 1 root root {} {time} {}", entry.size, entry.name)
}

fn format(time: SystemTime, form: &str) -> String {
    // A card may hold any time; one that no calendar has is shown as the epoch.
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use firstlayer_card::{Card, CardLimits, CardPath, Start};

    use super::*;

    fn entry(modified: SystemTime) -> Entry {
        let folder = tempfile::tempdir().unwrap();
        let mut limits = CardLimits::default();
        limits.keep_free = 0;
        let card = Card::open(folder.path(), limits).unwrap();
        let path = CardPath::parse("/x y.3mf", &CardPath::root()).unwrap();
        let mut upload = card.upload(&path, Start::Fresh).unwrap();
        upload.write(&[0; 123]).unwrap();
        upload.finish().unwrap();
        card.set_modified(&path, modified).unwrap();
        card.metadata(&path).unwrap()
    }

    fn at(text: &str) -> SystemTime {
        text.parse::<Timestamp>().unwrap().into()
    }

    #[test]
    fn lines_look_as_clients_expect_them() {
        let entry = entry(at("2026-11-02T12:00:00Z"));
        let line = Form::Long(at("2026-11-23T00:00:00Z")).line(&entry);
        assert_eq!(line, "-rw-r--r-- 1 root root 123 Nov 02 12:00 x y.3mf\r\n");
        let line = Form::Long(at("2027-11-23T00:00:00Z")).line(&entry);
        assert_eq!(line, "-rw-r--r-- 1 root root 123 Nov 02  2026 x y.3mf\r\n");
        assert_eq!(
            Form::Names("cache/".into()).line(&entry),
            "cache/x y.3mf\r\n"
        );
        let line = Form::Facts(Facts::ALL).line(&entry);
        assert_eq!(
            line,
            "type=file;size=123;modify=20261102120000; x y.3mf\r\n"
        );
    }

    #[test]
    fn facts_are_chosen() {
        let facts = Facts::parse("Type;UNIX.mode;MODIFY;");
        assert_eq!(facts.names(), "type;modify;");
        assert_eq!(
            facts.of(&entry(at("1970-01-01T00:00:00Z"))),
            "type=file;modify=19700101000000;"
        );
        assert_eq!(Facts::parse("").names(), "");
    }
}
