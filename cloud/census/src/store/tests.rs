//! Over SQLite. The end-to-end tests do the same over PostgreSQL, and kill gates.

use super::*;

const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

async fn open(folder: &tempfile::TempDir) -> Store {
    let url = format!("sqlite:{}/a census, 100 %?.db", folder.path().display());
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

async fn history(store: &Store) -> Vec<String> {
    let points = store.history("2026-11-24".parse().unwrap()).await.unwrap();
    let line = |point: HistoryPoint| format!("{} {} {}", point.day, point.version, point.count);
    points.into_iter().map(line).collect()
}

#[tokio::test]
async fn what_is_recorded_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let mut nowhere = report("A2", "1.2.0-rc.1+b", "2026-11-24T10:00:00.000001Z");
    nowhere.region = None;
    let entries = [report("A1", "1.2.0", "2026-11-24T10:00:00Z"), nowhere];
    store.record(&entries).await.unwrap();
    drop(store);
    assert_eq!(
        export(&open(&folder).await).await,
        "serial,model,version,channel,region,last_seen\n\
         A1,x1,1.2.0,stable,eu,2026-11-24T10:00:00Z\n\
         A2,x1,1.2.0-rc.1+b,stable,,2026-11-24T10:00:00.000001Z\n"
    );
}

#[tokio::test]
async fn the_later_report_wins_in_whatever_order_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let early = report("A1", "1.2.0", "2026-11-24T10:00:00Z");
    let late = report("A1", "1.3.0", "2026-11-24T10:00:00.000001Z");
    for order in [
        vec![early.clone(), late.clone()],
        vec![late, early.clone()],
        vec![early],
    ] {
        store.record(&order).await.unwrap();
        let text = export(&store).await;
        assert!(
            text.ends_with("\nA1,x1,1.3.0,stable,eu,2026-11-24T10:00:00.000001Z\n"),
            "{text}"
        );
    }
    assert_eq!(history(&store).await, ["2026-11-24 1.3.0 1"]);
}

#[tokio::test]
async fn an_export_reads_as_the_groups_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let entry = |n: u32| {
        let minute = n % 60;
        let seen = format!("2026-11-{:02}T10:{minute:02}:00Z", 20 + n % 7);
        let mut entry = report(&format!("A{n}"), &format!("1.{}.0", n % 5), &seen);
        entry.region = (!n.is_multiple_of(3)).then(|| "us".parse().unwrap());
        entry
    };
    // More than a batch.
    let entries: Vec<Entry> = (0..1203).map(entry).collect();
    store.record(&entries).await.unwrap();
    let groups = store.groups().await.unwrap();
    let text = export(&store).await;
    let (read, _) =
        crate::read_from(text.as_bytes(), "export", &Limits::default(), |_| {}).unwrap();
    assert_eq!((groups.total(), groups.len()), (1203, 70));
    assert_eq!(read, groups);
}

#[tokio::test]
async fn a_day_counts_each_printer_once_with_its_last_version() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    for (serial, version, seen) in [
        ("A1", "1.2.0", "2026-11-23T10:00:00Z"),
        ("A1", "1.2.0", "2026-11-24T10:00:00Z"),
        ("A1", "1.2.0", "2026-11-24T11:00:00Z"),
        ("A2", "1.2.0", "2026-11-24T11:00:00Z"),
        ("A2", "1.10.0", "2026-11-24T12:00:00Z"),
        ("A1", "1.10.0", "2026-11-25T00:00:00Z"),
        ("A2", "1.10.0", "2026-11-25T00:00:00Z"),
    ] {
        store
            .record(&[report(serial, version, seen)])
            .await
            .unwrap();
    }
    let wanted = [
        "2026-11-24 1.2.0 1",
        "2026-11-24 1.10.0 1",
        "2026-11-25 1.10.0 2",
    ];
    assert_eq!(history(&store).await, wanted);
    // Whom it counts may be forgotten.
    let forgotten = store.forget_before("2026-11-26T00:00:00Z".parse().unwrap());
    assert_eq!(forgotten.await.unwrap(), 2);
    assert_eq!(history(&store).await, wanted);
}

#[tokio::test]
async fn what_is_older_than_its_retention_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let moment: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    let old = report("A1", "1.2.0", "2026-11-24T09:59:59.999999Z");
    let kept = report("A2", "1.2.0", "2026-11-24T10:00:00Z");
    store.record(&[old, kept]).await.unwrap();
    assert_eq!(store.forget_before(moment).await.unwrap(), 1);
    assert_eq!(store.forget_before(moment).await.unwrap(), 0);
    let text = export(&store).await;
    assert!(!text.contains("A1") && text.contains("A2"), "{text}");
}

#[tokio::test]
async fn a_device_key_is_kept_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let serial: Serial = "A1".parse().unwrap();
    assert_eq!(store.device_key(&serial).await.unwrap(), None);
    // RFC 8032, 7.1, tests 1 and 2.
    let second = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    for key in [KEY, second] {
        let key: DeviceKey = key.parse().unwrap();
        store.set_device_key(&serial, &key).await.unwrap();
        assert_eq!(store.device_key(&serial).await.unwrap(), Some(key));
    }
}

#[tokio::test]
async fn writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(&folder).await, open(&folder).await);
    let work = |store: Store, gate: u32| async move {
        for round in 0..30 {
            let seen = format!("2026-11-24T10:{round:02}:0{gate}Z");
            let version = format!("1.{round}.{gate}");
            // Both write A0 to A9, and each some of its own.
            let own = (10 + gate * 100 + round).to_string();
            let shared = (0..10).map(|n| n.to_string());
            let entries: Vec<_> = shared
                .chain([own])
                .map(|n| report(&format!("A{n}"), &version, &seen))
                .collect();
            store.record(&entries).await.unwrap();
        }
    };
    let (first, second) = tokio::join!(
        tokio::spawn(work(one.clone(), 1)),
        tokio::spawn(work(other, 2))
    );
    first.and(second).unwrap();
    let text = export(&one).await;
    let newest = text.matches(",1.29.2,stable,eu,2026-11-24T10:29:02Z\n");
    // The ten, and the last of its own.
    assert_eq!((text.lines().count(), newest.count()), (1 + 10 + 60, 11));
    let counted = one.history("2026-11-24".parse().unwrap()).await.unwrap();
    assert_eq!(counted.iter().map(|point| point.count).sum::<u64>(), 70);
}

#[tokio::test]
async fn tables_of_a_later_release_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    sqlx::query("UPDATE census_schema SET version = 2")
        .execute(&store.pool)
        .await
        .unwrap();
    let url = format!("sqlite:{}/a census, 100 %?.db", folder.path().display());
    let error = Store::open(&url.parse().unwrap()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::OtherSchema { found: 2, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_value_that_somebody_else_wrote_is_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    sqlx::query(
        "INSERT INTO printers VALUES ('=1+1', 'x1', '1.0.0', 'stable', '', 0, '2026-11-24')",
    )
    .execute(&store.pool)
    .await
    .unwrap();
    let error = store.export(&mut Vec::new()).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Stored {
                what: "serial number",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let url: DatabaseUrl = "sqlite:/nowhere/at/all/census.db".parse().unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the census database sqlite:/nowhere/at/all/census.db cannot be opened"
    );
}
