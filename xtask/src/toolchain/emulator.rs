//! QEMU's user emulators: they run a board's binary on this machine, to see what it does before it is signed.

use camino::{Utf8Path, Utf8PathBuf};

use super::apt::{self, Wanted};
use super::host;
use super::store::{self, Store};
use crate::board::{Board, Target};
use crate::checkout::Checkout;
use crate::error::Result;
use crate::progress::Progress;

/// The component's name in the store.
const NAME: &str = "qemu-user-static";
const FOLDER: &str = "usr/bin";

const WANTED: Wanted<'_> = Wanted {
    name: NAME,
    packages: &[NAME],
    acceptable: |_| Ok(()),
    keep,
};

/// The program that runs this board's binaries here; fetched from Debian where the machine has none.
pub fn emulator(
    checkout: &Checkout,
    board: &Board,
    progress: &dyn Progress,
) -> Result<Utf8PathBuf> {
    if let Some(found) = present(checkout, board.target) {
        return Ok(found);
    }
    let store = Store::open(checkout, progress)?;
    let root = apt::component(&store, &WANTED, progress)?;
    Ok(root.join(FOLDER).join(static_name(board.target)))
}

/// The emulator that is there already, on `PATH` or in the store.
pub(crate) fn present(checkout: &Checkout, target: Target) -> Option<Utf8PathBuf> {
    let unpacked = store::folder(checkout)
        .join(NAME)
        .join(FOLDER)
        .join(static_name(target));
    host::find(&static_name(target)).or_else(|| unpacked.is_file().then_some(unpacked))
}

fn static_name(target: Target) -> String {
    format!("qemu-{}-static", target.qemu())
}

/// Keeps the boards' emulators, and none of the thirty others.
fn keep(path: &Utf8Path) -> bool {
    let wanted = |target: &Target| path == Utf8Path::new(FOLDER).join(static_name(*target));
    Target::ALL.iter().any(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_boards_emulators_are_kept() {
        assert!(keep(Utf8Path::new("usr/bin/qemu-arm-static")));
        assert!(!keep(Utf8Path::new("usr/bin/qemu-armeb-static")));
    }
}
