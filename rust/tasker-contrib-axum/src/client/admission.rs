//! Whether the server takes new work, as far as its answers have told.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What the server says when it says nothing about the time.
const UNSAID: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Admission {
    closed_until: Mutex<Option<Instant>>,
}

impl Admission {
    pub(crate) fn refused(&self, after: Option<Duration>) {
        let until = Instant::now() + after.unwrap_or(UNSAID);
        let mut closed = self.lock();
        *closed = Some(closed.map_or(until, |present| present.max(until)));
    }

    pub(crate) fn accepted(&self) {
        *self.lock() = None;
    }

    /// How long nothing new should be sent; nothing when it may.
    pub(crate) fn closed_for(&self) -> Option<Duration> {
        self.closed_after(Instant::now())
    }

    fn closed_after(&self, moment: Instant) -> Option<Duration> {
        let until = (*self.lock())?;
        let left = until.saturating_duration_since(moment);
        (!left.is_zero()).then_some(left)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.closed_until
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Admission;

    #[test]
    fn it_closes_for_as_long_as_the_server_says() {
        let admission = Admission::default();
        let second = Duration::from_secs(1);
        assert_eq!(admission.closed_for(), None);
        let before = Instant::now();
        admission.refused(Some(30 * second));
        admission.refused(Some(second));
        let after = Instant::now();
        assert!(admission.closed_after(before + 29 * second) >= Some(second));
        assert_eq!(admission.closed_after(after + 30 * second), None);
        admission.refused(None);
        assert!(admission.closed_for().is_some());
        admission.accepted();
        assert_eq!(admission.closed_for(), None);
    }
}
