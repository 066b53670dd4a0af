//! Slots as files in a folder: `a.img`, `b.img`, a blessing beside each, and `boot.json` for the boot loader.
//!
//! The same trait takes block devices on real boards; then the blessing and the boot record live where the
//! board's boot loader reads them.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use firstlayer_bundle::Hasher;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Blessing, Boot, BootRecord, Slot, SlotImage, Slots, Trial, VerifiedImage,
    atomic::{read_at_most, remove_durably, write_atomically},
    slots::fill,
};

/// A blessing or a boot record is a few hundred bytes.
const LONGEST_RECORD: u64 = 64 << 10;

/// Two files that stand for the slots of a board.
#[derive(Debug, Clone)]
pub struct FileSlots {
    folder: PathBuf,
    capacity: u64,
}

impl FileSlots {
    /// Slots of `capacity` bytes in this folder, which is made when something is written.
    pub fn new(folder: impl Into<PathBuf>, capacity: u64) -> Self {
        Self {
            folder: folder.into(),
            capacity,
        }
    }

    /// The file that holds a slot's image.
    pub fn path(&self, slot: Slot) -> PathBuf {
        self.folder.join(format!("{slot}.img"))
    }

    /// What a slot was blessed with, if it is.
    pub fn blessing_of(&self, slot: Slot) -> io::Result<Option<Blessing>> {
        read_json(&self.blessing_path(slot))
    }

    fn blessing_path(&self, slot: Slot) -> PathBuf {
        self.folder.join(format!("{slot}.blessing.json"))
    }

    fn boot_path(&self) -> PathBuf {
        self.folder.join("boot.json")
    }

    fn change(&mut self, change: impl FnOnce(&mut BootRecord)) -> io::Result<()> {
        let before = self.read()?;
        let mut after = before;
        change(&mut after);
        if after == before {
            Ok(())
        } else {
            self.write(&after)
        }
    }
}

impl Slots for FileSlots {
    fn boot(&self) -> io::Result<BootRecord> {
        self.read()
    }

    fn capacity(&self) -> io::Result<u64> {
        Ok(self.capacity)
    }

    fn blessing(&self) -> io::Result<Option<Blessing>> {
        self.blessing_of(self.read()?.inactive())
    }

    fn invalidate(&mut self) -> io::Result<()> {
        let inactive = spare(&self.read()?)?;
        self.disarm()?;
        remove_durably(&self.blessing_path(inactive))
    }

    fn image(&mut self) -> io::Result<Box<dyn SlotImage>> {
        let inactive = spare(&self.read()?)?;
        if self.blessing_path(inactive).try_exists()? {
            return Err(refused(
                "the inactive slot is blessed, and is not written before that is taken away",
            ));
        }
        std::fs::create_dir_all(&self.folder)?;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path(inactive))?;
        Ok(Box::new(FileImage {
            file,
            capacity: self.capacity,
        }))
    }

    fn bless(&mut self, image: &VerifiedImage) -> io::Result<()> {
        let inactive = spare(&self.read()?)?;
        write_json(&self.blessing_path(inactive), image.blessing())
    }

    fn arm(&mut self, attempts: u8) -> io::Result<()> {
        if self.blessing()?.is_none() {
            return Err(refused("a slot that is not blessed is not booted"));
        }
        self.change(|record| {
            record.trial = Some(Trial {
                slot: record.inactive(),
                attempts,
            })
        })
    }

    fn disarm(&mut self) -> io::Result<()> {
        self.change(|record| record.trial = None)
    }

    fn promote(&mut self) -> io::Result<()> {
        self.change(|record| {
            record.active = record.running;
            record.trial = None;
        })
    }
}

impl Boot for FileSlots {
    fn read(&self) -> io::Result<BootRecord> {
        Ok(read_json(&self.boot_path())?.unwrap_or_default())
    }

    fn write(&mut self, record: &BootRecord) -> io::Result<()> {
        write_json(&self.boot_path(), record)
    }

    fn is_intact(&self, slot: Slot) -> io::Result<bool> {
        let Some(blessing) = self.blessing_of(slot)? else {
            return Ok(false);
        };
        let image = FileImage {
            file: File::open(self.path(slot))?,
            capacity: self.capacity,
        };
        let (mut hasher, mut buffer, mut offset) = (Hasher::new(), vec![0; 1 << 20], 0);
        while offset < blessing.length {
            let wanted =
                usize::try_from(blessing.length.saturating_sub(offset)).unwrap_or(usize::MAX);
            let most = wanted.min(buffer.len());
            let part = buffer.get_mut(..most).unwrap_or_default();
            if fill(&image, part, offset)? != most {
                return Ok(false);
            }
            hasher.update(part);
            offset = offset.saturating_add(most as u64);
        }
        Ok(hasher.finish() == blessing.sha256)
    }
}

struct FileImage {
    file: File,
    capacity: u64,
}

impl SlotImage for FileImage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if offset.saturating_add(bytes.len() as u64) > self.capacity {
            return Err(refused("the image does not fit into its slot"));
        }
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The slot to write to, unless it is the one that runs (a trial that was given up and not rebooted yet).
fn spare(record: &BootRecord) -> io::Result<Slot> {
    let inactive = record.inactive();
    if record.running == inactive {
        return Err(refused(
            "the inactive slot is the one that runs: reboot first",
        ));
    }
    Ok(inactive)
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let Some(bytes) = read_at_most(path, LONGEST_RECORD)? else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_atomically(path, &serde_json::to_vec_pretty(value)?)
}
