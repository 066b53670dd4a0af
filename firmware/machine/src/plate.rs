//! A plate: G-code that was read to its end once, and found whole.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    sync::Arc,
};

use md5::{Digest, Md5};

use crate::{
    ArchiveError, Command, Limits, Lines, Mark, Medium,
    archive::{self, Content, Method, Source},
};

/// G-code that a machine may print. No value of this type exists that was not read and compared to its end.
///
/// It holds the opened file and not its name: a file that takes the old one's name later is not printed. One that is
/// changed in place is found out at the end of the print at the latest, by its CRC.
#[derive(Clone)]
pub struct Plate {
    medium: Arc<dyn Medium>,
    source: Source,
    limits: Limits,
    number: Option<u16>,
    outline: Outline,
}

/// What the check saw on its way through the G-code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// Bytes of G-code.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// Layers; 0 if nothing marks them.
    pub layers: u32,
    /// Whether the G-code tells its own progress (`M73`).
    pub tells_progress: bool,
}

impl Plate {
    /// Checks a sliced project (`.3mf`) and the plate in it that `member` names, such as `Metadata/plate_1.gcode`.
    /// Reads and decompresses the whole plate: seconds, for a large one.
    pub fn open(file: File, member: &str) -> Result<Self, ArchiveError> {
        Self::in_archive(Arc::new(file), member, &Limits::default())
    }

    /// Checks a file that is G-code and nothing else. Nothing says whether it is whole.
    pub fn plain(file: File) -> Result<Self, ArchiveError> {
        Self::of_text(Arc::new(file), &Limits::default())
    }

    /// As [`Plate::open`], from any medium and with limits of one's own. Whoever has to end the check early
    /// hands it a medium that fails from then on: it is asked for more every few megabytes of G-code.
    pub fn in_archive(
        medium: Arc<dyn Medium>,
        member: &str,
        limits: &Limits,
    ) -> Result<Self, ArchiveError> {
        let number = plate_number(member)
            .ok_or_else(|| ArchiveError::PlateName(member.chars().take(80).collect()))?;
        let md5_member = format!("{member}.md5");
        let [gcode, md5] = archive::find(&medium, [member, &md5_member], limits)?;
        let gcode = gcode.ok_or_else(|| ArchiveError::NoPlate(member.to_owned()))?;
        let md5 = md5.ok_or_else(|| ArchiveError::NoMd5(md5_member.clone()))?;
        check_size(&gcode, member, limits)?;
        let expected = read_md5(&medium, &md5, &md5_member, limits)?;
        let (outline, seen) = survey(Content::new(Arc::clone(&medium), &gcode), limits)?;
        if seen.md5() != expected {
            return Err(ArchiveError::Md5(md5_member));
        }
        Ok(Self {
            medium,
            source: gcode,
            limits: limits.clone(),
            number: Some(number),
            outline,
        })
    }

    /// As [`Plate::plain`], from any medium and with limits of one's own.
    pub fn of_text(medium: Arc<dyn Medium>, limits: &Limits) -> Result<Self, ArchiveError> {
        let size = medium.length().map_err(ArchiveError::Read)?;
        let mut source = Source {
            method: Method::Stored,
            start: 0,
            end: size,
            size,
            crc: 0,
        };
        if size > limits.gcode {
            return Err(ArchiveError::TooLarge {
                name: "G-code".to_owned(),
                found: size,
                limit: limits.gcode,
            });
        }
        let content = Content::unproven(Arc::clone(&medium), &source);
        let (outline, seen) = survey(content, limits)?;
        source.crc = seen.source.crc();
        Ok(Self {
            medium,
            source,
            limits: limits.clone(),
            number: None,
            outline,
        })
    }

    /// Which plate of its project it is; `None` for a file that is G-code and nothing else.
    pub fn number(&self) -> Option<u16> {
        self.number
    }

    /// What the check saw.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Reads the lines again, from the first. Length and CRC are compared again at the end.
    pub fn lines(&self) -> Lines<impl Read + Send + use<>> {
        self.content_lines()
    }

    pub(crate) fn content_lines(&self) -> Lines<Content> {
        let content = Content::new(Arc::clone(&self.medium), &self.source);
        Lines::new(content, &self.limits)
    }
}

impl fmt::Debug for Plate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plate")
            .field("number", &self.number)
            .field("outline", &self.outline)
            .finish_non_exhaustive()
    }
}

/// N of `Metadata/plate_N.gcode`, from 1 and without leading zeros.
fn plate_number(member: &str) -> Option<u16> {
    let digits = member
        .strip_prefix("Metadata/plate_")?
        .strip_suffix(".gcode")?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    plain.then(|| digits.parse().ok()).flatten()
}

fn check_size(source: &Source, name: &str, limits: &Limits) -> Result<(), ArchiveError> {
    if source.size > limits.gcode {
        return Err(ArchiveError::TooLarge {
            name: name.to_owned(),
            found: source.size,
            limit: limits.gcode,
        });
    }
    let most = (source.end - source.start).saturating_mul(limits.ratio);
    if source.size > limits.ratio_free.max(most) {
        return Err(ArchiveError::Ratio(name.to_owned()));
    }
    Ok(())
}

/// The digest that an MD5 file holds: 32 hexadecimal digits of any case, and white space after them.
fn read_md5(
    medium: &Arc<dyn Medium>,
    source: &Source,
    name: &str,
    limits: &Limits,
) -> Result<[u8; 16], ArchiveError> {
    if source.size > limits.md5 {
        return Err(ArchiveError::TooLarge {
            name: name.to_owned(),
            found: source.size,
            limit: limits.md5,
        });
    }
    let mut text = Vec::new();
    Content::new(Arc::clone(medium), source)
        .read_to_end(&mut text)
        .map_err(ArchiveError::from_io)?;
    digest(text.trim_ascii()).ok_or_else(|| ArchiveError::Md5Form(name.to_owned()))
}

fn digest(text: &[u8]) -> Option<[u8; 16]> {
    let text = std::str::from_utf8(text).ok()?;
    let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = plain.then(|| u128::from_str_radix(text, 16).ok()).flatten();
    number.map(u128::to_be_bytes)
}

/// Reads all lines, and so the whole content.
fn survey(content: Content, limits: &Limits) -> Result<(Outline, Digested), ArchiveError> {
    let digested = Digested {
        source: content,
        md5: Md5::new(),
    };
    let mut lines = Lines::new(digested, limits);
    let mut outline = Outline::default();
    let (mut marks, mut highest) = (0_u32, 0_u32);
    while let Some(line) = lines.next_line()? {
        // Nearly all lines, and none of them tells anything here.
        if line.text.starts_with(b"G") {
            continue;
        }
        match Command::parse(line.text) {
            Command::Layer(Mark::Next) => marks = marks.saturating_add(1),
            Command::Layer(Mark::Number { layer, layers }) => {
                highest = highest.max(layer).max(layers.unwrap_or_default());
            }
            Command::Layer(Mark::Layers(layers)) => highest = highest.max(layers),
            Command::Progress { percent, layer, .. } => {
                outline.tells_progress |= percent.is_some();
                highest = highest.max(layer.unwrap_or_default());
            }
            _ => {}
        }
    }
    outline.bytes = lines.consumed();
    outline.lines = lines.number();
    outline.layers = if highest > 0 { highest } else { marks };
    Ok((outline, lines.into_source()))
}

/// Content, with the MD5 of what has been read.
struct Digested {
    source: Content,
    md5: Md5,
}

impl Digested {
    fn md5(self) -> [u8; 16] {
        self.md5.finalize().into()
    }
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.md5.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
