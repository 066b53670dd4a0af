//! The bundle as its users see it: through the public interface, and through `tar` and `zstd`.

mod round_trip;
mod support;
