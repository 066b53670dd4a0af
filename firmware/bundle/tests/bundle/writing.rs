//! What the writer refuses, and how it fails.

use std::{
    cell::Cell,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    num::NonZeroUsize,
};

use firstlayer_bundle::{Identity, Options, PayloadSource, WriteError, Written, write};

use crate::support::{bundle, extract, identity, options, source};

fn try_write(
    identity: Identity,
    sources: Vec<PayloadSource<'_>>,
    options: &Options,
) -> Result<Written, WriteError> {
    write(
        identity,
        sources,
        &mut Cursor::new(Vec::new()),
        io::sink(),
        options,
    )
}

/// Fails after so many bytes, like a full disk or a bad sector.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.min(buffer.len());
        self.0 -= count;
        if count == 0 {
            Err(io::ErrorKind::Other.into())
        } else {
            Ok(count)
        }
    }
}

impl Write for Failing {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.read(&mut buffer.to_vec())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn images_must_have_the_announced_length() {
    for announced in [9999, 10_001] {
        let mut image = source("root", &[1; 10_000]);
        image.length = announced;
        let error = try_write(identity(), vec![image], &options(1, 2, 1000)).unwrap_err();
        assert!(
            matches!(error, WriteError::SourceLength { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn failing_sources_and_outputs_are_told_apart() {
    let image = || PayloadSource {
        length: 20_000,
        reader: Box::new(Failing(5000)),
        ..source("root", b"")
    };
    let error = try_write(identity(), vec![image()], &options(1, 2, 1000)).unwrap_err();
    assert!(matches!(error, WriteError::Source { .. }), "{error:?}");
    for room in [0, 700, 2000] {
        let sources = vec![source("root", b"image")];
        let result = write(
            identity(),
            sources,
            &mut Cursor::new(vec![]),
            Failing(room),
            &Options::default(),
        );
        assert!(matches!(result, Err(WriteError::Write(_))), "{result:?}");
    }
}

#[test]
fn what_no_reader_would_take_is_not_written() {
    let standard = options(1, 1, 1000);
    let refused = |identity, sources| {
        try_write(identity, sources, &standard)
            .unwrap_err()
            .to_string()
    };
    let nothing = "a bundle cannot hold what it was given";
    assert_eq!(refused(identity(), vec![]), nothing);
    assert_eq!(refused(identity(), vec![source("root", b"")]), nothing);
    assert_eq!(
        refused(identity(), vec![source("root", b"a"), source("root", b"b")]),
        nothing
    );
    assert_eq!(
        refused(
            Identity {
                models: vec![],
                ..identity()
            },
            vec![source("root", b"a")]
        ),
        nothing
    );
    for options in [
        options(0, 1, 1000),
        options(20, 1, 1000),
        options(1, 1, 0),
        options(1, 1, (8 << 20) + 1),
    ] {
        assert!(
            try_write(identity(), vec![source("root", b"a")], &options).is_err(),
            "{options:?}"
        );
    }
}

#[test]
fn models_are_put_in_order() {
    let models = ["x1", "p1", "x1"]
        .map(|name| name.parse().unwrap())
        .to_vec();
    let written = try_write(
        Identity {
            models,
            ..identity()
        },
        vec![source("root", b"a")],
        &options(1, 1, 1000),
    );
    assert_eq!(
        written.unwrap(),
        try_write(identity(), vec![source("root", b"a")], &options(1, 1, 1000)).unwrap()
    );
}

/// Counts the bytes that went in at one end, and the frames that came out at the other.
struct Meter<'a> {
    read: &'a Cell<u64>,
    most_held: &'a Cell<u64>,
    spooled: u64,
}

impl Write for Meter<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let held = self.read.get() - self.spooled;
        self.most_held.set(self.most_held.get().max(held));
        self.spooled += FRAME;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Meter<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        self.read.set(self.read.get() + buffer.len() as u64);
        Ok(buffer.len())
    }
}

impl Seek for Meter<'_> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

const FRAME: u64 = 1000;

#[test]
fn a_few_frames_a_thread_are_held_and_not_the_image() {
    let (read, most_held) = (Cell::new(0), Cell::new(0));
    let meter = || Meter {
        read: &read,
        most_held: &most_held,
        spooled: 0,
    };
    let image = PayloadSource {
        length: 300 * FRAME,
        reader: Box::new(meter().take(300 * FRAME)),
        ..source("root", b"")
    };
    let result = write(
        identity(),
        vec![image],
        &mut meter(),
        io::sink(),
        &options(1, 3, FRAME),
    );
    assert!(
        matches!(result, Err(WriteError::Spool(_))),
        "this spool does not rewind: {result:?}"
    );
    assert_eq!(read.get(), 300 * FRAME);
    assert!(
        most_held.get() <= 8 * FRAME,
        "{} bytes were held",
        most_held.get()
    );
}

/// Large enough that zstd uses its full tables, at a level whose match finder keeps state between frames.
#[test]
fn threads_do_not_show_in_large_frames_either() {
    let image = (0..600_000_u32)
        .flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 20).to_le_bytes());
    let image = image.collect::<Vec<_>>();
    let one = bundle(&[("root", &image)], &options(9, 1, 1 << 20));
    let threads = NonZeroUsize::new(3).unwrap();
    let three = bundle(
        &[("root", &image)],
        &Options {
            threads,
            ..options(9, 1, 1 << 20)
        },
    );
    assert!(one.bytes == three.bytes);
    assert_eq!(extract(&one.bytes, &one.written.digest).unwrap(), [image]);
}
