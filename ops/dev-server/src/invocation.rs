//! What the reader types to run this program.

/// Whoever starts tasker-dev for a user sets this to the words that the user types, for example `cargo xtask dev`.
const VARIABLE: &str = "TASKER_DEV_COMMAND";

/// A command line that the reader can type as it is: `typed("up")` is `tasker-dev up`, or `cargo xtask dev up` in this repository.
pub fn typed(arguments: &str) -> String {
    let program = std::env::var(VARIABLE)
        .ok()
        .filter(|words| !words.trim().is_empty())
        .unwrap_or_else(|| "tasker-dev".to_owned());
    format!("{program} {arguments}").trim_end().to_owned()
}
