//! Bundles that are signed as they are, and that the strict reader refuses: so does an install.

use firstlayer_agent::*;
use firstlayer_bundle::{Manifest, ManifestDigest, Sha256};

use crate::{
    printer::{TestPrinter, Trick, Tricky},
    repository::{Repository, image},
};

const LENGTH: usize = 50_000;

/// Installs 1.1.0 from a bundle that was changed before it was signed; gives the error with its causes.
fn refusal(change: impl FnOnce(&mut Vec<u8>, &mut ManifestDigest)) -> (AgentError, TestPrinter) {
    let mut repository = Repository::new();
    repository.release_changed("1.1.0", 2, &image(1, LENGTH), change);
    let printer = TestPrinter::new(repository.trust_anchor());
    let error = printer
        .install(&mut FolderFetch::new(repository.path()))
        .unwrap_err();
    assert!(printer.slots().blessing().unwrap().is_none());
    (error, printer)
}

fn cause(error: &AgentError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

/// Overwrites a field of the payload's tar header.
fn in_header(offset: usize, field: &[u8]) -> String {
    let (error, printer) = refusal(|bytes, digest| {
        let start = usize::try_from(Manifest::preamble_length(digest)).unwrap() + offset;
        bytes[start..start + field.len()].copy_from_slice(field);
    });
    // Whether it was signed so or changed on the way, a header does not tell: nothing is held against the release.
    assert!(matches!(error, AgentError::Changed { .. }), "{error:?}");
    assert!(printer.record().refused.is_empty());
    assert!(!printer.slots().path(Slot::B).exists());
    cause(&error)
}

#[test]
fn ustar_size_differs_from_the_payload() {
    let said = in_header(124, b"00000000001");
    assert!(
        said.contains("header for root.zst") && said.ends_with("in its size"),
        "{said}"
    );
}

#[test]
fn hard_link_in_place_of_the_payload() {
    let said = in_header(156, b"1");
    assert!(said.ends_with("in its typeflag"), "{said}");
}

#[test]
fn device_in_place_of_the_payload() {
    let said = in_header(156, b"3");
    assert!(said.ends_with("in its typeflag"), "{said}");
}

#[test]
fn frame_of_other_bytes() {
    let (error, printer) = refusal(|bytes, digest| {
        let length = usize::try_from(digest.length).unwrap();
        let raw = image(1, LENGTH);
        let honest = Sha256::of(&raw[..4096]).to_string();
        let manifest = std::str::from_utf8(&bytes[512..512 + length]).unwrap();
        assert!(manifest.contains(&honest));
        let lying = manifest.replace(&honest, &Sha256::of(b"other bytes").to_string());
        digest.sha256 = Sha256::of(lying.as_bytes());
        bytes[512..512 + length].copy_from_slice(lying.as_bytes());
    });
    assert!(matches!(error, AgentError::Bundle { .. }), "{error:?}");
    assert!(
        cause(&error).contains("decompresses to other bytes"),
        "{error:?}"
    );
    assert_eq!(printer.record().refused.len(), 1);
    // The image itself is the signed one, and lies unblessed.
    let written = std::fs::read(printer.slots().path(Slot::B)).unwrap();
    assert_eq!(written, image(1, LENGTH));
}

#[test]
fn a_header_that_is_changed_between_two_tries_is_noticed_by_the_second() {
    let mut repository = Repository::new();
    let release = repository.release("1.1.0", 2, &image(1, LENGTH));
    let printer = TestPrinter::new(repository.trust_anchor());
    let cuts = [Trick::Serve].into_iter().chain(
        std::iter::repeat_n(Trick::Cut(20_000), 1).chain(std::iter::repeat_n(Trick::Cut(0), 9)),
    );
    printer
        .install(&mut Tricky::new(repository.path(), cuts))
        .unwrap_err();
    let path = repository.path().join(repository.bundle_path(&release));
    let mut bytes = std::fs::read(&path).unwrap();
    let start = usize::try_from(Manifest::preamble_length(&release.bundle.manifest)).unwrap();
    bytes[start + 156] = b'1';
    std::fs::write(&path, bytes).unwrap();
    let error = printer
        .install(&mut FolderFetch::new(repository.path()))
        .unwrap_err();
    assert!(cause(&error).ends_with("in its typeflag"), "{error:?}");
}
