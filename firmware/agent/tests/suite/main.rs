//! The agent as a whole, over real slots in a folder and a real repository.

mod crash;
mod lifecycle;
mod network;
mod printer;
mod repository;
