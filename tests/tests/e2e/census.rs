//! The census over its two databases, and gates that are killed while they record.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use firstlayer_census::{Entry, HistoryPoint, Limits, Store, read_from};
use firstlayer_tests::postgres::{PASSWORD, Postgres};
use firstlayer_tests::process::Process;
use firstlayer_tests::seed::places;
use firstlayer_tests::skip;
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(300);
/// How often a gate is killed.
const KILLS: u32 = 4;

async fn open(url: &str) -> Store {
    Store::open(&url.parse().unwrap()).await.unwrap()
}

fn report(serial: &str, version: &str, last_seen: &str) -> Entry {
    Entry {
        serial: serial.parse().unwrap(),
        model: "x1".parse().unwrap(),
        version: version.parse().unwrap(),
        channel: "stable".parse().unwrap(),
        region: Some("eu".parse().unwrap()),
        last_seen: last_seen.parse().unwrap(),
    }
}

async fn export(store: &Store) -> String {
    let mut text = Vec::new();
    store.export(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// All that a store does, through two gates.
async fn a_story(url: &str) {
    // Both may find that there are no tables yet.
    let (one, other) = tokio::join!(open(url), open(url));
    let late = report("A1", "1.3.0", "2026-11-24T12:00:00.000001Z");
    let early = report("A1", "1.2.0", "2026-11-24T12:00:00Z");
    let second = report("A2", "1.2.0", "2026-11-23T12:00:00Z");
    one.record(&[late, second]).await.unwrap();
    other.record(&[early]).await.unwrap();
    assert_eq!(
        export(&other).await,
        "serial,model,version,channel,region,last_seen\n\
         A1,x1,1.3.0,stable,eu,2026-11-24T12:00:00.000001Z\n\
         A2,x1,1.2.0,stable,eu,2026-11-23T12:00:00Z\n"
    );
    let text = export(&one).await;
    let read = read_from(text.as_bytes(), "export", &Limits::default(), |_| {});
    assert_eq!(one.groups().await.unwrap(), read.unwrap().0);
    let again = report("A1", "1.4.0", "2026-11-24T13:00:00Z");
    other.record(&[again]).await.unwrap();
    let forgotten = other.forget_before("2026-11-24T00:00:00Z".parse().unwrap());
    assert_eq!(forgotten.await.unwrap(), 1);
    assert_eq!(one.groups().await.unwrap().total(), 1);
    let history = one.history("2026-11-01".parse().unwrap()).await.unwrap();
    let line = |point: HistoryPoint| format!("{} {} {}", point.day, point.version, point.count);
    let history: Vec<_> = history.into_iter().map(line).collect();
    assert_eq!(history, ["2026-11-23 1.2.0 1", "2026-11-24 1.4.0 1"]);
    let (serial, key) = (
        "A1".parse().unwrap(),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
    one.set_device_key(&serial, &key.parse().unwrap())
        .await
        .unwrap();
    let found = other.device_key(&serial).await.unwrap();
    assert_eq!(found.map(|key| key.to_string()).as_deref(), Some(key));
}

/// Two gates record at once, and one is killed at places that are random by the seed. What either was told is kept.
fn gates_are_killed(url: &str) {
    let start = |gate: u32, first: u64| {
        let mut recorder = Command::new(env!("CARGO_BIN_EXE_census-recorder"));
        let words = [url.to_owned(), gate.to_string(), first.to_string()];
        Process::spawn(recorder.args(words))
    };
    let mut acknowledged: BTreeMap<String, u64> = BTreeMap::new();
    let mut heard = |gate: u32, recorder: Process| {
        let output = recorder.kill();
        assert_eq!(output.signal, Some(9), "it ended by itself: {output}");
        for round in output.stdout.lines() {
            let round: u64 = round.parse().unwrap();
            acknowledged.insert(format!("G{gate}-{round}"), round);
        }
    };
    let survivor = start(2, 0);
    let mut first = 0;
    for place in places(url.split(':').next().unwrap(), KILLS, 40) {
        let mut victim = start(1, first);
        for _ in 0..=place {
            let line = victim.wait_for_output(LIMIT, |_| true);
            assert!(line.is_some(), "a gate ended: {}", victim.finish(LIMIT));
        }
        heard(1, victim);
        first += 1000;
    }
    heard(2, survivor);
    let runtime = Runtime::new().unwrap();
    let text = runtime.block_on(async { export(&open(url).await).await });
    let kept: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| Some((line.split(',').next()?, line)))
        .collect();
    for serial in acknowledged.keys() {
        assert!(kept.contains_key(serial.as_str()), "{serial} was lost");
    }
    let latest = acknowledged.values().max().unwrap();
    for shared in 0..10 {
        let version = kept[format!("S{shared}").as_str()]
            .split(',')
            .nth(2)
            .unwrap();
        let round: u64 = version.split('.').nth(1).unwrap().parse().unwrap();
        assert!(round >= *latest, "S{shared} went back to {version}");
    }
}

#[test]
fn sqlite_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    gates_are_killed(&format!("sqlite:{}/census.db", folder.path().display()));
}

#[test]
fn sqlite_does_all_that_a_store_does() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/census.db", folder.path().display());
    Runtime::new().unwrap().block_on(a_story(&url));
}

#[test]
fn postgres_does_all_that_a_store_does() {
    let postgres = match Postgres::start() {
        Ok(postgres) => postgres,
        Err(reason) => skip!("{reason}"),
    };
    let runtime = Runtime::new().unwrap();
    runtime.block_on(a_story(&postgres.url()));
    let again = runtime.block_on(async { open(&postgres.socket_url()).await.groups().await });
    assert_eq!(again.unwrap().total(), 1);
    let wrong = postgres.url().replace(PASSWORD, "hush");
    let refused = runtime.block_on(Store::open(&wrong.parse().unwrap()));
    let said = format!("{:?}", anyhow::Error::from(refused.unwrap_err()));
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("hush"), "{said}");
}

#[test]
fn postgres_keeps_what_it_acknowledged() {
    match Postgres::start() {
        Ok(postgres) => gates_are_killed(&postgres.url()),
        Err(reason) => skip!("{reason}"),
    }
}
