//! `cargo bench -p firstlayer-benches`; `-- --help` after it says what can be asked for.

fn main() -> anyhow::Result<std::process::ExitCode> {
    firstlayer_benches::main()
}
