//! Credentials: which variables are some, who may see them, and keeping them out of logs.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use super::effects::Context;
use super::plan::Plan;
use super::{Stage, Unit};
use crate::error::{Error, Result};
use crate::version::Ecosystem;

/// Whether a variable's name says that its value is secret.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    [
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "API_KEY",
        "CREDENTIAL",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// The beginnings of variables with the credentials that an ecosystem's own client reads.
pub fn prefixes(ecosystem: Ecosystem) -> &'static [&'static str] {
    match ecosystem {
        Ecosystem::Crate => &["CARGO_REGISTRY_", "CARGO_REGISTRIES_"],
        Ecosystem::Python => &["UV_PUBLISH_", "ACTIONS_ID_TOKEN_"],
        Ecosystem::Npm => &["NODE_AUTH_TOKEN", "NPM_TOKEN", "ACTIONS_ID_TOKEN_"],
        Ecosystem::Gem => &["GEM_HOST_"],
        Ecosystem::Chart => &["HELM_"],
        Ecosystem::Plugin => &["GH_TOKEN", "GITHUB_TOKEN", super::store::TOKEN],
    }
}

/// Our own environment without secrets, except those of one ecosystem.
///
/// What is built, installed and tried is code of many authors; it sees no credentials.
pub fn environment(allowed: Option<Ecosystem>) -> Vec<(OsString, OsString)> {
    std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            let prefixes = allowed.map_or(&[] as &[&str], prefixes);
            !is_secret(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
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

/// Whether the credentials of everything that will be uploaded are there; all that is missing at once.
///
/// # Errors
/// [`Error::Credentials`].
pub fn check(context: &Context, units: &[Unit], plan: &Plan) -> Result<()> {
    let mut missing: Vec<(String, String)> = Vec::new();
    let mut asked = BTreeSet::new();
    for step in plan
        .steps()
        .filter(|step| matches!(step.stage, Stage::Uploaded | Stage::Announced))
    {
        let unit = &units[step.unit];
        let ecosystem = if step.stage == Stage::Announced {
            Ecosystem::Plugin
        } else {
            unit.ecosystem
        };
        if asked.insert(ecosystem) {
            missing.extend(
                super::channel::of(ecosystem)
                    .credentials(context, unit)
                    .err(),
            );
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Credentials { missing })
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn names_tell() {
        for name in [
            "CARGO_REGISTRIES_LOOP_TOKEN",
            "UV_PUBLISH_PASSWORD",
            "GEM_HOST_API_KEY",
            "NODE_AUTH_TOKEN",
        ] {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("PATH") && !is_secret("CARGO_REGISTRIES_LOOP_INDEX"));
    }
}
