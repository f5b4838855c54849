//! Ctrl-C and SIGTERM as a flag that waiting code looks at.
//!
//! The handler only sets a flag: whoever waits for a child sees it, stops the child's whole process group, and returns
//! [`Error::Interrupted`](crate::error::Error::Interrupted). So cleaning up is ordinary code that runs on the ordinary path.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Says whether the user wants everything to stop. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    /// The flag of something larger, which this is a part of.
    around: Option<Arc<AtomicBool>>,
}

impl Interrupt {
    /// A flag that SIGINT, SIGTERM and SIGHUP (a closed terminal) set.
    pub fn on_signals() -> Self {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Registering fails only for signals that cannot be caught, which these can.
            let _ = signal_hook::flag::register(signal, Arc::clone(&interrupt.asked));
        }
        interrupt
    }

    /// A flag for a part of what this one is for: it is set when this one is, and can be set alone.
    #[must_use]
    pub fn part(&self) -> Self {
        Self {
            asked: Arc::default(),
            around: Some(Arc::clone(&self.asked)),
        }
    }

    pub fn is_set(&self) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is_set(&self.asked) || self.around.as_deref().is_some_and(is_set)
    }

    /// Asks everything that shares this flag to stop.
    pub fn set(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}
