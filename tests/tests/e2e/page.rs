//! The gate's page, in the browser of an operator: on a phone and on a desk, by day and by night.

use std::path::Path;

use firstlayer_census::{Entry, Store};
use firstlayer_tests::chromium::{Browser, Page, Screen};
use firstlayer_tests::fixture::{BOARDS, Fixture};
use firstlayer_tests::gate::{Gate, lay_out};
use firstlayer_tests::skip;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::look::{assert_sound, picture};

/// Days of the story, the last one today.
const DAYS: i64 = 40;
/// Printers in use, and silent ones.
const PRINTERS: i64 = 60;
const SILENT: i64 = 5;
const AHEAD: i64 = 20;

#[test]
fn an_operator_reads_it_on_a_phone_and_on_a_desk() {
    let mut browser = match Browser::start() {
        Ok(browser) => browser,
        Err(reason) => skip!("{reason}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let gate = gate(folder.path());
    let url = format!("http://{}/", gate.address());
    for (screen, name) in [(Screen::Phone, "phone"), (Screen::Desk, "desk")] {
        let mut page = browser.open(&url, screen);
        check(&mut page, &url);
        let day = picture(&mut page, &format!("page-{name}"));
        page.darken();
        let night = picture(&mut page, &format!("page-{name}-by-night"));
        assert!(day != night, "night looks like day");
    }
}

fn check(page: &mut Page<'_>, url: &str) {
    assert_eq!(page.evaluate("document.title"), "Printers and rules");
    // Nothing lies outside its card, but in tables that scroll by themselves.
    let outside = "[...document.querySelectorAll('body *')].filter(element => \
                   !element.closest('.wide, svg') && element.getBoundingClientRect().right > window.innerWidth).length";
    assert_eq!(page.evaluate(outside), 0, "something is cut off");
    let texts = [
        "20 days until cloud-print is withheld",
        "first-one on stable",
        "offered to 10\u{a0}% of them",
        "40 refused",
        "timestamp",
    ];
    let cells = "[...document.querySelectorAll('section.card:first-of-type tbody td')].map(cell => cell.innerText)";
    let hit = json!(["first-one", "stable", "1.4.0", "20", "40", "0", "0"]);
    assert_eq!(page.evaluate(cells), hit);
    let drawn = page.evaluate("document.querySelectorAll('svg.plot rect').length");
    assert!(drawn.as_i64().unwrap() > DAYS, "{drawn} parts of columns");
    assert_sound(page, url, &texts);
}

fn gate(folder: &Path) -> Gate {
    let (now, hours) = (Timestamp::now(), SignedDuration::from_hours);
    // An hour more: looking takes less on the busiest machine.
    let ahead = now + hours(24 * AHEAD + 1);
    let rule = format!(
        "[[rules]]\nname = \"https-only\"\ncapability = \"https-transfer\"\nwithholds = \"cloud-print\"\n\
         warn_from = \"{}\"\nenforce_from = \"{ahead}\"\nreason = \"model files travel over HTTPS only\"\n\
         help = \"https://help.example.org/https\"\n",
        now - hours(24)
    );
    let waves = json!([
        { "starts": now - hours(24 * 10), "percent": 10 },
        { "starts": now + hours(24 * 3), "percent": 100 },
    ]);
    Fixture::new(BOARDS[0])
        .release("1.2.0")
        .release("1.3.0")
        .release("1.4.0")
        .able(&["https-transfer"])
        .say("stable.json", move |stable| {
            stable["releases"][2]["waves"] = waves.clone()
        })
        .enforcing(1, &rule)
        .publish(&folder.join("repository"));
    seed(&format!("sqlite:{}", folder.join("census.db").display()));
    Gate::start(&lay_out(folder))
}

/// Printers report every day; the third of them gets 1.4.0, one after the other, and the others go from 1.2.0 to 1.3.0.
#[tokio::main(flavor = "current_thread")]
async fn seed(database: &str) {
    let store = Store::open(&database.parse().unwrap()).await.unwrap();
    let silent: Vec<_> = (0..SILENT)
        .map(|number| seen(1000 + number, "1.2.0", DAYS))
        .collect();
    store.record(&silent).await.unwrap();
    for ago in (0..DAYS).rev() {
        let day = DAYS - 1 - ago;
        let today = (0..PRINTERS).map(|number| {
            let version = match number % 3 {
                0 if number < 2 * day => "1.4.0",
                0 => "1.3.0",
                _ if number < 3 * day => "1.3.0",
                _ => "1.2.0",
            };
            seen(number, version, ago)
        });
        store.record(&today.collect::<Vec<_>>()).await.unwrap();
    }
    store.close().await;
}

fn seen(number: i64, version: &str, days_ago: i64) -> Entry {
    Entry {
        serial: format!("FL-{number}").parse().unwrap(),
        model: BOARDS[0].model.parse().unwrap(),
        version: version.parse().unwrap(),
        channel: "stable".parse().unwrap(),
        region: None,
        last_seen: Timestamp::now() - SignedDuration::from_hours(24 * days_ago),
    }
}
