//! Whoever the printer meets in an experiment: its owner, servers, a broker, a repository. All made on the spot.

pub(super) mod broker;
pub(super) mod ftps;
pub(super) mod mqtt;
pub(super) mod owner;
pub(super) mod repository;
pub(super) mod tls;
pub(super) mod web;
