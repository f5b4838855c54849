//! What does not fit together.

use serde::Serialize;

/// One thing that does not fit, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// `file:line`.
    pub at: String,
    pub what: String,
    pub fix: String,
}
