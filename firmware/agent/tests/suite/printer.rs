//! A printer in a folder, whose power can be cut at any operation, and whose network can fail as told.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use firstlayer_agent::*;
use firstlayer_bundle::{Counter, Identity};
use firstlayer_policy::RunningRelease;
use jiff::Timestamp;

/// What the printer left the factory with.
pub(crate) const FACTORY: &str = "1.0.0";

pub(crate) struct TestPrinter {
    folder: tempfile::TempDir,
    pub(crate) setup: Setup,
    pub(crate) clock: TestClock,
    pub(crate) capacity: u64,
    /// Operations on slots and store before the power is cut; `u32::MAX` is never.
    pub(crate) power: Power,
}

#[derive(Clone)]
pub(crate) struct Power(Arc<AtomicU32>);

pub(crate) struct TestClock {
    pub(crate) now: Timestamp,
    pub(crate) slept: RefCell<Vec<Duration>>,
}

impl TestPrinter {
    pub(crate) fn new(trust_anchor: Vec<u8>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            board: "virt-armv7".parse().unwrap(),
            model: "first-mini".parse().unwrap(),
            serial: None,
            channel: "stable".parse().unwrap(),
            running: running(FACTORY, 1),
            trust_anchor,
            refuse_development: true,
            metadata: MetadataFolder::new(folder.path().join("metadata")),
            retry: RetryPolicy {
                attempts: 4,
                ..RetryPolicy::default()
            },
            trial_attempts: 2,
        };
        let clock = TestClock {
            now: "2026-06-01T00:00:00Z".parse().unwrap(),
            slept: RefCell::default(),
        };
        Self {
            folder,
            setup,
            clock,
            capacity: 1 << 20,
            power: Power::endless(),
        }
    }

    pub(crate) fn slots(&self) -> FileSlots {
        FileSlots::new(self.folder.path().join("slots"), self.capacity)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Agent<'_>) -> T) -> Result<T, AgentError> {
        let mut slots = FailingSlots {
            slots: self.slots(),
            power: self.power.clone(),
        };
        let mut store = FailingStore {
            store: self.store(),
            power: self.power.clone(),
        };
        let (clock, reboot) = (&self.clock, &mut NoReboot);
        let machine = Machine {
            slots: &mut slots,
            store: &mut store,
            clock,
            reboot,
        };
        Ok(work(&mut Agent::open(self.setup.clone(), machine)?))
    }

    pub(crate) fn install(&self, fetch: &mut dyn Fetch) -> Result<Installed, AgentError> {
        self.with(|agent| agent.install(None, fetch, &mut Silent))?
    }

    pub(crate) fn status(&self) -> Status {
        self.with(|agent| agent.status().unwrap()).unwrap()
    }

    /// The record as it lies on the medium.
    pub(crate) fn record(&self) -> Record {
        self.store().load().unwrap().unwrap_or_default()
    }

    /// Boots: the running release is the one in the slot that the boot loader picks.
    pub(crate) fn boot(&mut self, counter_of: impl Fn(&str) -> u64) -> Slot {
        let mut slots = self.slots();
        let slot = play_boot_loader(&mut slots).unwrap().running;
        let version = slots
            .blessing_of(slot)
            .unwrap()
            .map_or(FACTORY.to_owned(), |blessing| blessing.version.to_string());
        self.setup.running = running(&version, counter_of(&version));
        slot
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.folder.path().join("agent.json"))
    }
}

pub(crate) fn running(version: &str, counter: u64) -> RunningRelease {
    let identity = Identity {
        board: "virt-armv7".parse().unwrap(),
        models: vec!["first-mini".parse().unwrap()],
        version: version.parse().unwrap(),
        counter: Counter::new(counter).unwrap(),
    };
    RunningRelease::new(identity, "2026-01-01T00:00:00Z".parse().unwrap())
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn sleep(&self, time: Duration) {
        self.slept.borrow_mut().push(time);
    }
}

struct NoReboot;

impl Reboot for NoReboot {
    fn reboot(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Power {
    pub(crate) fn endless() -> Self {
        Self(Arc::new(AtomicU32::new(u32::MAX)))
    }

    /// So many operations succeed, the next one is torn, and all later ones fail.
    pub(crate) fn set(&self, operations: u32) {
        self.0.store(operations, Ordering::SeqCst);
    }

    fn spend(&self) -> io::Result<()> {
        let left = |left: u32| {
            if left == u32::MAX {
                None
            } else {
                left.checked_sub(1)
            }
        };
        let spent = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        match spent {
            Err(0) => Err(io::Error::other("the power is cut")),
            _ => Ok(()),
        }
    }
}

struct FailingStore {
    store: FileStore,
    power: Power,
}

impl Store for FailingStore {
    fn load(&mut self) -> io::Result<Option<Record>> {
        self.store.load()
    }

    fn commit(&mut self, record: &Record) -> io::Result<()> {
        self.power.spend()?;
        self.store.commit(record)
    }
}

struct FailingSlots {
    slots: FileSlots,
    power: Power,
}

impl Slots for FailingSlots {
    fn boot(&self) -> io::Result<BootRecord> {
        self.slots.boot()
    }

    fn capacity(&self) -> io::Result<u64> {
        self.slots.capacity()
    }

    fn blessing(&self) -> io::Result<Option<Blessing>> {
        self.slots.blessing()
    }

    fn invalidate(&mut self) -> io::Result<()> {
        // Two steps on the medium: the power may go between them.
        self.power.spend()?;
        self.slots.disarm()?;
        self.power.spend()?;
        self.slots.invalidate()
    }

    fn image(&mut self) -> io::Result<Box<dyn SlotImage>> {
        Ok(Box::new(FailingImage {
            image: self.slots.image()?,
            power: self.power.clone(),
        }))
    }

    fn bless(&mut self, image: &VerifiedImage) -> io::Result<()> {
        self.power.spend()?;
        self.slots.bless(image)
    }

    fn arm(&mut self, attempts: u8) -> io::Result<()> {
        self.power.spend()?;
        self.slots.arm(attempts)
    }

    fn disarm(&mut self) -> io::Result<()> {
        self.power.spend()?;
        self.slots.disarm()
    }

    fn promote(&mut self) -> io::Result<()> {
        self.power.spend()?;
        self.slots.promote()
    }
}

struct FailingImage {
    image: Box<dyn SlotImage>,
    power: Power,
}

impl SlotImage for FailingImage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.image.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = self.power.spend() {
            self.image.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(error);
        }
        self.image.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.power.spend()?;
        self.image.sync()
    }
}

/// What a server does with one request for a bundle.
#[derive(Debug, Clone)]
pub(crate) enum Trick {
    /// Answers as it should.
    Serve,
    /// Breaks off after so many bytes.
    Cut(u64),
    /// Does not have the file.
    Absent,
    /// Is out of order.
    Busy(Option<Duration>),
    /// Sends the whole file whatever range is asked for.
    IgnoreRange,
    /// Sends one byte more than asked for.
    Excess,
    /// Flips a bit in the last byte of what is asked for.
    Flip,
    /// Says that it is another file.
    OtherValidator,
}

/// A repository in a folder behind a server with tricks for requests for bundles; metadata is always served.
pub(crate) struct Tricky {
    folder: FolderFetch,
    pub(crate) tricks: VecDeque<Trick>,
    /// The ranges of bundles that were asked for.
    pub(crate) asked: Vec<std::ops::Range<u64>>,
}

impl Tricky {
    pub(crate) fn new(folder: impl Into<PathBuf>, tricks: impl IntoIterator<Item = Trick>) -> Self {
        Self {
            folder: FolderFetch::new(folder),
            tricks: tricks.into_iter().collect(),
            asked: Vec::new(),
        }
    }
}

impl Fetch for Tricky {
    fn open(&mut self, request: &Request<'_>) -> Result<Option<Content>, FetchError> {
        let Some(range) = request.range.clone() else {
            return self.folder.open(request);
        };
        self.asked.push(range.clone());
        let trick = self.tricks.pop_front().unwrap_or(Trick::Serve);
        let whole = Request {
            range: None,
            ..request.clone()
        };
        let longer = Request {
            range: Some(range.start..range.end + 1),
            ..request.clone()
        };
        let mut content = match trick {
            Trick::Absent => return Ok(None),
            Trick::Busy(retry_after) => {
                return Err(FetchError::Busy {
                    status: 503,
                    retry_after,
                });
            }
            Trick::IgnoreRange => self.folder.open(&whole)?,
            Trick::Excess => self.folder.open(&longer)?,
            _ => self.folder.open(request)?,
        };
        if let Some(content) = &mut content {
            let mut bytes = Vec::new();
            content.body.read_to_end(&mut bytes).unwrap();
            let tag = if matches!(trick, Trick::OtherValidator) {
                "\"other\""
            } else {
                "\"one\""
            };
            content.validator = Some(tag.to_owned());
            if let (Trick::Flip, Some(last)) = (&trick, bytes.last_mut()) {
                *last ^= 1;
            }
            let cut = if let Trick::Cut(cut) = trick {
                cut
            } else {
                u64::MAX
            };
            let broken = matches!(trick, Trick::Cut(_)).then_some(Broken);
            let body = io::Cursor::new(bytes).take(cut);
            content.body = match broken {
                Some(broken) => Box::new(body.chain(broken)),
                None => Box::new(body),
            };
        }
        Ok(content)
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}
