//! One line after the header: cut into fields without copying, checked, and counted.

use jiff::{Timestamp, civil::Date};
use memchr::memchr;

use super::header::Header;
use crate::{
    Column, Day, Fault, Limits, Serial, SerialError,
    tally::{Counted, Tally},
};

/// Counts the printer of this line.
pub(super) fn count(
    line: &[u8],
    header: &Header,
    limits: &Limits,
    tally: &mut Tally,
) -> Result<(), Fault> {
    if line.len() > limits.line {
        return Err(Fault::TooLong { limit: limits.line });
    }
    let row = Row::parse(line, header)?;
    if !Serial::is_one(row.serial) {
        return Err(refused(Column::Serial, &SerialError));
    }
    let counted = Counted {
        model: row.model,
        version: row.version,
        channel: row.channel,
        region: row.region,
        last_seen: day(row.last_seen)?,
    };
    tally.add(&counted, 1)
}

/// The fields of a line: without their quotes. What is doubled in a quoted field stays doubled.
pub(super) fn fields(line: &[u8]) -> impl Iterator<Item = Result<&[u8], Fault>> {
    let quoted = memchr(b'"', line).is_some();
    let mut rest = Some(line);
    let mut field = 0_usize;
    std::iter::from_fn(move || {
        let text = rest?;
        field = field.saturating_add(1);
        let cut = if quoted {
            cut_quoted(text)
        } else {
            Some(cut(text))
        };
        // Nothing after a stray quote can be told apart.
        let found = cut.ok_or(Fault::Quote { field });
        rest = cut.and_then(|(_, rest)| rest);
        Some(found.map(|(value, _)| value))
    })
}

/// The known fields of a line.
#[derive(Debug, Default)]
struct Row<'a> {
    serial: &'a [u8],
    model: &'a [u8],
    version: &'a [u8],
    channel: &'a [u8],
    region: &'a [u8],
    last_seen: &'a [u8],
}

impl<'a> Row<'a> {
    fn parse(line: &'a [u8], header: &Header) -> Result<Self, Fault> {
        let mut row = Self::default();
        let mut found = 0_usize;
        for field in fields(line) {
            let value = field?;
            match header.column(found).flatten() {
                Some(Column::Serial) => row.serial = value,
                Some(Column::Model) => row.model = value,
                Some(Column::Version) => row.version = value,
                Some(Column::Channel) => row.channel = value,
                Some(Column::Region) => row.region = value,
                Some(Column::LastSeen) => row.last_seen = value,
                None => {}
            }
            found = found.saturating_add(1);
        }
        let wanted = header.len();
        if found != wanted {
            return Err(Fault::Fields { found, wanted });
        }
        Ok(row)
    }
}

/// The first field and what comes after its comma.
fn cut(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let comma = text.iter().position(|byte| *byte == b',');
    match comma.and_then(|comma| text.split_at_checked(comma)) {
        Some((field, rest)) => (field, rest.get(1..)),
        None => (text, None),
    }
}

/// The same where quotes may be; `None` if one does not enclose the field.
fn cut_quoted(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let Some(inside) = text.strip_prefix(b"\"") else {
        let (field, rest) = cut(text);
        return memchr(b'"', field).is_none().then_some((field, rest));
    };
    let mut from = 0_usize;
    loop {
        let quote = from.checked_add(memchr(b'"', inside.get(from..)?)?)?;
        let (field, after) = (inside.get(..quote)?, inside.get(quote.checked_add(1)?..)?);
        match after {
            [] => return Some((field, None)),
            [b',', rest @ ..] => return Some((field, Some(rest))),
            [b'"', ..] => from = quote.checked_add(2)?,
            _ => return None,
        }
    }
}

/// The day of a time as RFC 3339 writes it.
fn day(text: &[u8]) -> Result<Day, Fault> {
    let found = day_in_utc(text).or_else(|| {
        let moment: Timestamp = str::from_utf8(text).ok()?.parse().ok()?;
        (moment >= Timestamp::UNIX_EPOCH).then(|| Day::of(moment))
    });
    found.ok_or_else(|| {
        let takes = "it takes a time from 1970 on as RFC 3339 writes it, like 2026-11-25T08:00:00Z";
        refused(Column::LastSeen, &takes)
    })
}

/// The day of a time in UTC and in the usual spelling: nearly all are, and this is many times as fast as the parser that
/// knows every other one.
fn day_in_utc(text: &[u8]) -> Option<Day> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        fraction @ ..,
        b'Z',
    ] = text
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let (hour, minute, second) = (
        number(&[*h1, *h2])?,
        number(&[*i1, *i2])?,
        number(&[*s1, *s2])?,
    );
    let plain = match fraction {
        [] => true,
        [b'.', digits @ ..] => {
            (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    if !plain || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Day::new(date.ok()?).ok()
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i16::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn refused(column: Column, problem: &dyn ToString) -> Fault {
    let problem = problem.to_string();
    Fault::Value { column, problem }
}
