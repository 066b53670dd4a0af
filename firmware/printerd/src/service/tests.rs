//! The service's parts that need no printer.

use std::fs::File;

use super::*;

#[test]
fn a_folder_in_the_place_of_an_old_partial_file_keeps_nothing_from_starting() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join(".upload-cube.3mf");
    fs::create_dir(&folder).unwrap();
    File::open(&folder)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH)
        .unwrap();
    let config = CardConfig {
        folder: Some(state.path().to_owned()),
        largest_file: 1000,
        keep_free: 0,
    };
    let card = open_card(&config, state.path()).unwrap();
    card.discard_old_partials(SystemTime::now()).unwrap_err();
}

#[tokio::test]
async fn a_task_that_dies_is_noticed() {
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(stop.clone().cancelled_owned());
    tasks.spawn(async { panic!("on purpose") });
    let lost = lost(&mut tasks, &stop).await;
    let cause = lost.0.unwrap().to_string();
    assert!(cause.contains("on purpose"), "{cause}");
}

#[tokio::test]
async fn a_task_that_returns_too_early_is_noticed() {
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(async {});
    assert!(lost(&mut tasks, &stop).await.0.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_with_the_service_is_not_lost() {
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(stop.clone().cancelled_owned());
    stop.cancel();
    let lost = lost(&mut tasks, &stop);
    assert!(
        tokio::time::timeout(Duration::from_secs(60), lost)
            .await
            .is_err()
    );
}
