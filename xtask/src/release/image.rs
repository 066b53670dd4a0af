//! The image of a board: a root file system tree as a tar whose bytes depend on its contents alone.
//!
//! Entries are sorted and every header field is set by hand; nothing of the machine, the user or the clock goes in.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use firstlayer_bundle::Identity;
use firstlayer_policy::RunningRelease;
use jiff::Timestamp;
use tar::{Builder, EntryType, Header};

/// What goes into the root file system of one board.
pub(crate) struct RootImage<'a> {
    /// The cross-compiled `printerd`.
    pub(crate) firmware: &'a Utf8Path,
    /// Board, models, version, counter: what the image says of itself.
    pub(crate) identity: Identity,
    /// The time of the commit, in every header and in the release file.
    pub(crate) built: Timestamp,
    /// The trust anchor's bytes.
    pub(crate) anchor: &'a [u8],
    /// What printers with this image begin with.
    pub(crate) settings: Settings<'a>,
}

/// The settings in an image, each of which a printer's owner may change.
pub(crate) struct Settings<'a> {
    /// The channel that is followed.
    pub(crate) channel: &'a str,
    /// Where the repository is.
    pub(crate) url: &'a str,
    /// Bytes that a slot holds.
    pub(crate) capacity: u64,
}

impl RootImage<'_> {
    /// Writes the image.
    ///
    /// # Errors
    /// When the firmware cannot be read or the image not be written.
    pub(crate) fn write(self, out: impl Write) -> Result<()> {
        let built = self.built;
        self.tree()?
            .write(built, out)
            .context("cannot write the root image")
    }

    fn tree(self) -> Result<Tree> {
        let (version, board) = (self.identity.version.clone(), self.identity.board.clone());
        let configuration = self.settings.configuration(&self.identity)?;
        let release = RunningRelease::new(self.identity, self.built).to_bytes()?;
        let mut tree = Tree::default();
        tree.file(
            "etc/os-release",
            0o644,
            os_release(&version, board.as_str()),
        );
        tree.file("etc/printerd/config.toml", 0o644, configuration);
        tree.file("usr/sbin/printerd", 0o755, self.firmware.to_owned());
        tree.file("usr/share/printerd/release.json", 0o644, release);
        tree.file("usr/share/printerd/root.json", 0o644, self.anchor.to_vec());
        Ok(tree)
    }
}

fn os_release(version: &semver::Version, board: &str) -> Vec<u8> {
    format!("NAME=Firstlayer\nID=firstlayer\nVERSION_ID={version}\nVARIANT_ID={board}\nPRETTY_NAME=\"Firstlayer {version}\"\n")
        .into_bytes()
}

impl Settings<'_> {
    /// `printerd`'s configuration. A board with several models names the first; the factory sets the printer's own.
    fn configuration(&self, identity: &Identity) -> Result<Vec<u8>> {
        let model = identity
            .models
            .first()
            .context("the board names no model")?;
        let (channel, url, capacity) = (self.channel, self.url, self.capacity);
        let text = format!(
            "board = \"{}\"\nmodel = \"{model}\"\nchannel = \"{channel}\"\nrepository = \"{url}\"\n\
             state = \"/var/lib/printerd\"\n\n[slots]\ncapacity = {capacity}\n",
            identity.board
        );
        Ok(text.into_bytes())
    }
}

/// Files by their path, without a leading slash; folders come from the paths.
#[derive(Default)]
struct Tree {
    entries: BTreeMap<String, Entry>,
}

enum Entry {
    Folder,
    File { mode: u32, content: Content },
}

enum Content {
    Bytes(Vec<u8>),
    Path(Utf8PathBuf),
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Utf8PathBuf> for Content {
    fn from(path: Utf8PathBuf) -> Self {
        Self::Path(path)
    }
}

impl Tree {
    fn file(&mut self, path: &str, mode: u32, content: impl Into<Content>) {
        for (end, _) in path.match_indices('/') {
            if let Some(folder) = path.get(..=end) {
                self.entries.insert(folder.to_owned(), Entry::Folder);
            }
        }
        self.entries.insert(
            path.to_owned(),
            Entry::File {
                mode,
                content: content.into(),
            },
        );
    }

    fn write(&self, time: Timestamp, out: impl Write) -> Result<()> {
        let mut builder = Builder::new(out);
        for (path, entry) in &self.entries {
            append(&mut builder, path, entry, time)
                .with_context(|| format!("cannot add {path}"))?;
        }
        builder.into_inner()?.flush()?;
        Ok(())
    }
}

fn append<W: Write>(
    builder: &mut Builder<W>,
    path: &str,
    entry: &Entry,
    time: Timestamp,
) -> Result<()> {
    match entry {
        Entry::Folder => builder.append(
            &header(path, EntryType::Directory, 0o755, 0, time)?,
            io::empty(),
        )?,
        Entry::File {
            mode,
            content: Content::Bytes(bytes),
        } => {
            let length = u64::try_from(bytes.len())?;
            builder.append(
                &header(path, EntryType::Regular, *mode, length, time)?,
                bytes.as_slice(),
            )?;
        }
        Entry::File {
            mode,
            content: Content::Path(source),
        } => {
            let file = File::open(source).with_context(|| format!("cannot open {source}"))?;
            let length = file.metadata()?.len();
            let mut counted = Counted {
                inner: file.take(length),
                seen: 0,
            };
            builder.append(
                &header(path, EntryType::Regular, *mode, length, time)?,
                &mut counted,
            )?;
            ensure!(
                counted.seen == length,
                "{source} became shorter while it was read"
            );
        }
    }
    Ok(())
}

fn header(path: &str, kind: EntryType, mode: u32, length: u64, time: Timestamp) -> Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    header.set_size(length);
    header.set_mtime(u64::try_from(time.as_second()).unwrap_or(0));
    header.set_cksum();
    Ok(header)
}

struct Counted<R> {
    inner: R,
    seen: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.seen = self.seen.saturating_add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(firmware: &Utf8Path) -> Vec<u8> {
        let identity = Identity {
            board: "virt-armv7".parse().unwrap(),
            models: vec!["first-mini".parse().unwrap()],
            version: "1.2.3".parse().unwrap(),
            counter: firstlayer_bundle::Counter::new(7).unwrap(),
        };
        let built = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut bytes = Vec::new();
        RootImage {
            firmware,
            identity,
            built,
            anchor: b"{}",
            settings: Settings {
                channel: "stable",
                url: "https://updates.example/",
                capacity: 1 << 20,
            },
        }
        .write(&mut bytes)
        .unwrap();
        bytes
    }

    #[test]
    fn the_same_contents_give_the_same_bytes_wherever_they_lie() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let images = folders.each_ref().map(|folder| {
            let firmware = Utf8PathBuf::try_from(folder.path().join("printerd")).unwrap();
            std::fs::write(&firmware, b"firmware").unwrap();
            image(&firmware)
        });
        assert_eq!(images[0], images[1]);
    }

    #[test]
    fn entries_are_sorted_and_folders_come_before_their_files() {
        let firmware = tempfile::NamedTempFile::new().unwrap();
        let bytes = image(Utf8Path::from_path(firmware.path()).unwrap());
        let mut archive = tar::Archive::new(bytes.as_slice());
        let listed: Vec<(String, u32, u64)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                (
                    entry.path().unwrap().display().to_string(),
                    header.mode().unwrap(),
                    header.mtime().unwrap(),
                )
            })
            .collect();
        let paths: Vec<_> = listed.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "etc/",
                "etc/os-release",
                "etc/printerd/",
                "etc/printerd/config.toml",
                "usr/",
                "usr/sbin/",
                "usr/sbin/printerd",
                "usr/share/",
                "usr/share/printerd/",
                "usr/share/printerd/release.json",
                "usr/share/printerd/root.json"
            ]
        );
        assert!(listed.iter().all(|(_, _, mtime)| *mtime == 1_767_323_045));
        assert!(
            listed
                .iter()
                .any(|(path, mode, _)| path == "usr/sbin/printerd" && *mode == 0o755)
        );
    }
}
