//! Where private keys live, and who signs what.
