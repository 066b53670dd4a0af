//! The story, chapter by chapter.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use camino::Utf8Path;
use firstlayer_policy::Release;
use firstlayer_tests::cloud::{self, Cloud};
use firstlayer_tests::fixture::{BOARDS, BoardUnderTest};
use firstlayer_tests::plate;
use firstlayer_tests::server::{Reply, Server};
use firstlayer_tests::web::Answer;
use jiff::Timestamp;
use semver::Version;
use serde_json::{Value, json};
use xtask::progress::{Event, Progress};

use crate::builds::Builds;
use crate::calendar::Calendar;
use crate::customer::{Customer, Online};
use crate::fleet;
use crate::maker::Maker;
use crate::told::{Planned, Printed, Refused, Released, Told, Updated};

const BOARD: BoardUnderTest = BOARDS[0];
/// Versions, how many days before the deadline each was released, and whether it takes job files over HTTPS.
const RELEASES: [(&str, i64, bool); 5] = [
    ("1.0.0", 300, false),
    ("1.1.0", 240, false),
    ("1.2.0", 180, false),
    ("1.3.0", 120, false),
    ("1.4.0", 70, true),
];
/// The version of the customer's printer.
const OLD: &str = "1.2.0";
const CAPABILITY: &str = "https-transfer";
/// Days before the deadline: when the rule is planned, and from when on it warns.
const PLANNED: i64 = 40;
const WARNED: i64 = 38;
const MODEL_FILE: &str = "cube.3mf";
/// Far longer than nginx takes to hand a request on.
const HANDED_ON: Duration = Duration::from_secs(30);

/// The maker's cloud, and the jobs that came through to its print service.
struct Open {
    cloud: Cloud,
    jobs: Receiver<String>,
    _print_service: Server,
}

/// Tells it in an empty folder.
pub(crate) fn tell(folder: &Utf8Path, progress: &dyn Progress) -> Result<Told> {
    let builds = Builds::make(BOARD, progress)?;
    let begun = Instant::now();
    let calendar = Calendar::before(Timestamp::now())?;
    let maker = Maker::begin(&folder.join("maker"), BOARD, &builds, progress)?;
    let releases = release_all(&maker, calendar)?;
    let plan = plan_and_apply(&maker, &releases, calendar, folder)?;
    let open = open_the_cloud(&maker, folder, progress)?;
    let cloud = &open.cloud;
    let old = old(&releases)?;
    let bundle = maker.target(&old.bundle.target)?;
    let serial = fleet::customer(&versions(&releases), &old.version)
        .with_context(|| format!("no printer in use runs {}", old.version))?;
    let mut customer = Customer::with_firmware_of(&bundle, &serial, BOARD, &builds, cloud, folder)?;
    let refused = refuse(&customer, &open, progress)?;
    let updated = update(&mut customer, progress)?;
    let printed = print(&customer, &open, progress)?;
    Ok(Told {
        deadline: calendar.deadline(),
        releases: releases.iter().map(Released::of).collect(),
        plan,
        refused,
        updated,
        printed,
        seconds: begun.elapsed().as_secs(),
    })
}

/// 1.0 to 1.3 without the capability, 1.4 with it: each is built, imaged, probed, signed and published.
fn release_all(maker: &Maker<'_>, calendar: Calendar) -> Result<Vec<Release>> {
    let mut releases = Vec::new();
    for (version, days, https) in RELEASES {
        let release = maker.release(version, https, calendar.days_before(days)?)?;
        let has = release
            .capabilities
            .iter()
            .any(|name| name.as_str() == CAPABILITY);
        ensure!(
            has == https,
            "{version} was measured to have {:?}",
            release.capabilities
        );
        releases.push(release);
    }
    Ok(releases)
}

fn plan_and_apply(
    maker: &Maker<'_>,
    releases: &[Release],
    calendar: Calendar,
    folder: &Utf8Path,
) -> Result<Planned> {
    let now = calendar.days_before(PLANNED)?;
    let census = folder.join("census.csv");
    std::fs::write(
        &census,
        fleet::census(&versions(releases), maker.board().model, now)?,
    )?;
    maker.propose(calendar.days_before(WARNED)?, calendar.deadline())?;
    let (plan, page) = maker.plan(&census, now)?;
    maker.apply(&census, now)?;
    Ok(Planned::of(&plan, page))
}

/// Whatever printers and slicers meet, by the gate's own example configurations. The print service is the maker's own and
/// no part of this project: one that hands each job on to the story stands for it.
fn open_the_cloud(maker: &Maker<'_>, folder: &Utf8Path, progress: &dyn Progress) -> Result<Open> {
    step(
        progress,
        "start nginx, the gate, mosquitto and a store of files",
    );
    let (hand_on, jobs) = channel();
    let print_service = Server::with_rule(folder.as_std_path(), None, move |request| {
        // Nobody is left to print when the story is over.
        let _ = hand_on.send(request.path.clone());
        Reply::Bytes(b"it will be printed\n".to_vec())
    });
    let cloud = Cloud::start(&cloud::Plan {
        repository: maker.repository().as_std_path(),
        database: &format!("sqlite:{}", folder.join("gate-census.db")),
        gates: 1,
        print_service: print_service.address(),
        url_lifetime: 300,
    });
    let cloud = cloud.map_err(anyhow::Error::msg)?;
    done(progress, cloud.url());
    Ok(Open {
        cloud,
        jobs,
        _print_service: print_service,
    })
}

/// The deadline has passed: the old printer may not print from the cloud, hears why, and where its update is.
fn refuse(customer: &Customer, open: &Open, progress: &dyn Progress) -> Result<Refused> {
    let cloud = &open.cloud;
    let version = customer.version()?;
    step(
        progress,
        &format!("a printer with {version} is to print from the cloud"),
    );
    let mut online = customer.go_online(cloud)?;
    tell_the_decision(&mut online, customer, cloud)?;
    let answer = ask_to_print(customer, cloud)?;
    ensure!(answer.status == 426, "nginx answered {answer:?}");
    ensure!(
        open.jobs.try_recv().is_err(),
        "the print service heard of it"
    );
    let told = online.status()["printer"]["cloud"].clone();
    online.end();
    done(
        progress,
        format!("426, and it needs {}", answer.header("upgrade")),
    );
    Ok(Refused {
        version,
        status: answer.status,
        answer: answer.json(),
        printer_shows: told,
    })
}

/// In clear text: old firmware needs nothing that it is refused for.
fn update(customer: &mut Customer, progress: &dyn Progress) -> Result<Updated> {
    let from = customer.version()?;
    step(
        progress,
        "it fetches its update over plain HTTP, boots into it, and confirms it",
    );
    customer.update()?;
    let to = customer.version()?;
    done(progress, format!("it runs {to}"));
    Ok(Updated { from, to })
}

/// A job through nginx, a presigned URL from the gate, a command through the broker, a file over HTTPS, a print.
fn print(customer: &Customer, open: &Open, progress: &dyn Progress) -> Result<Printed> {
    let cloud = &open.cloud;
    step(progress, "it is to print from the cloud once more");
    let object = format!("{}/{MODEL_FILE}", customer.serial);
    cloud
        .store
        .put(&object, &plate::archive(plate::SHORT, 1 << 20));
    let mut online = customer.go_online(cloud)?;
    tell_the_decision(&mut online, customer, cloud)?;
    let answer = ask_to_print(customer, cloud)?;
    ensure!(answer.status == 200, "nginx answered {answer:?}");
    let job = open
        .jobs
        .recv_timeout(HANDED_ON)
        .context("the print service heard of no job")?;
    let url = presigned(customer, cloud)?;
    let report = online.tell(cloud, &project(&url), |report| {
        ["FINISH", "FAILED"]
            .map(Value::from)
            .contains(&report["print"]["gcode_state"])
    })?;
    let log = online.end();
    let (_, signature) = url.split_once("X-Amz-Signature=").context("no signature")?;
    ensure!(
        !log.contains(signature),
        "the URL's signature is in the printer's log"
    );
    let fetched = log.lines().find(|line| line.contains("a file was brought"));
    let fetched = fetched.context("the printer fetched no file")?;
    done(progress, "it has printed".to_owned());
    Ok(Printed {
        version: customer.version()?,
        job,
        scheme: if fetched.contains("https://") {
            "https"
        } else {
            "http"
        },
        state: report["print"]["gcode_state"].clone(),
    })
}

/// The maker's service tells the printer what the gate decides.
fn tell_the_decision(online: &mut Online<'_>, customer: &Customer, cloud: &Cloud) -> Result<Value> {
    let decision = cloud.serve("/v1/decisions?form=mqtt", &customer.claims()?);
    online.tell(cloud, &decision.json(), |report| {
        report["cloud"]["command"] == "decision" && report["cloud"]["result"] == "success"
    })
}

/// A print request, as a slicer or an app sends it for a printer.
fn ask_to_print(customer: &Customer, cloud: &Cloud) -> Result<Answer> {
    let version = customer.version()?;
    let headers = [
        ("x-firstlayer-serial", customer.serial.as_str()),
        ("x-firstlayer-model", BOARD.model),
        ("x-firstlayer-version", version.as_str()),
        ("x-firstlayer-channel", "stable"),
    ];
    let url = format!("{}/print/{}/{MODEL_FILE}", cloud.url(), customer.serial);
    let answer = cloud.web().send("POST", &url, &headers, "");
    answer.map_err(anyhow::Error::msg)
}

/// A URL for the printer's file, asked for by the print service.
fn presigned(customer: &Customer, cloud: &Cloud) -> Result<String> {
    let mut wish = customer.claims()?;
    wish["name"] = MODEL_FILE.into();
    wish["purpose"] = "download".into();
    let given = cloud.serve("/v1/files", &wish);
    ensure!(given.status == 200, "no URL: {given:?}");
    let given = given.json();
    Ok(given["url"].as_str().context("no URL")?.to_owned())
}

fn project(url: &str) -> Value {
    json!({ "print": {
        "sequence_id": "1", "command": "project_file", "url": url,
        "param": "Metadata/plate_1.gcode", "subtask_name": "a cube",
    }})
}

fn versions(releases: &[Release]) -> Vec<Version> {
    let versions = releases.iter().map(|release| release.version.clone());
    versions.collect()
}

fn old(releases: &[Release]) -> Result<&Release> {
    let mut releases = releases.iter();
    let found = releases.find(|release| release.version.to_string().starts_with(OLD));
    found.context("the old release is gone")
}

fn step(progress: &dyn Progress, what: &str) {
    progress.event(Event::Started {
        step: what.to_owned(),
        total: None,
    });
}

fn done(progress: &dyn Progress, outcome: String) {
    progress.event(Event::Finished { outcome });
}
