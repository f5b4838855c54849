//! Credentials: which variables are some, who may see them, and keeping them out of logs.

use std::ffi::{OsStr, OsString};

use crate::environment::is_secret;

/// Our own environment without secrets, except those that begin with one of these.
///
/// What is built, installed and tried is code of many authors; it sees no credentials.
pub fn environment(allowed: &[&str]) -> Vec<(OsString, OsString)> {
    std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            !is_secret(&name) || allowed.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect()
}

/// A text in which every secret of our environment is replaced.
pub fn redact(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, value) in std::env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        // Shorter values are no secrets and would blot out ordinary words.
        if is_secret(name) && value.len() >= 6 {
            text = text.replace(value, "[secret]");
        }
    }
    text
}

/// Whether a variable is there and not empty.
pub fn is_set(name: impl AsRef<OsStr>) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether this is a job with an identity of its own, which registries with trusted publishing accept.
pub fn has_identity() -> bool {
    is_set("ACTIONS_ID_TOKEN_REQUEST_URL") && is_set("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
}
