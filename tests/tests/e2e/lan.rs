//! LAN mode with the clients that owners have, on the host build and on the cross-compiled one under emulation.

mod clear_text;
mod clients;
mod files;
mod hostile;
mod ports;

use firstlayer_tests::device::{Build, Device};
use firstlayer_tests::fixture::BOARDS;
use firstlayer_tests::skip::report;

/// Runs a test on the host build, and on both boards' builds under emulation.
fn on_every_build(test: impl Fn(Device)) {
    let emulated = BOARDS.into_iter().map(Build::emulated);
    for build in std::iter::once_with(Build::host).chain(emulated) {
        on(build, &test);
    }
}

/// Runs a test on the host build.
fn on_host(test: impl Fn(Device)) {
    on(Build::host(), &test);
}

fn on(build: Build, test: &impl Fn(Device)) {
    match Device::on_lan(build) {
        Ok(device) => test(device),
        Err(reason) => report(&reason),
    }
}
