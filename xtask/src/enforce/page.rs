//! The plan as a page: plots in inline SVG, no script, nothing from anywhere else; for a phone too, by day and by night.

use std::fmt::{self, Write};

use super::impact::{Point, Row, Tally};
use super::plan::Plan;

/// The page.
pub(crate) fn render(plan: &Plan) -> String {
    Page(plan).to_string()
}

const STYLE: &str = "\
:root{color-scheme:light dark;--fine:#3b7dd8;--rescued:#7fb3ff;--lost:#d9542b;--stranded:#8b1e3f;--spared:#9a9a9a;\
--line:#8886;--ink:#1b1b1b;--paper:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#16181c}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:46rem;margin:auto;padding:1rem}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}svg{display:block;width:100%}\
.bar{height:.9rem}.bar rect,.key i{rx:2px}.row{margin:.6rem 0}.row p{margin:0;display:flex;justify-content:space-between;gap:1rem}\
.fine{fill:var(--fine)}.rescued{fill:var(--rescued)}.lost{fill:var(--lost)}.stranded{fill:var(--stranded)}\
.spared{fill:var(--spared)}.key svg{display:inline;width:.8rem;height:.8rem;margin-right:.3rem}\
.key span{margin-right:1rem;white-space:nowrap}.curve{fill:none;stroke:var(--lost);stroke-width:2}\
.axis{stroke:var(--line)}text{fill:var(--ink);font-size:12px}li{margin:.4rem 0}\
.wide{overflow-x:auto}table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}";

/// Classes of printers, in the order of a bar.
const CLASSES: [(&str, &str); 5] = [
    ("fine", "not concerned"),
    ("rescued", "rescued by the date"),
    ("lost", "lost on the date"),
    ("stranded", "stranded"),
    ("spared", "spared for a time"),
];

struct Page<'a>(&'a Plan);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plan, impact) = (self.0, &self.0.impact);
        let revision = plan.manifest.revision();
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>Rules, revision {revision}</title><style>{STYLE}</style></head><body>\n\
             <h1>Rules, revision {revision}: whom they hit</h1>\n<p>As of {}.</p>\n",
            plan.as_of
        )?;
        self.verdict(f)?;
        self.rules(f)?;
        legend(f)?;
        bars(f, "All printers", std::slice::from_ref(&row(&impact.total)))?;
        curve(f, &impact.curve)?;
        for (title, rows) in [
            ("By rule", &impact.rules),
            ("By model", &impact.models),
            ("By channel", &impact.channels),
            ("By region", &impact.regions),
            ("By when last seen", &impact.last_seen),
            ("By version that lacks something", &impact.versions),
        ] {
            bars(f, title, rows)?;
        }
        self.ways(f)?;
        f.write_str("</body></html>\n")
    }
}

impl Page<'_> {
    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusals = &self.0.refusals;
        if refusals.is_empty() {
            return f.write_str("<p><strong>Nothing speaks against it.</strong></p>\n");
        }
        writeln!(f, "<h2>It is refused</h2>\n<ul>")?;
        for refusal in refusals {
            writeln!(f, "<li>{}</li>", Text(&refusal.to_string()))?;
        }
        f.write_str("</ul>\n")
    }

    fn rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for enforced in self.0.manifest.rules() {
            let rule = &enforced.rule;
            writeln!(
                f,
                "<h2>{}</h2>\n<p>{} is withheld without {}: warned of from {} on, enforced from {} on. {}</p>",
                rule.name,
                rule.withholds,
                rule.capability,
                rule.warn_from,
                rule.enforce_from,
                Text(&rule.reason)
            )?;
        }
        Ok(())
    }

    fn ways(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.recoveries.is_empty() {
            return Ok(());
        }
        f.write_str("<h2>Ways back</h2>\n<ul>\n")?;
        for recovery in &self.0.recoveries {
            writeln!(f, "<li>{}</li>", Text(recovery.to_string().trim()))?;
        }
        f.write_str("</ul>\n")
    }
}

fn row(tally: &Tally) -> Row {
    Row {
        name: "all".to_owned(),
        tally: *tally,
    }
}

fn legend(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("<p class=\"key\">")?;
    for (class, name) in CLASSES {
        write!(
            f,
            "<span><svg viewBox=\"0 0 10 10\"><rect class=\"{class}\" width=\"10\" height=\"10\"/></svg>{name}</span>"
        )?;
    }
    f.write_str("</p>\n")
}

fn bars(f: &mut fmt::Formatter<'_>, title: &str, rows: &[Row]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(f, "<h2>{title}</h2>")?;
    rows.iter().try_for_each(|row| bar(f, row))
}

/// One bar over its whole width: shares are compared, and the numbers stand beside it.
fn bar(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let Row { name, tally } = row;
    let concerned = tally.lost_now + tally.stranded + tally.spared;
    let counts = [
        tally.printers.saturating_sub(concerned),
        tally.rescued,
        tally.lost_then,
        tally.stranded,
        tally.spared,
    ];
    writeln!(
        f,
        "<div class=\"row\"><p><span>{}</span><span>{} of {}</span></p>\
         <svg class=\"bar\" viewBox=\"0 0 10000 10\" preserveAspectRatio=\"none\" role=\"img\">",
        Text(name),
        Count(tally.lost_then + tally.stranded),
        Count(tally.printers)
    )?;
    let mut from = 0;
    for ((class, what), count) in CLASSES.iter().zip(counts) {
        let width = share(count, tally.printers);
        if count > 0 {
            write!(
                f,
                "<rect class=\"{class}\" x=\"{from}\" width=\"{}\" height=\"10\"><title>{} {what}</title></rect>",
                width.max(20),
                Count(count)
            )?;
        }
        from += width;
    }
    f.write_str("</svg></div>\n")
}

/// Of ten thousand.
fn share(count: u64, of: u64) -> u64 {
    let share = u128::from(count) * 10_000 / u128::from(of.max(1));
    u64::try_from(share).unwrap_or(10_000)
}

fn curve(f: &mut fmt::Formatter<'_>, points: &[Point]) -> fmt::Result {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok(());
    };
    let top = points.iter().map(|point| point.lost).max().unwrap_or(0);
    let steps = u64::try_from(points.len().saturating_sub(1))
        .unwrap_or(1)
        .max(1);
    let mut line = String::new();
    for (at, point) in (0_u64..).zip(points) {
        write!(
            line,
            "{},{} ",
            10 + at * 580 / steps,
            // From 20, the highest, down to 160, nobody.
            160 - share(point.lost, top) * 140 / 10_000
        )?;
    }
    writeln!(
        f,
        "<h2>How many would be refused, week by week</h2>\n\
         <svg viewBox=\"0 0 600 190\" role=\"img\"><line class=\"axis\" x1=\"10\" y1=\"160\" x2=\"590\" y2=\"160\"/>\
         <polyline class=\"curve\" points=\"{}\"/>\
         <text x=\"10\" y=\"14\">{}</text><text x=\"10\" y=\"180\">{}</text>\
         <text x=\"590\" y=\"180\" text-anchor=\"end\">{}: {}</text></svg>",
        line.trim_end(),
        Count(first.lost),
        first.day,
        last.day,
        Count(last.lost)
    )
}

/// A number with its thousands apart.
struct Count(u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// Text from outside, in HTML.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            _ => f.write_char(letter),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_no_markup() {
        let text = Text("<script src=\"x\">&").to_string();
        assert_eq!(text, "&lt;script src=&quot;x&quot;&gt;&amp;");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(|n| Count(n).to_string()),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
