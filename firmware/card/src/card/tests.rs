use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;

struct Fixture {
    folder: tempfile::TempDir,
    card: Card,
}

fn fixture() -> Fixture {
    with_limits(|_| {})
}

fn with_limits(change: impl FnOnce(&mut CardLimits)) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let mut limits = CardLimits {
        keep_free: 0,
        ..CardLimits::default()
    };
    change(&mut limits);
    let card = Card::open(folder.path(), limits).unwrap();
    Fixture { folder, card }
}

fn path(text: &str) -> CardPath {
    CardPath::parse(text, &CardPath::root()).unwrap()
}

impl Fixture {
    fn put(&self, at: &str, bytes: &[u8]) {
        let mut upload = self.card.upload(&path(at), Start::Fresh).unwrap();
        upload.write(bytes).unwrap();
        upload.finish().unwrap();
    }

    /// An upload that is cut off behind `bytes`.
    fn cut(&self, at: &str, bytes: &[u8]) {
        let mut upload = self.card.upload(&path(at), Start::Fresh).unwrap();
        upload.write(bytes).unwrap();
        drop(upload);
    }

    fn bytes(&self, at: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.card
            .read(&path(at))
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    fn names(&self, at: &str) -> Vec<String> {
        self.card
            .list(&path(at))
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect()
    }

    /// Everything that really lies in a folder.
    fn on_disk(&self, at: &str) -> Vec<String> {
        let names = fs::read_dir(self.folder.path().join(at)).unwrap();
        names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

#[test]
fn the_folders_are_there_and_stay() {
    let fixture = fixture();
    assert_eq!(
        fixture.names("/"),
        ["cache", "image", "logger", "model", "timelapse"]
    );
    for own in ["/cache", "/CACHE", "/"] {
        assert!(fixture.card.remove_folder(&path(own)).is_err());
        assert!(fixture.card.rename(&path(own), &path("/other")).is_err());
    }
    assert!(matches!(
        fixture.card.rename(&path("/cache"), &path("/x")),
        Err(CardError::Fixed)
    ));
}

#[test]
fn an_upload_is_there_when_it_is_whole_and_not_before() {
    let fixture = fixture();
    fixture.put("/cache/x.3mf", b"old");
    let mut upload = fixture
        .card
        .upload(&path("/cache/x.3mf"), Start::Fresh)
        .unwrap();
    upload.write(b"new ").unwrap();
    assert_eq!(fixture.bytes("/cache/x.3mf"), b"old");
    assert_eq!(fixture.names("/cache"), ["x.3mf"]);
    assert_eq!(fixture.card.partial_size(&path("/cache/x.3mf")), Some(4));
    upload.write(b"bytes").unwrap();
    assert_eq!(upload.written(), 9);
    upload.finish().unwrap();
    assert_eq!(fixture.bytes("/cache/x.3mf"), b"new bytes");
    assert_eq!(fixture.on_disk("cache"), ["x.3mf"]);
    assert_eq!(fixture.card.partial_size(&path("/cache/x.3mf")), None);
}

#[test]
fn an_upload_that_was_cut_off_is_resumed() {
    let fixture = fixture();
    fixture.cut("/cache/x", b"0123456789");
    assert!(matches!(
        fixture.card.read(&path("/cache/x")),
        Err(CardError::NotFound)
    ));
    let mut upload = fixture
        .card
        .upload(&path("/cache/x"), Start::At(7))
        .unwrap();
    upload.write(b"abc").unwrap();
    upload.finish().unwrap();
    assert_eq!(fixture.bytes("/cache/x"), b"0123456abc");
}

#[test]
fn a_file_that_only_looked_whole_is_resumed_from_a_copy() {
    let fixture = fixture();
    fixture.put("/x", b"0123");
    let mut upload = fixture.card.upload(&path("/x"), Start::At(3)).unwrap();
    upload.write(b"abc").unwrap();
    assert_eq!(fixture.bytes("/x"), b"0123");
    upload.finish().unwrap();
    assert_eq!(fixture.bytes("/x"), b"012abc");
}

#[test]
fn a_new_piece_is_never_joined_to_an_old_file() {
    let fixture = fixture();
    fixture.put("/x", b"an old and longer file");
    fixture.cut("/x", b"new");
    let refused = fixture.card.upload(&path("/x"), Start::At(10));
    assert!(matches!(refused, Err(CardError::WrongOffset { have: 3 })));
    assert!(matches!(
        fixture.card.upload(&path("/y"), Start::At(1)),
        Err(CardError::WrongOffset { have: 0 })
    ));
    assert_eq!(fixture.card.partial_size(&path("/x")), Some(3));
}

#[test]
fn a_fresh_upload_drops_what_was_left() {
    let fixture = fixture();
    fixture.cut("/x", b"old");
    fixture.put("/x", b"");
    assert_eq!(fixture.bytes("/x"), b"");
}

#[test]
fn discarded_means_nothing_is_left() {
    let fixture = fixture();
    let mut upload = fixture
        .card
        .upload(&path("/cache/x"), Start::Fresh)
        .unwrap();
    upload.write(b"x").unwrap();
    upload.discard();
    assert!(fixture.on_disk("cache").is_empty());
}

#[test]
fn two_uploads_never_write_one_file() {
    let fixture = fixture();
    let first = fixture
        .card
        .upload(&path("/cache/x"), Start::Fresh)
        .unwrap();
    assert!(matches!(
        fixture.card.upload(&path("/cache/X"), Start::Fresh),
        Err(CardError::Busy)
    ));
    assert!(matches!(
        fixture.card.check_upload(&path("/cache/x"), Start::Fresh),
        Err(CardError::Busy)
    ));
    assert!(matches!(
        fixture.card.remove(&path("/cache/x")),
        Err(CardError::Busy)
    ));
    first.finish().unwrap();
    assert!(
        fixture
            .card
            .check_upload(&path("/cache/x"), Start::Fresh)
            .is_ok()
    );
}

#[test]
fn sweeps_leave_uploads_under_way_alone() {
    let fixture = fixture();
    fixture.cut("/cache/x", b"x");
    fixture.put("/cache/whole", b"x");
    let under_way = fixture
        .card
        .upload(&path("/model/y"), Start::Fresh)
        .unwrap();
    let now = SystemTime::now();
    fixture.card.discard_old_partials(now).unwrap();
    assert_eq!(fixture.on_disk("cache").len(), 2);
    fixture
        .card
        .discard_old_partials(now + Duration::from_secs(25 * 60 * 60))
        .unwrap();
    assert_eq!(fixture.on_disk("cache"), ["whole"]);
    fixture.card.discard_partials().unwrap();
    under_way.finish().unwrap();
    assert_eq!(fixture.names("/model"), ["y"]);
}

#[test]
fn large_files_are_refused() {
    let fixture = with_limits(|limits| limits.largest_file = 4);
    let mut upload = fixture.card.upload(&path("/x"), Start::Fresh).unwrap();
    upload.write(b"1234").unwrap();
    assert!(matches!(
        upload.write(b"5"),
        Err(CardError::TooLarge { limit: 4 })
    ));
}

#[test]
fn space_is_kept_free() {
    let fixture = with_limits(|limits| limits.keep_free = u64::MAX);
    assert_eq!(fixture.card.space().unwrap(), 0);
    assert!(matches!(
        fixture.card.upload(&path("/x"), Start::Fresh),
        Err(CardError::NoSpace)
    ));
}

#[test]
fn a_flood_of_names_is_refused() {
    let fixture = with_limits(|limits| limits.entries = 3);
    for name in ["/cache/1", "/cache/2", "/cache/3"] {
        fixture.put(name, b"");
    }
    let refused = fixture.card.upload(&path("/cache/4"), Start::Fresh);
    assert!(matches!(
        refused,
        Err(CardError::TooManyEntries { limit: 3 })
    ));
    assert!(matches!(
        fixture.card.make_folder(&path("/cache/4")),
        Err(CardError::TooManyEntries { .. })
    ));
    fixture.put("/model/x", b"");
    assert!(matches!(
        fixture.card.rename(&path("/model/x"), &path("/cache/4")),
        Err(CardError::TooManyEntries { .. })
    ));
    // One that is there can still be replaced.
    fixture.put("/cache/3", b"new");
}

#[test]
fn planted_links_lead_nowhere() {
    let fixture = fixture();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let root = fixture.folder.path();
    symlink(outside.path(), root.join("cache/folder")).unwrap();
    symlink(outside.path().join("secret"), root.join("cache/file")).unwrap();
    symlink(outside.path().join("secret"), root.join("cache/.upload-x")).unwrap();
    symlink("../model", root.join("cache/inside")).unwrap();

    assert!(fixture.names("/cache").is_empty());
    for text in ["/cache/file", "/cache/folder/secret", "/cache/folder"] {
        assert!(fixture.card.read(&path(text)).is_err(), "{text}");
        assert!(fixture.card.metadata(&path(text)).is_err(), "{text}");
        assert!(
            fixture.card.upload(&path(text), Start::Fresh).is_err(),
            "{text}"
        );
        assert!(
            fixture.card.rename(&path(text), &path("/y")).is_err(),
            "{text}"
        );
    }
    assert!(fixture.card.list(&path("/cache/folder")).is_err());
    assert!(fixture.card.remove(&path("/cache/folder/secret")).is_err());
    assert!(
        fixture
            .card
            .upload(&path("/cache/x"), Start::At(1))
            .is_err()
    );
    fixture.put("/cache/x", b"mine");
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    assert_eq!(fixture.bytes("/cache/x"), b"mine");
    fixture.card.discard_partials().unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_planted_pipe_blocks_nobody() {
    let fixture = fixture();
    let pipe = fixture.folder.path().join("cache/pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(fixture.names("/cache").is_empty());
    assert!(fixture.card.read(&path("/cache/pipe")).is_err());
    assert!(matches!(
        fixture.card.upload(&path("/cache/pipe"), Start::Fresh),
        Err(CardError::NotAFile)
    ));
}

#[test]
fn files_are_renamed_and_replaced() {
    let fixture = fixture();
    fixture.put("/cache/x", b"x");
    fixture.put("/model/y", b"y");
    fixture.cut("/model/y", b"piece");
    fixture
        .card
        .rename(&path("/cache/x"), &path("/model/y"))
        .unwrap();
    assert_eq!(fixture.bytes("/model/y"), b"x");
    assert_eq!(fixture.card.partial_size(&path("/model/y")), None);
    assert!(matches!(
        fixture.card.rename(&path("/cache/x"), &path("/z")),
        Err(CardError::NotFound)
    ));
    assert!(matches!(
        fixture.card.rename(&path("/model/y"), &path("/cache")),
        Err(CardError::Fixed)
    ));
}

#[test]
fn folders_are_made_renamed_and_removed() {
    let fixture = fixture();
    fixture.card.make_folder(&path("/model/a")).unwrap();
    assert!(matches!(
        fixture.card.make_folder(&path("/model/a")),
        Err(CardError::Exists)
    ));
    fixture
        .card
        .rename(&path("/model/a"), &path("/model/b"))
        .unwrap();
    fixture.put("/model/b/x", b"");
    assert!(matches!(
        fixture.card.remove_folder(&path("/model/b")),
        Err(CardError::NotEmpty)
    ));
    assert!(matches!(
        fixture.card.remove(&path("/model/b")),
        Err(CardError::NotAFile)
    ));
    fixture.card.remove(&path("/model/b/x")).unwrap();
    fixture.cut("/model/b/y", b"y");
    fixture.card.remove_folder(&path("/model/b")).unwrap();
    assert!(fixture.names("/model").is_empty());
}

#[test]
fn removing_a_file_removes_its_piece() {
    let fixture = fixture();
    fixture.cut("/cache/x", b"x");
    fixture.card.remove(&path("/cache/x")).unwrap();
    assert!(fixture.on_disk("cache").is_empty());
    assert!(matches!(
        fixture.card.remove(&path("/cache/x")),
        Err(CardError::NotFound)
    ));
}

#[test]
fn times_are_set_and_shown() {
    let fixture = fixture();
    fixture.put("/x", b"12345");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fixture.card.set_modified(&path("/x"), time).unwrap();
    let entry = fixture.card.metadata(&path("/x")).unwrap();
    assert_eq!(
        (entry.kind, entry.size, entry.modified),
        (Kind::File, 5, time)
    );
    assert_eq!(
        fixture.card.metadata(&path("/cache")).unwrap().kind,
        Kind::Folder
    );
}

#[test]
fn a_file_stays_readable_when_it_is_replaced() {
    let fixture = fixture();
    fixture.put("/x", b"old");
    let mut old = fixture.card.read(&path("/x")).unwrap();
    fixture.put("/x", b"new");
    let mut text = String::new();
    old.read_to_string(&mut text).unwrap();
    assert_eq!(text, "old");
}
