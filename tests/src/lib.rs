//! The whole way, end to end, and the conformance client.
