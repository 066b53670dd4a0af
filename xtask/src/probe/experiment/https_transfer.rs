//! `https-transfer`: a job's file is fetched over HTTPS from a server that is believed, and in no other way.

use std::io::{Cursor, Write};

use anyhow::{Context, Result};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Observations, told};
use crate::probe::bench::{Bench, HTTP_PORT, HTTPS_PORT, STRANGERS_PORT};
use crate::probe::peer::owner::Owner;
use crate::probe::peer::tls::Authority;
use crate::probe::peer::web::{Page, Pages, Web};

/// A short job: homes, and prints two layers.
const GCODE: &str =
    "G28\n; CHANGE_LAYER\nG1 X10 Y10 F3000\nG1 X20 Y20\n; CHANGE_LAYER\nG1 Z0.4\nG1 X10 Y10\n";
const PLATE: &str = "Metadata/plate_1.gcode";
const ASKED: &str = "asked";
const NOT_ASKED: &str = "not asked";

pub(super) fn measure(bench: &mut Bench) -> Result<Observations> {
    let owner = bench.owner()?;
    let file = Page::Bytes(archive()?);
    let clear = format!("http://127.0.0.1:{HTTP_PORT}/redirected.3mf");
    let pages = [
        ("good.3mf", file.clone()),
        ("redirect.3mf", Page::Redirect(clear)),
    ];
    let good = Web::serve(HTTPS_PORT, Some(bench.trusted.server.clone()), site(&pages))?;
    let strangers = Authority::new()?.server;
    let stranger = Web::serve(
        STRANGERS_PORT,
        Some(strangers),
        site(&[("file.3mf", file.clone())]),
    )?;
    let pages = [("file.3mf", file.clone()), ("redirected.3mf", file)];
    let plain = Web::serve(HTTP_PORT, None, site(&pages))?;

    let mut seen = Observations::default();
    let mut try_job = |what: &str, expected: &str, url: String| -> Result<()> {
        let end = print(&owner, &url).or_else(told)?;
        seen.note(what, expected, end);
        Ok(())
    };
    let printed = "printed";
    try_job(
        "a job over HTTPS",
        printed,
        format!("https://127.0.0.1:{HTTPS_PORT}/good.3mf"),
    )?;
    let refused = "refused";
    try_job(
        "a job over HTTP",
        refused,
        format!("http://127.0.0.1:{HTTP_PORT}/file.3mf"),
    )?;
    let url = format!("https://127.0.0.1:{STRANGERS_PORT}/file.3mf");
    try_job(
        "a job from a server with an untrusted certificate",
        refused,
        url,
    )?;
    let url = format!("https://127.0.0.1:{HTTPS_PORT}/redirect.3mf");
    try_job("a job that is redirected to HTTP", refused, url)?;
    seen.note(
        "the server with the job",
        ASKED,
        asked(good.asked_for("good.3mf")),
    );
    seen.note(
        "the server that redirects",
        ASKED,
        asked(good.asked_for("redirect.3mf")),
    );
    seen.note(
        "the server in clear text",
        NOT_ASKED,
        asked(plain.requests()),
    );
    seen.note(
        "the server with an untrusted certificate",
        NOT_ASKED,
        asked(stranger.requests()),
    );
    Ok(seen)
}

fn site(pages: &[(&str, Page)]) -> Pages {
    let owned = pages
        .iter()
        .map(|(path, page)| ((*path).to_owned(), page.clone()));
    owned.collect()
}

fn asked(times: usize) -> &'static str {
    if times > 0 { ASKED } else { NOT_ASKED }
}

/// Sends the job, and waits for its end.
fn print(owner: &Owner, url: &str) -> Result<String> {
    let mut session = owner.listen()?;
    let job =
        json!({"command": "project_file", "url": url, "param": PLATE, "subtask_name": "probe"});
    let answer = session.command("print", job)?;
    let result = answer
        .get("result")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !result.eq_ignore_ascii_case("success") {
        return Ok("refused".to_owned());
    }
    session.hear(|report| {
        let state = report.get("print")?.get("gcode_state")?.as_str()?;
        match state {
            "FINISH" => Some("printed".to_owned()),
            "FAILED" => Some("refused".to_owned()),
            _ => None,
        }
    })
}

/// A print archive as a slicer makes it: one plate, and the MD5 without which no print starts.
fn archive() -> Result<Vec<u8>> {
    let md5: String = Md5::digest(GCODE)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, text) in [(PLATE.to_owned(), GCODE), (format!("{PLATE}.md5"), &md5)] {
        zip.start_file(name, stored).context("the job's archive")?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish().context("the job's archive")?.into_inner())
}
