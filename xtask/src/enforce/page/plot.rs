//! Plots as inline SVG: a bar of shares, and a curve by week. Widths and heights are whole numbers of a plot's own units.

use indicatif::HumanCount;
use maud::{Markup, html};

use crate::enforce::impact::{Point, Tally};

/// Units of a bar's length.
const WHOLE: u64 = 10_000;
/// The least of them that can be seen.
const VISIBLE: u64 = 20;
/// Of the curve.
const WIDTH: u64 = 600;
const HEIGHT: u64 = 140;

/// Classes of printers, in the order of a bar.
const CLASSES: [(&str, &str); 5] = [
    ("fine", "not concerned"),
    ("rescued", "rescued by the date"),
    ("lost", "lost on the date"),
    ("stranded", "stranded"),
    ("spared", "spared for a time"),
];

/// What the colours mean.
pub(super) fn key() -> Markup {
    html! {
        p.key {
            @for (class, name) in CLASSES {
                span {
                    svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" {} }
                    (name)
                }
            }
        }
    }
}

/// A bar over its whole width: shares are compared, and the numbers stand beside it.
pub(super) fn bar(tally: &Tally) -> Markup {
    let concerned = tally.lost_now + tally.stranded + tally.spared;
    let counts = [
        tally.printers.saturating_sub(concerned),
        tally.rescued,
        tally.lost_then,
        tally.stranded,
        tally.spared,
    ];
    let mut from = 0;
    let parts = CLASSES
        .iter()
        .zip(counts)
        .map(|((class, what), printers)| {
            let (start, width) = (from, share(printers, tally.printers, WHOLE));
            from += width;
            (class, what, printers, start, width.max(VISIBLE))
        })
        .filter(|(_, _, printers, ..)| *printers > 0);
    let parts: Vec<_> = parts.collect();
    html! {
        svg.bar viewBox="0 0 10000 10" preserveAspectRatio="none" role="img" {
            @for (class, what, printers, from, width) in parts {
                rect class=(class) x=(from) width=(width) height="10" { title { (count(printers)) " " (what) } }
            }
        }
    }
}

/// How many would be refused, week by week.
pub(super) fn curve(points: &[Point]) -> Markup {
    let top = points.iter().map(|point| point.lost).max().unwrap_or(0);
    html! {
        @if let (Some(first), Some(last)) = (points.first(), points.last()) {
            h2 { "How many would be refused, week by week" }
            svg.plot viewBox="0 0 600 140" preserveAspectRatio="none" role="img" {
                polyline.curve points=(line(points, top)) vector-effect="non-scaling-stroke" {}
            }
            p.ends {
                span { (first.day) ": " (count(first.lost)) }
                span { (last.day) ": " (count(last.lost)) }
            }
        }
    }
}

fn line(points: &[Point], top: u64) -> String {
    let steps = u64::try_from(points.len()).map_or(1, |points| points.saturating_sub(1).max(1));
    let places = (0_u64..).zip(points).map(|(at, point)| {
        let below_the_top = HEIGHT - share(point.lost, top, HEIGHT);
        format!("{},{below_the_top}", at * WIDTH / steps)
    });
    places.collect::<Vec<_>>().join(" ")
}

fn share(count: u64, of: u64, whole: u64) -> u64 {
    let share = u128::from(count) * u128::from(whole) / u128::from(of.max(1));
    u64::try_from(share).unwrap_or(whole)
}

/// A number with its thousands apart.
pub(super) fn count(printers: u64) -> String {
    HumanCount(printers).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn a_bar_shows_even_the_few() {
        let tally = Tally {
            printers: 100_000,
            lost_now: 1,
            lost_then: 1,
            ..Tally::default()
        };
        let bar = bar(&tally).into_string();
        for part in [
            r#"class="fine" x="0" width="9999""#,
            r#"class="lost" x="9999" width="20""#,
        ] {
            assert!(bar.contains(part), "no {part} in {bar}");
        }
        assert!(!bar.contains("stranded"), "{bar}");
    }

    #[test]
    fn a_curve_of_one_week_is_told_too() {
        let day = jiff::civil::date(2026, 11, 25);
        let curve = curve(&[Point { day, lost: 1500 }]).into_string();
        assert!(curve.contains("2026-11-25: 1,500"), "{curve}");
        assert!(curve.contains(r#"points="0,0""#), "{curve}");
    }
}
