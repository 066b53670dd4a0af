//! Images that are like firmware: a tar of this machine's own programs and libraries, the same in every run on it.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

const FOLDERS: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/bin",
];

/// Writes an image of exactly this length. When the machine's files are at their end they come again, each time with
/// other bytes in every half kibibyte: so long an image has no more repetitions in it than a short one.
pub(crate) fn write_image(path: &Path, length: u64) -> anyhow::Result<()> {
    let files = machine_files();
    ensure!(
        !files.is_empty(),
        "this machine has no files in {FOLDERS:?} to make an image of"
    );
    let making = || format!("making the image {}", path.display());
    let file = File::create(path).with_context(making)?;
    let image = Image {
        out: BufWriter::with_capacity(1 << 20, file),
        left: length,
        pass: 0,
        seed: 1,
        written: 0,
    };
    let mut archive = tar::Builder::new(image);
    archive.mode(tar::HeaderMode::Deterministic);
    while archive.get_ref().left > 0 {
        for file in &files {
            append(&mut archive, file).with_context(making)?;
        }
        archive.get_mut().next_pass()?;
    }
    archive
        .into_inner()
        .and_then(|mut image| image.flush())
        .with_context(making)
}

/// Regular files, by folder and name.
fn machine_files() -> Vec<PathBuf> {
    let in_folder = |folder: &&str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let regular = |path: &PathBuf| path.symlink_metadata().is_ok_and(|data| data.is_file());
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(regular).collect();
        paths.sort();
        paths
    };
    FOLDERS.iter().flat_map(in_folder).collect()
}

/// A file that may not be read is left out.
fn append(archive: &mut tar::Builder<Image>, path: &Path) -> io::Result<()> {
    if archive.get_ref().left == 0 {
        return Ok(());
    }
    let name = path.strip_prefix("/").unwrap_or(path);
    match File::open(path) {
        Ok(mut file) => archive.append_file(name, &mut file),
        Err(_) => Ok(()),
    }
}

/// Takes the archive until the image is full, and drops the rest.
struct Image {
    out: BufWriter<File>,
    left: u64,
    pass: u64,
    seed: u64,
    written: u64,
}

impl Image {
    /// Errors: the last pass brought nothing.
    fn next_pass(&mut self) -> anyhow::Result<()> {
        ensure!(self.written > 0, "this machine's files cannot be read");
        self.pass = self.pass.saturating_add(1);
        Ok(())
    }

    /// From the second pass on, four bytes of every 512 are others.
    fn vary(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut varied = bytes.to_vec();
        if self.pass > 0 {
            for block in varied.chunks_mut(512) {
                // Knuth's multiplier for a linear congruential generator of 64 bits.
                self.seed = self
                    .seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(self.pass);
                let other = self.seed.to_be_bytes();
                block
                    .iter_mut()
                    .zip(other)
                    .take(4)
                    .for_each(|(byte, other)| *byte ^= other);
            }
        }
        varied
    }
}

impl Write for Image {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
        let kept = bytes.get(..wanted).unwrap_or(bytes);
        let varied = self.vary(kept);
        self.out.write_all(&varied)?;
        self.left = self.left.saturating_sub(kept.len() as u64);
        self.written = self.written.saturating_add(kept.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_its_length_and_is_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, length| {
            let path = folder.path().join(name);
            write_image(&path, length).unwrap();
            fs::read(path).unwrap()
        };
        let image = write("first", 3_000_001);
        assert_eq!(image.len(), 3_000_001);
        assert!(write("second", 3_000_001) == image);
        let packed = zstd::bulk::compress(&image, 3).unwrap().len();
        assert!(
            (image.len() / 10..image.len()).contains(&packed),
            "firmware compresses, and not to nothing: {packed}"
        );
    }

    #[test]
    fn a_second_pass_is_not_the_first_again() {
        let mut image = Image {
            out: BufWriter::new(tempfile::tempfile().unwrap()),
            left: 0,
            pass: 0,
            seed: 1,
            written: 1,
        };
        let bytes = [7; 2048];
        assert_eq!(image.vary(&bytes), bytes);
        image.next_pass().unwrap();
        let other = image.vary(&bytes);
        let same = |(one, other): &(&[u8], &[u8])| one == other;
        assert_eq!(
            bytes
                .chunks(512)
                .zip(other.chunks(512))
                .filter(same)
                .count(),
            0
        );
    }
}
