//! The printer firmware.

fn main() {}
