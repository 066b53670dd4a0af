//! What the writer writes, the reader reads, and so do `tar` and `zstd`.

use crate::support::{bundle, extract, images, options};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_image_comes_back(image in images(), frame_length in 1_u64..5000, threads in 1_usize..5) {
        let bundle = bundle(&[("root", &image)], &options(1, threads, frame_length));
        prop_assert_eq!(extract(&bundle.bytes, &bundle.written.digest).unwrap(), vec![image]);
    }
}
