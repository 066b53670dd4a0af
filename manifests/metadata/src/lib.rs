//! TUF metadata, verified and authored, without IO or clock.
