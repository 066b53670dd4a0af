//! What holds for any image and any bytes.

use firstlayer_bundle::{Hasher, Limits, Manifest, ManifestDigest, Sha256, read_manifest};
use proptest::{prelude::*, sample::Index};

use crate::support::{Forgery, bundle, extract, images, options};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_image_comes_back(image in images(), frame_length in 1000_u64..9000, threads in 1_usize..5) {
        let bundle = bundle(&[("root", &image)], &options(1, threads, frame_length));
        prop_assert_eq!(bundle.written.length, bundle.bytes.len() as u64);
        prop_assert_eq!(bundle.written.sha256, Sha256::of(&bundle.bytes));
        prop_assert_eq!(extract(&bundle.bytes, &bundle.written.digest).unwrap(), vec![image]);
    }

    #[test]
    fn threads_do_not_show_in_the_bytes(image in images(), level in 1..8, threads in 2_usize..6) {
        let images: &[(&str, &[u8])] = &[("kernel", &image[..1 + image.len() / 3]), ("root", &image)];
        let alone = bundle(images, &options(level, 1, 3000));
        let together = bundle(images, &options(level, threads, 3000));
        prop_assert!(alone.bytes == together.bytes);
        prop_assert_eq!(alone.written, together.written);
    }

    #[test]
    fn a_changed_byte_is_refused(image in images(), place in any::<Index>(), change in 1_u8..) {
        let good = bundle(&[("root", &image)], &options(1, 2, 8000));
        let mut bytes = good.bytes.clone();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        prop_assert!(extract(&bytes, &good.written.digest).is_err(), "byte {}", place);
    }

    #[test]
    fn a_cut_or_grown_file_is_refused(image in images(), cut in any::<Index>(), more in 1_usize..2000) {
        let good = bundle(&[("root", &image)], &options(1, 2, 8000));
        prop_assert!(extract(&good.bytes[..cut.index(good.bytes.len())], &good.written.digest).is_err());
        let grown = [good.bytes, vec![0; more]].concat();
        prop_assert!(extract(&grown, &good.written.digest).is_err());
    }

    #[test]
    fn frames_lie_where_the_manifest_says(image in images(), frame_length in 1000_u64..9000) {
        let bundle = bundle(&[("kernel", &image[..1]), ("root", &image)], &options(1, 2, frame_length));
        let digest = bundle.written.digest;
        let manifest = read_manifest(bundle.bytes.as_slice(), &digest, &Limits::default()).unwrap();
        prop_assert_eq!(manifest.bundle_length(), bundle.bytes.len() as u64);
        for (index, payload) in manifest.payloads().iter().enumerate() {
            for (number, frame) in payload.frames.iter().enumerate() {
                let place = manifest.location(index, number).unwrap();
                let stored = &bundle.bytes[place.start as usize..place.end as usize];
                prop_assert_eq!(Sha256::of(stored), frame.stored.sha256);
            }
            prop_assert_eq!(manifest.location(index, payload.frames.len()), None);
        }
        prop_assert_eq!(manifest.location(2, 0), None);
    }

    #[test]
    fn arbitrary_files_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4000), length in 0_u64..2000) {
        let digest = ManifestDigest { length, sha256: Sha256::of(&bytes) };
        prop_assert!(extract(&bytes, &digest).is_err());
    }

    #[test]
    fn arbitrary_signed_manifests_never_panic(place in any::<Index>(), byte in any::<u8>()) {
        let mut json = Forgery::new(b"image").manifest.to_string().into_bytes();
        let place = place.index(json.len());
        json[place] = byte;
        let digest = ManifestDigest { length: json.len() as u64, sha256: Sha256::of(&json) };
        if let Ok(manifest) = Manifest::verify(&json, &digest, &Limits::default()) {
            prop_assert!(manifest.location(0, 0).is_some());
        }
    }

    #[test]
    fn arbitrary_signed_frames_never_panic(
        stored in proptest::collection::vec(any::<u8>(), 1..300), place in 0_usize..4,
    ) {
        // As they are, or behind a frame header that is right for the length.
        let start = [&[][..], &[0x28, 0xb5, 0x2f, 0xfd], &[0x28, 0xb5, 0x2f, 0xfd, 0x20, 5]];
        let stored = [start[place % 3], &stored].concat();
        let mut forgery = Forgery::new(b"image");
        forgery.replace_frame(&stored);
        if let Ok(images) = forgery.read() {
            prop_assert_eq!(images, vec![b"image".to_vec()]);
        }
    }

    #[test]
    fn pieces_hash_like_the_whole(bytes in images(), place in any::<Index>()) {
        let (one, other) = bytes.split_at(place.index(bytes.len()));
        let mut hasher = Hasher::new();
        hasher.update(one);
        hasher.update(other);
        prop_assert_eq!(hasher.finish(), Sha256::of(&bytes));
    }
}
