//! The overview as a page: no script, nothing from elsewhere, for a phone too, by day and by night.

use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::plot::{bar, columns, key, thousands};
use super::rule::Counts;
use super::{Fleet, History, Hit, Overview, RuleEffect};
use crate::metadata::{Freshness, Status};

/// The page's style, as it stands in the page.
pub const STYLE: &str = include_str!("style.css");

/// Signatures that expire within so many days are late.
const LATE: i64 = 2;

/// The page.
pub fn page(overview: &Overview) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Printers and rules" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Printers and rules" }
                p.soft { "As of " (minute(overview.as_of)) ", by revision " (revision(overview)) " of the rules." }
                (alarms(overview))
                (figures(overview))
                (rules(overview))
                (history(&overview.history))
                (fleets(overview))
                (metadata(overview))
            }
        }
    }
}

fn revision(overview: &Overview) -> String {
    overview
        .revision
        .map_or_else(|| "none".to_owned(), |revision| revision.to_string())
}

fn alarms(overview: &Overview) -> Markup {
    html! {
        @if overview.status == Status::Starting {
            p.alarm role="alert" { "No rules were verified yet: nothing is decided." }
        }
        @if let Some(alarm) = &overview.alarm {
            p.alarm role="alert" {
                "Since " (minute(alarm.since)) " the rules are not fresh: " (alarm.why)
            }
        }
        @if overview.census.is_none() {
            p.alarm role="alert" { "The census cannot be read: no printers are counted here." }
        }
    }
}

fn figures(overview: &Overview) -> Markup {
    let Some(census) = overview.census else {
        return html! {};
    };
    let sum = |count: fn(&Fleet) -> u64| overview.fleets.iter().map(count).sum();
    let figures: [(&str, u64); 4] = [
        ("printers in use", census.in_use),
        ("run the newest release", sum(|fleet| fleet.current)),
        ("are behind it", sum(|fleet| fleet.behind)),
        ("silent for 30 days", census.silent),
    ];
    html! {
        div.figures {
            @for (what, count) in figures { div { b { (thousands(count)) } (what) } }
        }
    }
}

fn rules(overview: &Overview) -> Markup {
    html! {
        h2 { "Deadlines" }
        @if overview.rules.is_empty() { p { "Nothing is withheld from anybody." } }
        @for effect in &overview.rules { (rule(effect, overview.as_of)) }
        @if !overview.rules.is_empty() {
            p.soft {
                "Printers in use, with the versions that they have today. What lies ahead hits those that do not update \
                 until then."
            }
        }
    }
}

fn rule(effect: &RuleEffect, now: Timestamp) -> Markup {
    let RuleEffect {
        rule,
        capability,
        withholds,
        warn_from,
        enforce_from,
        ..
    } = effect;
    let when = match (effect.ahead, *enforce_from > now) {
        (true, true) => format!(
            "{} until {} is withheld",
            away(*enforce_from, now),
            withholds
        ),
        // Time stands still in rules that have expired.
        (true, false) => format!("{withholds} is not withheld: the rules expired before the day"),
        (false, _) => format!("{withholds} is withheld since {}", day(*enforce_from)),
    };
    html! {
        section.card {
            h3 { (rule) ": " (when) }
            p.soft {
                "Needs " (capability) ". Warns from " (day(*warn_from)) ", enforced from " (day(*enforce_from)) "."
            }
            (bar(&parts(&effect.total)))
            (key(parts(&effect.total).into_iter().map(|(class, name, count)| (class, format!("{} {name}", thousands(count))))))
            div.wide { table {
                thead { tr {
                    th { "Model" } th { "Channel" } th { "Needs" }
                    @for (_, name) in CLASSES { th.number { (name) } }
                } }
                tbody { @for hit in &effect.hits { (hit_row(hit)) } }
            } }
        }
    }
}

/// What a rule does to printers.
const CLASSES: [(&str, &str); 4] = [
    ("fine", "fine"),
    ("refused", "refused"),
    ("stranded", "stranded"),
    ("spared", "spared"),
];

fn counts(counts: &Counts) -> [u64; 4] {
    [counts.fine, counts.refused, counts.stranded, counts.spared]
}

fn parts(of: &Counts) -> Vec<(&'static str, String, u64)> {
    let parts = CLASSES.into_iter().zip(counts(of));
    parts
        .map(|((class, name), count)| (class, name.to_owned(), count))
        .collect()
}

fn hit_row(hit: &Hit) -> Markup {
    html! {
        tr {
            td { (hit.model) } td { (hit.channel) } td { (hit.minimum) }
            @for count in counts(&hit.counts) { td.number { (thousands(count)) } }
        }
    }
}

fn history(history: &History) -> Markup {
    let names = history.series.iter().map(|series| match &series.version {
        Some(version) => version.to_string(),
        None => "older".to_owned(),
    });
    let classes = ["v0", "v1", "v2", "v3", "v4", "v5"];
    html! {
        h2 { "Versions in the field" }
        @if history.days.is_empty() {
            p { "No printer was seen in the last 90 days." }
        } @else {
            (columns(history))
            (key(classes.into_iter().zip(names)))
            p.soft { "Printers seen on each day, by the version that they reported last on it." }
        }
    }
}

fn fleets(overview: &Overview) -> Markup {
    html! {
        h2 { "Who is behind, and rollout" }
        @if overview.fleets.is_empty() { p { "There is no release, and no printer." } }
        @for fleet in &overview.fleets { (fleet_card(fleet)) }
    }
}

fn fleet_card(fleet: &Fleet) -> Markup {
    html! {
        section.card {
            h3 { (fleet.model) " on " (fleet.channel) }
            @match &fleet.newest {
                Some(newest) => p {
                    "Newest release " b { (newest.version) } ", offered to " (newest.percent) "\u{a0}% of them"
                    @if let Some(next) = newest.next_wave { "; the next wave begins " (minute(next)) }
                    "."
                },
                None => p { "No release is published for them." },
            }
            (bar(&[
                ("fine", "run it".to_owned(), fleet.current),
                ("refused", "are behind".to_owned(), fleet.behind),
            ]))
            p.soft {
                (thousands(fleet.current)) " run it, " (thousands(fleet.behind)) " are behind, "
                (thousands(fleet.silent)) " silent."
            }
            div.wide { table {
                thead { tr { th { "Version" } th.number { "Printers in use" } } }
                tbody {
                    @for counted in &fleet.versions {
                        tr { td { (counted.version) } td.number { (thousands(counted.printers)) } }
                    }
                    @if fleet.older > 0 { tr { td { "older" } td.number { (thousands(fleet.older)) } } }
                }
            } }
        }
    }
}

fn metadata(overview: &Overview) -> Markup {
    html! {
        h2 { "Signed metadata" }
        div.wide { table {
            thead { tr { th { "Role" } th { "Expires in" } th { "On" } th.number { "Version" } } }
            tbody { @for role in &overview.metadata { (freshness(role, overview.as_of)) } }
        } }
    }
}

fn freshness(role: &Freshness, now: Timestamp) -> Markup {
    let left = role.expires.duration_since(now);
    let late = left < SignedDuration::from_hours(24 * LATE);
    html! {
        tr {
            td { (role.role) }
            td.late[late] {
                @if left.is_positive() { (away(role.expires, now)) } @else { "expired" }
            }
            td { (minute(role.expires)) }
            td.number { (role.version) }
        }
    }
}

/// How far a time to come is away.
fn away(moment: Timestamp, now: Timestamp) -> String {
    let hours = moment.duration_since(now).as_hours();
    match hours {
        ..1 => "less than an hour".to_owned(),
        1 => "1 hour".to_owned(),
        2..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    }
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::rule::Counts;

    #[test]
    fn a_day_that_the_rules_did_not_live_to_see_is_not_told_as_one_to_come() {
        let enforce_from: Timestamp = "2030-11-25T00:00:00Z".parse().unwrap();
        let effect = |ahead| RuleEffect {
            rule: "https-only".parse().unwrap(),
            capability: "https-transfer".parse().unwrap(),
            withholds: "cloud-print".parse().unwrap(),
            warn_from: enforce_from,
            enforce_from,
            ahead,
            hits: Vec::new(),
            total: Counts::default(),
        };
        let shown = |ahead, now: &str| rule(&effect(ahead), now.parse().unwrap()).into_string();
        let (before, after) = ("2030-11-20T00:00:00Z", "2030-12-01T00:00:00Z");
        assert!(shown(true, before).contains("5 days until cloud-print is withheld"));
        assert!(shown(true, after).contains("not withheld: the rules expired"));
        assert!(shown(false, after).contains("withheld since 2030-11-25"));
    }
}
