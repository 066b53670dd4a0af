//! Plots as inline SVG: a bar of shares, and columns by day. Widths and heights are whole numbers of a plot's own units.

use maud::{Markup, html};

use super::History;

/// Units of a bar's length.
const WHOLE: u64 = 10_000;
/// Of the plot by day: where the columns are.
const WIDTH: u64 = 600;
const HEIGHT: u64 = 180;

/// A part of a bar: its class, what it is, how many.
pub(super) type Part<'a> = (&'a str, String, u64);

/// A bar over its whole width: shares are compared, and the numbers stand beside it.
pub(super) fn bar(parts: &[Part<'_>]) -> Markup {
    let total = parts.iter().map(|(.., count)| count).sum();
    let said: Vec<String> = parts
        .iter()
        .filter(|(.., count)| *count > 0)
        .map(|(_, what, count)| format!("{} {what}", thousands(*count)))
        .collect();
    let mut from = 0;
    let rectangles = parts.iter().map(|(class, _, count)| {
        let (start, width) = (from, share(*count, total, WHOLE));
        from += width;
        (class, start, width)
    });
    let rectangles: Vec<_> = rectangles.filter(|(.., width)| *width > 0).collect();
    html! {
        svg.bar viewBox="0 0 10000 10" preserveAspectRatio="none" role="img" aria-label=(said.join(", ")) {
            @for (class, from, width) in rectangles {
                rect class=(class) x=(from) width=(width) height="10" {}
            }
        }
    }
}

/// Columns by day, a part for each version.
pub(super) fn columns(history: &History) -> Markup {
    let totals: Vec<u64> = (0..history.days.len())
        .map(|at| {
            history
                .series
                .iter()
                .filter_map(|one| one.printers.get(at))
                .sum()
        })
        .collect();
    let top = totals.iter().copied().max().unwrap_or(0);
    let (first, last) = (history.days.first(), history.days.last());
    html! {
        p.soft { "At most " (thousands(top)) " a day" }
        svg.plot viewBox="0 0 600 180" preserveAspectRatio="none" shape-rendering="crispEdges" role="img"
            aria-label=(format!("printers seen by day and version, at most {} a day", thousands(top))) {
            @for at in 0..history.days.len() { (column(history, at, top)) }
        }
        p.soft.ends {
            @if let Some(first) = first { span { (first) } }
            @if let Some(last) = last.filter(|last| Some(*last) != first) { span { (last) } }
        }
    }
}

/// The oldest version stands at the bottom.
fn column(history: &History, at: usize, top: u64) -> Markup {
    let days = u64::try_from(history.days.len()).unwrap_or(u64::MAX).max(1);
    let edge = |at: usize| u64::try_from(at).unwrap_or(u64::MAX).saturating_mul(WIDTH) / days;
    let (left, right) = (edge(at), edge(at + 1));
    let mut below = 0;
    let height = |count| share(count, top, HEIGHT);
    let parts = history
        .series
        .iter()
        .enumerate()
        .rev()
        .map(|(number, series)| {
            let count = series.printers.get(at).copied().unwrap_or_default();
            let (from, to) = (height(below), height(below + count));
            below += count;
            (number, HEIGHT - to, to - from)
        });
    let parts: Vec<_> = parts.filter(|(.., height)| *height > 0).collect();
    html! {
        @for (number, y, height) in parts {
            rect class=(format!("v{number}")) x=(left) y=(y) width=(right - left) height=(height) {}
        }
    }
}

/// What the classes stand for.
pub(super) fn key<'a>(entries: impl IntoIterator<Item = (&'a str, String)>) -> Markup {
    html! {
        p.key {
            @for (class, name) in entries {
                span {
                    svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" rx="2" {} }
                    (name)
                }
            }
        }
    }
}

/// A number with its thousands apart.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How much of `whole` these are of all.
fn share(count: u64, all: u64, whole: u64) -> u64 {
    let share = u128::from(count) * u128::from(whole) / u128::from(all.max(1));
    u64::try_from(share).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::super::Series;
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let numbers = [0, 999, 1000, 1_234_567].map(thousands);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_bar_is_filled_and_says_its_counts() {
        let parts = [
            ("fine", "fine".to_owned(), 3),
            ("refused", "refused".to_owned(), 0),
        ];
        let bar = bar(&parts).into_string();
        assert!(bar.contains("aria-label=\"3 fine\""), "{bar}");
        assert_eq!(bar.matches("<rect").count(), 1, "{bar}");
        assert!(bar.contains("width=\"10000\""), "{bar}");
    }

    #[test]
    fn columns_stand_on_each_other() {
        let history = History {
            days: vec!["2026-11-01".parse().unwrap(), "2026-11-02".parse().unwrap()],
            series: vec![
                Series {
                    version: Some("1.4.0".parse().unwrap()),
                    printers: vec![0, 30],
                },
                Series {
                    version: None,
                    printers: vec![60, 30],
                },
            ],
        };
        let plot = columns(&history).into_string();
        for part in [
            "class=\"v1\" x=\"0\" y=\"0\" width=\"300\" height=\"180\"",
            "class=\"v1\" x=\"300\" y=\"90\" width=\"300\" height=\"90\"",
            "class=\"v0\" x=\"300\" y=\"0\" width=\"300\" height=\"90\"",
        ] {
            assert!(plot.contains(part), "no {part} in {plot}");
        }
        assert_eq!(plot.matches("<rect").count(), 3);
    }
}
