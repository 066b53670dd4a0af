//! The update container: writer and strict reader.
