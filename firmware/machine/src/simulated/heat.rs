//! How temperatures follow their targets: each goes a fixed part of its way in each tick.

use crate::{Heater, Reading, Temperature};

/// What a room has, in degrees Celsius.
const ROOM: f32 = 25.0;

/// Warm, or cool, within this many degrees is enough.
const NEAR: f32 = 1.5;

/// One tick passes.
pub(super) fn tick(reading: &mut Reading, seconds: f32) {
    for heater in [Heater::Nozzle, Heater::Bed, Heater::Chamber] {
        let temperature = of(reading, heater);
        let part = (seconds / time_constant(heater)).min(1.0);
        temperature.current += (goal(*temperature) - temperature.current) * part;
    }
}

/// Whether a wait for the target is over. A target below the room's temperature cannot be waited for.
pub(super) fn is_reached(temperature: Temperature, also_cool: bool) -> bool {
    let goal = goal(temperature);
    let warm = temperature.current >= goal - NEAR;
    warm && (!also_cool || temperature.current <= goal + NEAR)
}

/// The temperature of one heater.
pub(super) fn of(reading: &mut Reading, heater: Heater) -> &mut Temperature {
    match heater {
        Heater::Nozzle => &mut reading.nozzle,
        Heater::Bed => &mut reading.bed,
        Heater::Chamber => &mut reading.chamber,
    }
}

/// All heaters off.
pub(super) fn off(reading: &mut Reading) {
    for heater in [Heater::Nozzle, Heater::Bed, Heater::Chamber] {
        of(reading, heater).target = 0;
    }
}

fn goal(temperature: Temperature) -> f32 {
    f32::from(temperature.target).max(ROOM)
}

/// Seconds until about two thirds of the way are gone.
fn time_constant(heater: Heater) -> f32 {
    match heater {
        Heater::Nozzle => 20.0,
        Heater::Bed => 45.0,
        Heater::Chamber => 240.0,
    }
}
