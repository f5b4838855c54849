//! Colours: on a terminal, unless NO_COLOR or CLICOLOR=0 says no; CLICOLOR_FORCE=1 wants them elsewhere, too.

use console::style;

/// Success.
pub fn good(text: &str) -> String {
    style(text).green().to_string()
}

/// Failure.
pub fn bad(text: &str) -> String {
    style(text).red().bold().to_string()
}

/// What did not happen, or must be noticed.
pub fn attention(text: &str) -> String {
    style(text).yellow().to_string()
}

/// What matters less.
pub fn faint(text: &str) -> String {
    style(text).dim().to_string()
}

/// What to do now.
pub fn advice(text: &str) -> String {
    style(text).cyan().to_string()
}

/// The same for standard error.
pub mod err {
    use console::{style, StyledObject};

    fn on_stderr(text: &str) -> StyledObject<&str> {
        style(text).for_stderr()
    }

    /// Failure.
    pub fn bad(text: &str) -> String {
        on_stderr(text).red().bold().to_string()
    }

    /// What must be noticed.
    pub fn attention(text: &str) -> String {
        on_stderr(text).yellow().to_string()
    }
}
