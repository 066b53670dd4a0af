//! Where the nozzle goes, and how long it takes: coordinates, their modes, and feed rates. Acceleration is left out.

use crate::{Command, Move, Position};

/// Millimetres a second.
const SLOWEST: f64 = 0.1;
const FASTEST: f64 = 600.0;
const HOMING: f64 = 50.0;

/// Coordinates stay within these, in millimetres, as soft end stops make them.
const LEAST: f64 = -60.0;
const MOST: f64 = 400.0;

/// A way from one place to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Travel {
    from: [f64; 3],
    to: [f64; 3],
    /// Microseconds in all.
    pub(super) duration: u64,
}

impl Travel {
    /// The place after so many microseconds.
    pub(super) fn place(&self, spent: u64) -> Position {
        let part = match self.duration {
            0 => 1.0,
            duration => (spent as f64 / duration as f64).min(1.0),
        };
        let [x, y, z] = [0, 1, 2].map(|axis| {
            let (from, to) = (at(&self.from, axis), at(&self.to, axis));
            (from + (to - from) * part) as f32
        });
        Position { x, y, z }
    }
}

/// Where the nozzle ends up after what has been taken on, and in which modes.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    place: [f64; 3],
    filament: f64,
    absolute: bool,
    absolute_filament: bool,
    /// Millimetres a second.
    feed: f64,
    /// What the print file wants, in percent.
    rate: u16,
}

impl Motion {
    /// At a place, with the modes that every program may count on.
    pub(super) fn at(position: Position) -> Self {
        Self {
            place: [position.x, position.y, position.z].map(f64::from),
            filament: 0.0,
            absolute: true,
            absolute_filament: true,
            feed: 50.0,
            rate: 100,
        }
    }

    /// Takes on a command; gives the way to go, if it has one. `level` is the owner's wish, in percent.
    pub(super) fn take(&mut self, command: &Command, level: u16) -> Option<Travel> {
        match command {
            Command::Move(end) => Some(self.straight(end, level, 0.0)),
            Command::Arc {
                end,
                i,
                j,
                clockwise,
            } => {
                let length = self.arc_length(end, *i, *j, *clockwise);
                Some(self.straight(end, level, length))
            }
            Command::Home { x, y, z } => Some(self.home([*x, *y, *z])),
            other => {
                self.set(other);
                None
            }
        }
    }

    fn set(&mut self, command: &Command) {
        match command {
            Command::Absolute(absolute) => {
                (self.absolute, self.absolute_filament) = (*absolute, *absolute);
            }
            Command::AbsoluteFilament(absolute) => self.absolute_filament = *absolute,
            Command::Relabel(place) => {
                let named = [place.x, place.y, place.z];
                for (axis, named) in self.place.iter_mut().zip(named) {
                    *axis = within(named.unwrap_or(*axis));
                }
                self.filament = place.e.unwrap_or(self.filament);
            }
            Command::Rate(percent) => self.rate = *percent,
            _ => {}
        }
    }

    /// A move whose way is at least `length` long.
    fn straight(&mut self, end: &Move, level: u16, length: f64) -> Travel {
        if let Some(feed) = end.feed {
            self.feed = (feed / 60.0).clamp(SLOWEST, FASTEST);
        }
        let from = self.place;
        for (axis, given) in self.place.iter_mut().zip([end.x, end.y, end.z]) {
            *axis = within(coordinate(*axis, given, self.absolute));
        }
        let filament = coordinate(self.filament, end.e, self.absolute_filament);
        let extruded = (filament - self.filament).abs().min(MOST);
        self.filament = filament;
        // A move of filament alone takes its time as well.
        let straight = distance(&from, &self.place);
        let way = if straight > 0.0 || length > 0.0 {
            straight.max(length)
        } else {
            extruded
        };
        let percent = f64::from(self.rate) * f64::from(level) / 10_000.0;
        let speed = (self.feed * percent).clamp(SLOWEST, FASTEST);
        self.travel(from, way / speed)
    }

    fn home(&mut self, axes: [bool; 3]) -> Travel {
        let from = self.place;
        for (axis, homed) in self.place.iter_mut().zip(axes) {
            if homed {
                *axis = 0.0;
            }
        }
        // The end switches are sought even from where they are.
        let way = distance(&from, &self.place).max(HOMING);
        self.travel(from, way / HOMING)
    }

    fn travel(&self, from: [f64; 3], seconds: f64) -> Travel {
        Travel {
            from,
            to: self.place,
            duration: (seconds * 1e6) as u64,
        }
    }

    fn arc_length(&self, end: &Move, i: f64, j: f64, clockwise: bool) -> f64 {
        let [x, y, _] = self.place;
        let radius = i.hypot(j).min(MOST);
        let to = [
            within(coordinate(x, end.x, self.absolute)) - x,
            within(coordinate(y, end.y, self.absolute)) - y,
        ];
        let turn = (to[1] - j).atan2(to[0] - i) - (-j).atan2(-i);
        let turn = if clockwise { -turn } else { turn };
        let whole = std::f64::consts::TAU;
        // A circle that ends where it began is a whole one.
        let turn = turn.rem_euclid(whole);
        radius * if turn < 1e-9 { whole } else { turn }
    }
}

fn coordinate(now: f64, given: Option<f64>, absolute: bool) -> f64 {
    match given {
        None => now,
        Some(given) if absolute => given,
        Some(given) => now + given,
    }
}

fn within(coordinate: f64) -> f64 {
    coordinate.clamp(LEAST, MOST)
}

fn distance(from: &[f64; 3], to: &[f64; 3]) -> f64 {
    let squares = from.iter().zip(to).map(|(from, to)| (to - from).powi(2));
    squares.sum::<f64>().sqrt()
}

fn at(place: &[f64; 3], axis: usize) -> f64 {
    place.get(axis).copied().unwrap_or_default()
}
