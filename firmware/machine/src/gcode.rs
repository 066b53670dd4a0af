//! One line of G-code, parsed. Every line of bytes is something; nothing here fails, and nothing is carried out.
//!
//! What is understood is what slicers for printers of this family write. Parameters that are no number, or absurdly
//! large, count as absent.

use std::time::Duration;

use crate::{Fan, Heater};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// A move in a straight line (`G0`, `G1`).
    Move(Move),
    /// A move around a centre (`G2`, `G3`), which lies at these distances from the start. Whole circles as well.
    Arc {
        /// The end.
        end: Move,
        /// The centre's distance along x.
        i: f64,
        /// The centre's distance along y.
        j: f64,
        /// The sense of rotation.
        clockwise: bool,
    },
    /// Waits (`G4`).
    Dwell(Duration),
    /// Moves these axes to their ends (`G28`); all, if none is named.
    Home {
        /// Left to right.
        x: bool,
        /// Front to back.
        y: bool,
        /// Bed to nozzle.
        z: bool,
    },
    /// Whether coordinates count from the origin or from where the nozzle is (`G90`, `G91`).
    Absolute(bool),
    /// The same for filament alone (`M82`, `M83`).
    AbsoluteFilament(bool),
    /// The place where the nozzle is gets these coordinates (`G92`).
    Relabel(Move),
    /// Sets a heater's target, or waits for the one it has.
    Heat(Heat),
    /// Sets a fan (`M106`, `M107`).
    Fan {
        /// Which.
        fan: Fan,
        /// 0 to 100.
        percent: u8,
    },
    /// The slicer's reckoning (`M73`).
    Progress {
        /// 0 to 100.
        percent: Option<u8>,
        /// Minutes to go.
        remaining: Option<u32>,
        /// The layer that begins, from 1.
        layer: Option<u32>,
    },
    /// How fast the print file wants its moves, in percent (`M220`).
    Rate(u16),
    /// The print waits for its owner (`M0`, `M1`, `M25`, `M400 U1`, `M600`).
    Pause,
    /// A comment that tells of layers.
    Layer(Mark),
    /// An empty line, another comment, or a code that this machine leaves alone.
    Nothing,
    /// Text that is no G-code.
    Garbled,
}

/// Coordinates of a move, in millimetres, as far as they are given.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Move {
    /// Left to right.
    pub x: Option<f64>,
    /// Front to back.
    pub y: Option<f64>,
    /// Bed to nozzle.
    pub z: Option<f64>,
    /// Filament.
    pub e: Option<f64>,
    /// Millimetres a minute.
    pub feed: Option<f64>,
}

/// A target for a heater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heat {
    /// Which.
    pub heater: Heater,
    /// Degrees Celsius; the target stays as it is if absent.
    pub target: Option<u16>,
    /// Whether the next line waits until it is warm enough.
    pub wait: bool,
    /// Whether it also waits until it is cool enough.
    pub wait_to_cool: bool,
}

/// What a comment tells of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The next one begins.
    Next,
    /// One begins, and this is its number, from 1.
    Number {
        /// The number.
        layer: u32,
        /// How many there are.
        layers: Option<u32>,
    },
    /// How many there are.
    Layers(u32),
}

impl Command {
    /// Parses a line without its line feed.
    pub fn parse(line: &[u8]) -> Self {
        let (code, comment) = match line.iter().position(|byte| *byte == b';') {
            Some(at) => (
                line.get(..at).unwrap_or_default(),
                line.get(at + 1..).unwrap_or_default(),
            ),
            None => (line, [].as_slice()),
        };
        // A checksum follows an asterisk; it is for lines from a serial port.
        let code = code.split(|byte| *byte == b'*').next().unwrap_or_default();
        let mut words = Words(code.trim_ascii());
        if words.0.is_empty() {
            return mark(comment).map_or(Self::Nothing, Self::Layer);
        }
        match words.code() {
            Some((letter, Some(number))) => command(letter, number, &Parameters::read(words)),
            Some((_, None)) => Self::Nothing,
            None => Self::Garbled,
        }
    }

    /// Whether carrying it out moves the machine, waits, or counts for a print alone.
    pub fn is_for_prints(&self) -> bool {
        match self {
            Self::Heat(heat) => heat.wait,
            Self::Fan { .. } | Self::Nothing | Self::Garbled | Self::Layer(_) => false,
            _ => true,
        }
    }
}

fn command(letter: u8, number: u16, parameters: &Parameters) -> Command {
    match (letter, number) {
        (b'G', 0 | 1) => Command::Move(parameters.place()),
        (b'G', 2 | 3) => Command::Arc {
            end: parameters.place(),
            i: parameters.number(b'I').unwrap_or_default(),
            j: parameters.number(b'J').unwrap_or_default(),
            clockwise: number == 2,
        },
        (b'G', 4) => Command::Dwell(dwell(parameters)),
        (b'G', 28) => home(parameters),
        (b'G', 90 | 91) => Command::Absolute(number == 90),
        (b'G', 92) => Command::Relabel(parameters.place()),
        (b'M', 0 | 1 | 25 | 600) => Command::Pause,
        (b'M', 82 | 83) => Command::AbsoluteFilament(number == 82),
        (b'M', 104 | 109) => heat(Heater::Nozzle, number == 109, parameters),
        (b'M', 140 | 190) => heat(Heater::Bed, number == 190, parameters),
        (b'M', 141 | 191) => heat(Heater::Chamber, number == 191, parameters),
        (b'M', 106) => fan(parameters, parameters.number(b'S').unwrap_or(255.0)),
        (b'M', 107) => fan(parameters, 0.0),
        (b'M', 73) => Command::Progress {
            percent: parameters.whole(b'P').map(|percent| percent.min(100) as u8),
            remaining: parameters.whole(b'R'),
            layer: parameters.whole(b'L'),
        },
        (b'M', 220) => match parameters.whole(b'S') {
            Some(percent) => Command::Rate(percent.clamp(10, 500) as u16),
            None => Command::Nothing,
        },
        (b'M', 400) if parameters.number(b'U') == Some(1.0) => Command::Pause,
        (b'M', 400) => Command::Dwell(dwell(parameters)),
        _ => Command::Nothing,
    }
}

fn dwell(parameters: &Parameters) -> Duration {
    let seconds = match (parameters.number(b'S'), parameters.number(b'P')) {
        (Some(seconds), _) => seconds,
        (None, Some(milliseconds)) => milliseconds / 1000.0,
        (None, None) => 0.0,
    };
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn home(parameters: &Parameters) -> Command {
    let [x, y, z] = [b'X', b'Y', b'Z'].map(|axis| parameters.has(axis));
    let all = !(x || y || z);
    Command::Home {
        x: x || all,
        y: y || all,
        z: z || all,
    }
}

fn heat(heater: Heater, wait: bool, parameters: &Parameters) -> Command {
    let cool = parameters.whole(b'R');
    let target = parameters.whole(b'S').or(cool);
    Command::Heat(Heat {
        heater,
        target: target.map(|target| target.min(u16::MAX.into()) as u16),
        wait,
        wait_to_cool: wait && cool.is_some(),
    })
}

fn fan(parameters: &Parameters, of_255: f64) -> Command {
    let fan = match parameters.whole(b'P') {
        None | Some(0 | 1) => Fan::Part,
        Some(2) => Fan::Auxiliary,
        Some(3) => Fan::Chamber,
        Some(_) => return Command::Nothing,
    };
    let percent = (of_255.clamp(0.0, 255.0) * 100.0 / 255.0).round() as u8;
    Command::Fan { fan, percent }
}

/// The parameters of a line: the last number given for each letter.
struct Parameters([Option<Option<f64>>; 26]);

impl Parameters {
    fn read(mut words: Words<'_>) -> Self {
        let mut letters = [None; 26];
        while let Some((letter, number)) = words.next() {
            if let Some(place) = letters.get_mut(usize::from(letter.wrapping_sub(b'A'))) {
                *place = Some(number);
            }
        }
        Self(letters)
    }

    fn has(&self, letter: u8) -> bool {
        matches!(self.0.get(usize::from(letter - b'A')), Some(Some(_)))
    }

    fn number(&self, letter: u8) -> Option<f64> {
        self.0
            .get(usize::from(letter - b'A'))
            .copied()
            .flatten()
            .flatten()
    }

    /// Not negative, and without its fraction.
    fn whole(&self, letter: u8) -> Option<u32> {
        self.number(letter).map(|number| number as u32)
    }

    fn place(&self) -> Move {
        let [x, y, z, e] = [b'X', b'Y', b'Z', b'E'].map(|axis| self.number(axis));
        let feed = self.number(b'F').filter(|feed| *feed > 0.0);
        Move { x, y, z, e, feed }
    }
}

/// Letters with the numbers behind them, with white space anywhere between.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    /// The code that begins the line, behind a line number if there is one. A code without a plain whole number, such
    /// as `G29.1`, is one that nobody here knows.
    fn code(&mut self) -> Option<(u8, Option<u16>)> {
        let (mut letter, mut digits) = self.word()?;
        if letter == b'N' && !digits.is_empty() && !self.0.is_empty() {
            self.0 = self.0.trim_ascii_start();
            (letter, digits) = self.word()?;
        }
        let plain = digits.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(digits).ok()?.parse().ok();
        let ends = self.0.first().is_none_or(|byte| {
            byte.is_ascii_whitespace() || byte.is_ascii_alphabetic() || *byte == b'*'
        });
        let begins = digits.first().is_some_and(u8::is_ascii_digit);
        (begins && ends).then_some((letter, number.filter(|_| plain)))
    }

    /// The next letter with its number. What is neither is passed over.
    fn next(&mut self) -> Option<(u8, Option<f64>)> {
        while let Some(first) = self.0.first() {
            if first.is_ascii_alphabetic() {
                let (letter, digits) = self.word()?;
                return Some((letter, number(digits)));
            }
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        None
    }

    fn word(&mut self) -> Option<(u8, &'a [u8])> {
        let (letter, rest) = self.0.split_first()?;
        let rest = rest.trim_ascii_start();
        let length = rest
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'))
            .unwrap_or(rest.len());
        let (digits, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        letter
            .is_ascii_alphabetic()
            .then(|| (letter.to_ascii_uppercase(), digits))
    }
}

fn number(digits: &[u8]) -> Option<f64> {
    const LARGEST: f64 = 1e9;
    let number: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number.abs() <= LARGEST).then_some(number)
}

fn mark(comment: &[u8]) -> Option<Mark> {
    let comment = std::str::from_utf8(comment.get(..80).unwrap_or(comment)).ok()?;
    let comment = comment.trim();
    let (key, value) = comment
        .split_once([':', '='])
        .map_or((comment, ""), |(key, value)| (key.trim(), value.trim()));
    match key {
        "CHANGE_LAYER" | "LAYER_CHANGE" => Some(Mark::Next),
        "layer num/total_layer_count" => {
            let (layer, layers) = value.split_once('/')?;
            Some(Mark::Number {
                layer: layer.trim().parse().ok()?,
                layers: layers.trim().parse().ok(),
            })
        }
        // Cura counts from 0.
        "LAYER" => Some(Mark::Number {
            layer: value.parse::<u32>().ok()?.saturating_add(1),
            layers: None,
        }),
        "LAYER_COUNT" => Some(Mark::Layers(value.parse().ok()?)),
        "total layer number" | "total layers count" => Some(Mark::Layers(value.parse().ok()?)),
        _ => None,
    }
}
