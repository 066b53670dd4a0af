//! The story that the project exists for, as a visitor has it told.

use firstlayer_tests::chromium::{Browser, Screen};
use firstlayer_tests::process::run;
use firstlayer_tests::release::LIMIT;
use firstlayer_tests::skip;
use firstlayer_tests::workshop::xtask;

use crate::look::{assert_sound, picture};

#[test]
fn the_story_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = xtask(["demo", "--json", "--folder"]);
    let told = run(demo.arg(folder.path()), LIMIT).expect_success("cargo xtask demo");
    let told = told.json();
    let releases = told["releases"].as_array().unwrap();
    let able: Vec<bool> = releases
        .iter()
        .map(|release| {
            let capabilities = release["capabilities"].as_array().unwrap();
            // The rest was measured all the same.
            assert!(capabilities.contains(&"signed-update".into()), "{release}");
            capabilities.contains(&"https-transfer".into())
        })
        .collect();
    assert_eq!(able, [false, false, false, false, true]);
    let newest = &releases[4]["version"];
    let (plan, total) = (&told["plan"], &told["plan"]["total"]);
    assert_eq!(&plan["minimum"], newest);
    assert_eq!(
        (&total["printers"], &total["lost_now"]),
        (&100_000.into(), &6000.into())
    );
    assert_eq!((&total["stranded"], &plan["tried"]), (&0.into(), &4.into()));
    let refused = &told["refused"];
    assert_eq!(refused["status"], 426);
    assert_eq!(&refused["answer"]["update"]["way"][0], newest);
    assert_eq!(refused["printer_shows"]["decision"], "update-required");
    assert!(
        refused["answer"]["update"]["repository"]
            .as_str()
            .unwrap()
            .starts_with("http://")
    );
    assert_eq!(
        (&told["updated"]["from"], &told["updated"]["to"]),
        (&refused["version"], newest)
    );
    let printed = &told["printed"];
    assert_eq!(
        (&printed["scheme"], &printed["state"]),
        (&"https".into(), &"FINISH".into())
    );
    look_at(plan["page"].as_str().unwrap());
}

/// The plan's page, as whoever decides about it sees it on a phone.
fn look_at(file: &str) {
    let mut browser = match Browser::start() {
        Ok(browser) => browser,
        Err(reason) => skip!("{reason}"),
    };
    let url = format!("file://{file}");
    let mut page = browser.open(&url, Screen::Phone);
    let texts = [
        "Nothing speaks against it.",
        "2,058 of 100,000",
        "Ways back",
    ];
    assert_sound(&mut page, &url, &texts);
    picture(&mut page, "plan-phone");
}
