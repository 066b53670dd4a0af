//! The whole way as its users go it: maintainers, foreign clients, and emulated printers. One module a theme.

mod attacks;
mod harness;
