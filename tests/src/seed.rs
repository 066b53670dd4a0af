//! Random places that are the same in every run.

use firstlayer_bundle::Sha256;

/// `count` ascending places below `end`, random by the seed.
pub fn places(seed: &str, count: u32, end: u64) -> Vec<u64> {
    let place = |index: u32| {
        let hash = Sha256::of(format!("{seed} {index}").as_bytes());
        let first = hash.as_bytes().first_chunk::<8>().expect("32 bytes");
        u64::from_le_bytes(*first) % end
    };
    let mut places: Vec<u64> = (0..count).map(place).collect();
    places.sort_unstable();
    places
}
