//! Whether what is read back from a slot comes from the medium.

use std::fs;

use firstlayer_agent::{FileSlots, Slots};

/// Bytes that this thread had the kernel read from a medium.
fn read_from_media() -> u64 {
    let counts = fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = counts
        .lines()
        .find_map(|line| line.strip_prefix("read_bytes: "));
    line.unwrap().parse().unwrap()
}

#[test]
fn what_is_read_after_a_sync_comes_from_the_medium_and_not_from_memory() {
    const LENGTH: usize = 1 << 20;
    // Beside what is built, because the folder for temporary files may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let image = FileSlots::new(folder.path(), LENGTH as u64)
        .image()
        .unwrap();
    image.write_at(&vec![1; LENGTH], 0).unwrap();
    image.sync().unwrap();
    let before = read_from_media();
    image.read_at(&mut vec![0; LENGTH], 0).unwrap();
    assert!(read_from_media() - before >= LENGTH as u64);
}
