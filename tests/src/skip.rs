//! What a test does when this machine lacks what it needs: it says so, where nobody can miss it, and is counted.
//! With `FIRSTLAYER_TESTS_SKIP_NOTHING=1`, as in CI, it fails instead.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Ends the calling test with a line `SKIPPED <test>: <reason>`.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)+) => {{
        $crate::skip::report(&format!($($reason)+));
        return;
    }};
}

/// Counts one skipped test and prints the line; past libtest's capture, which hides what passing tests print.
pub fn report(reason: &str) {
    let nothing = std::env::var_os("FIRSTLAYER_TESTS_SKIP_NOTHING");
    assert!(
        nothing.is_none_or(|value| value != "1"),
        "nothing may be skipped here, and this would have been: {reason}"
    );
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    note(&format!(
        "SKIPPED {} ({count} so far): {reason}",
        test_name()
    ));
}

/// Prints a line that is seen even though the test passes.
pub fn note(line: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn test_name() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}
