//! The plan as a page: plots in inline SVG, no script, nothing from anywhere else; for a phone too, by day and by night.

mod plot;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::impact::{Row, Tally};
use super::plan::Plan;

const STYLE: &str = include_str!("page/style.css");

/// The page.
pub(crate) fn render(plan: &Plan) -> String {
    let (impact, revision) = (&plan.impact, plan.manifest.revision());
    let all = Row {
        name: "all".to_owned(),
        tally: impact.total,
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Rules, revision " (revision) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Rules, revision " (revision) ": whom they hit" }
                p { "As of " (plan.as_of) "." }
                (verdict(plan))
                (rules(plan))
                (plot::key())
                (bars("All printers", std::slice::from_ref(&all)))
                (plot::curve(&impact.curve))
                (bars("By rule", &impact.rules))
                (bars("By model", &impact.models))
                (bars("By channel", &impact.channels))
                (bars("By region", &impact.regions))
                (bars("By when last seen", &impact.last_seen))
                (bars("By version that lacks something", &impact.versions))
                (ways(plan))
            }
        }
    };
    page.into_string()
}

fn verdict(plan: &Plan) -> Markup {
    html! {
        @if plan.refusals.is_empty() {
            p { strong { "Nothing speaks against it." } }
        } @else {
            h2 { "It is refused" }
            ul { @for refusal in &plan.refusals { li { (refusal) } } }
        }
    }
}

fn rules(plan: &Plan) -> Markup {
    html! {
        @for enforced in plan.manifest.rules() {
            @let rule = &enforced.rule;
            h2 { (rule.name) }
            p {
                (rule.withholds) " is withheld without " (rule.capability) ": warned of from " (rule.warn_from)
                " on, enforced from " (rule.enforce_from) " on. " (rule.reason)
            }
        }
    }
}

fn bars(title: &str, rows: &[Row]) -> Markup {
    html! {
        @if !rows.is_empty() {
            h2 { (title) }
            @for Row { name, tally } in rows { (row(name, tally)) }
        }
    }
}

fn row(name: &str, tally: &Tally) -> Markup {
    html! {
        div.row {
            p {
                span { (name) }
                span { (plot::count(tally.lost_then + tally.stranded)) " of " (plot::count(tally.printers)) }
            }
            (plot::bar(tally))
        }
    }
}

fn ways(plan: &Plan) -> Markup {
    html! {
        @if !plan.recoveries.is_empty() {
            h2 { "Ways back" }
            ul { @for recovery in &plan.recoveries { li { (recovery.to_string().trim()) } } }
        }
    }
}
