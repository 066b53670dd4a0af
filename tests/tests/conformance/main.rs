//! Every point that a conforming client must do, against the `tuf-client` process.
