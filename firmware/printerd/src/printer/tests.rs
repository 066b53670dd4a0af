//! The printer, as its links see it: requests in, answers and reports out, by a clock that only the test moves.

mod bench;
mod cloud;
mod commands;
mod jobs;
mod reports;
mod updates;
