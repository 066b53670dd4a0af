//! The comparison of two builds, with firmware that does or does not depend on where it was built.

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask::checkout::Checkout;
use xtask::probe::{Image, Probed};
use xtask::progress::{Progress, Silent};
use xtask::release::{
    BoardPlan, Environment, Firmware, Probing, Reproducible, check_reproducible_with,
};

use crate::workshop::{Prebuilt, Workshop};

/// Firmware that has the name of its folder in it, as a careless build has.
struct Careless<'a>(&'a Checkout);

impl Firmware for Careless<'_> {
    fn ready(&self, _probing: Probing) -> Result<()> {
        Ok(())
    }

    fn build(
        &self,
        _board: &BoardPlan,
        _environment: Environment,
        _progress: &dyn Progress,
    ) -> Result<Utf8PathBuf> {
        let path = self.0.state().join("printerd");
        // As long whatever the folder is called, so that the contents differ and not their length.
        std::fs::write(&path, format!("built in {:>200}", self.0.root()))?;
        Ok(path)
    }

    fn probe(&self, _image: &Image, _progress: &dyn Progress) -> Result<Probed> {
        anyhow::bail!("a comparison of bundles measures nothing")
    }
}

fn check(
    workshop: &Workshop,
    firmware: impl for<'a> Fn(&'a Checkout) -> Box<dyn Firmware + 'a>,
) -> Reproducible {
    check_reproducible_with(
        &workshop.checkout(),
        &workshop.request(),
        workshop.now,
        firmware,
        &Silent,
    )
    .unwrap()
}

#[test]
fn what_depends_on_the_commit_alone_is_reproducible_and_nothing_is_published() {
    let workshop = Workshop::new();
    let report = check(&workshop, |copy| {
        Box::new(Prebuilt(copy.root(), workshop.environment))
    });
    assert!(report.holds() && report.bundles.len() == 2, "{report}");
    assert!(!workshop.repository().exists());
}

#[test]
fn what_depends_on_its_folder_is_not_and_the_first_difference_is_named() {
    let workshop = Workshop::new();
    let report = check(&workshop, |copy| Box::new(Careless(copy)));
    assert!(!report.holds());
    let text = report.to_string();
    assert!(
        text.contains("NOT reproducible") && text.contains("usr/sbin/printerd, from byte "),
        "{text}"
    );
}
