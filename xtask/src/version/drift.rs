//! What does not fit together.

use serde::Serialize;

/// One thing that does not fit, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// `file:line`.
    pub at: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}
