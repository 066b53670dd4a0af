//! Help texts and reports, as people see them. `INSTA_UPDATE=always cargo test -p xtask` writes them anew.

use std::process::Command;

use crate::workshop::Workshop;

pub(crate) fn run(workshop: &Workshop, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(&workshop.root)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "110")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    format!(
        "{}{}exit code {code}\n",
        text(&output.stdout),
        text(&output.stderr)
    )
    .replace(workshop.root.as_str(), "CHECKOUT")
}

#[test]
fn help_texts() {
    let workshop = Workshop::new();
    let verbs = ["release", "status", "validate", "serve", "clean"];
    let texts: Vec<_> = verbs
        .iter()
        .map(|verb| run(&workshop, &[verb, "--help"]))
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn reports() {
    let mut workshop = Workshop::new();
    workshop.now = jiff::Timestamp::now();
    let released = workshop.release().unwrap().to_string();
    let unchanged = workshop.release().unwrap().to_string();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("[0-9a-f]{64}", "SHA256");
    settings.add_filter("[0-9]+ bytes", "N bytes");
    settings.add_filter("image [0-9]+", "image N");
    settings.add_filter("g[0-9a-f]{8}", "gCOMMIT");
    settings.add_filter("[0-9a-f]{12} of", "COMMIT of");
    let texts = [
        released.replace(workshop.root.as_str(), "CHECKOUT"),
        unchanged.replace(workshop.root.as_str(), "CHECKOUT"),
        run(&workshop, &["release", "--dry-run"]),
        run(&workshop, &["status"]),
        run(&workshop, &["validate"]),
        run(&workshop, &["clean", "--dry-run"]),
        run(&workshop, &["release", "--channel", "nightly", "--dry-run"]),
    ];
    settings.bind(|| insta::assert_snapshot!(texts.join("\n")));
}
