//! The update state machine, over traits for slots, store, fetch, reboot and clock.
