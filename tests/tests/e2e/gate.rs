//! The gate among what it works with: nginx, mosquitto, PostgreSQL and an S3-compatible store, all real.

mod broker;
mod files;
mod fleet;
mod nginx;

use std::fs;

use firstlayer_tests::cloud::{Cloud, Plan};
use firstlayer_tests::fixture::{BOARDS, Fixture};
use firstlayer_tests::nginx::Nginx;
use firstlayer_tests::postgres::Postgres;
use serde_json::{Value, json};

/// What the print service answers: that a request came through to it.
const PRINTED: &str = "it is printed";
const MODEL: &str = BOARDS[0].model;
const PAST: &str = "2026-01-01T00:00:00Z";

/// A cloud whose rules withhold cloud printing from 1.2.0 and not from 1.4.0.
struct Maker {
    cloud: Cloud,
    repository: tempfile::TempDir,
    _print_service: Nginx,
    _postgres: Postgres,
}

impl Maker {
    /// `Err` says what this machine lacks.
    fn start(gates: usize, url_lifetime: u32) -> Result<Self, String> {
        let repository = tempfile::tempdir().unwrap();
        releases()
            .enforcing(1, &rule("1"))
            .publish(repository.path());
        // Nginx reads it as whoever it runs as.
        let site = repository.path().join("print");
        fs::create_dir(&site).unwrap();
        fs::write(site.join("job"), PRINTED).unwrap();
        let print_service = Nginx::serve(repository.path(), None)?;
        let postgres = Postgres::start()?;
        let cloud = Cloud::start(&Plan {
            repository: repository.path(),
            database: &postgres.url(),
            gates,
            print_service: print_service.address(),
            url_lifetime,
        })?;
        Ok(Self {
            cloud,
            repository,
            _print_service: print_service,
            _postgres: postgres,
        })
    }
}

fn releases() -> Fixture {
    let able = ["https-transfer"];
    Fixture::new(BOARDS[0])
        .release("1.2.0")
        .release("1.4.0")
        .able(&able)
}

/// Cloud printing takes HTTPS; the reason says which revision it is of.
fn rule(reason: &str) -> String {
    format!(
        "[[rules]]\nname = \"https-only\"\ncapability = \"https-transfer\"\nwithholds = \"cloud-print\"\n\
         warn_from = \"2025-12-01T00:00:00Z\"\nenforce_from = \"{PAST}\"\nreason = \"{reason}\"\n\
         help = \"https://help.example.org/https\"\n"
    )
}

/// What a printer says of itself, in headers.
fn headers<'a>(serial: &'a str, version: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("x-firstlayer-serial", serial),
        ("x-firstlayer-model", MODEL),
        ("x-firstlayer-version", version),
        ("x-firstlayer-channel", "stable"),
    ]
}

/// The same in JSON.
fn printer(serial: &str, version: &str) -> Value {
    json!({ "serial": serial, "model": MODEL, "version": version, "channel": "stable" })
}
