//! `Cargo.lock`.

use serde::Deserialize;

/// A package of a lock file.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Entry {
    pub name: String,
    pub version: String,
    /// None for packages of the workspace.
    pub source: Option<String>,
    #[serde(default)]
    pub checksum: String,
    /// `name`, or `name version` where that is not enough.
    #[serde(default)]
    pub dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Entry>,
    patch: Option<Patch>,
}

#[derive(Deserialize)]
struct Patch {
    #[serde(default)]
    unused: Vec<Entry>,
}

fn parse(text: &str) -> Option<Lock> {
    toml::from_str(text).ok()
}

/// All packages; none if the text is not a lock file.
pub fn entries(text: &str) -> Vec<Entry> {
    parse(text).map(|lock| lock.package).unwrap_or_default()
}

/// Packages that `[patch]` names and that cargo does not take.
pub fn unused_patches(text: &str) -> Vec<Entry> {
    let patch = parse(text).and_then(|lock| lock.patch);
    patch.map(|patch| patch.unused).unwrap_or_default()
}
