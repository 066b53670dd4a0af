//! Each limit, with the attack that it stops.

use firstlayer_metadata::Error;

use crate::printer::Printer;
use crate::repository::Repository;

#[test]
fn endless_data_in_place_of_metadata() {
    let mut honest = Repository::new();
    honest.delegate("targets", "stable", &["*"], true);
    honest.publish();
    for (file, limit) in [
        ("2.root.json", 512_000),
        ("timestamp.json", 16 * 1024),
        ("2.snapshot.json", 2_000_000),
        ("1.targets.json", 5_000_000),
        ("1.stable.json", 5_000_000),
    ] {
        let mut repository = honest.clone();
        let content = vec![b' '; limit + 1];
        repository.files.insert(format!("metadata/{file}"), content);
        let printer = Printer::new(&repository);
        assert_refused!(printer.find(&repository, "stable.json"), Error::TooLong { file: refused, .. } if refused == file);
    }
}

#[test]
fn a_signed_length_beyond_the_limit() {
    let mut repository = Repository::new();
    let mut printer = Printer::new(&repository);
    repository.alter("timestamp", |signed| {
        signed["meta"]["snapshot.json"]["length"] = 1_000_000_000_u64.into()
    });
    repository.publish();
    printer.limits.snapshot = 10;
    assert_refused!(
        printer.refresh(&repository),
        Error::TooLong { limit: 10, .. }
    );
}

#[test]
fn an_endless_chain_of_roots() {
    let mut repository = Repository::new();
    let mut printer = Printer::new(&repository);
    printer.limits.root_rotations = 3;
    (0..3).for_each(|_| repository.publish_root());
    printer.refresh(&repository).unwrap();
    (0..4).for_each(|_| repository.publish_root());
    assert_refused!(
        printer.refresh(&repository),
        Error::TooManyRoots { limit: 3 }
    );
    // What was verified is kept, so that an honest chain comes to its end after all.
    assert_eq!(printer.refresh(&repository).unwrap().root().version, 8);
}
