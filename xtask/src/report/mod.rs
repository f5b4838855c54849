//! Subscribers of a run's events: for people, for programs, for GitHub's log view.

mod github;
mod human;
mod json;
pub mod junit;
pub mod paint;
mod style;

use std::path::Path;

pub(crate) use style::out;
pub use style::{fix_line, Report, Style};

/// The reporter for this style and this environment.
pub fn choose(style: Style, root: &Path) -> Box<dyn Report> {
    if style.json && !style.aside {
        Box::new(json::Json::new(root))
    } else if !style.aside && std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        Box::new(github::GitHub::new(root, style))
    } else {
        Box::new(human::Human::new(root, style))
    }
}
