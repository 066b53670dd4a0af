//! How a long step tells that it goes on. The library emits events; only the binary draws them.

/// What happens, as it happens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A step begins; `total` is its size in the step's own unit, where that is known beforehand.
    Started {
        /// What is done, as a person would say it: "build virt-armv7".
        step: String,
        /// How much there is to do.
        total: Option<u64>,
    },
    /// The current step has done this much of its total so far.
    Advanced {
        /// In the step's own unit, from its start.
        done: u64,
    },
    /// Something worth a line that is neither a step nor an error.
    Note(String),
    /// The current step is over.
    Finished {
        /// What came of it, in a few words.
        outcome: String,
    },
}

/// Whoever wants to hear of progress.
pub trait Progress {
    /// Takes one event; must neither block for long nor fail.
    fn event(&self, event: Event);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event) {}
}
