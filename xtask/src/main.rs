//! `cargo xtask`: parses the command line, draws progress, prints the report.

fn main() {}
