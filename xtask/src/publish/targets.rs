//! Where packages go: the ecosystems' own registries, or others that were asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The registries of a release; what is none is what the ecosystem's client uses by itself.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// The name of a registry in cargo's configuration or environment.
    pub crates: Option<String>,
    /// Where wheels and sdists are uploaded.
    pub pypi: Option<String>,
    /// Where they are found: a simple index.
    pub pypi_index: Option<String>,
    pub npm: Option<String>,
    pub gems: Option<String>,
    /// `oci://host/path`, below which charts lie.
    pub charts: Option<String>,
    /// The same for images.
    pub images: Option<String>,
    /// A store of files: an http(s) URL below which files are PUT, or `github`.
    pub files: Option<String>,
    /// The git remote that gets the tags.
    pub remote: String,
}

impl Targets {
    /// The simple index that belongs to the upload address.
    pub fn python_index(&self) -> Option<String> {
        self.pypi_index.clone().or_else(|| {
            let base = self.pypi.as_ref()?.trim_end_matches('/');
            Some(format!("{base}/simple/"))
        })
    }
}

/// Programs that are pinned in this repository, by name; others are looked up on PATH.
#[derive(Clone, Debug, Default)]
pub struct Programs(pub BTreeMap<String, PathBuf>);

impl Programs {
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.0.get(name).map(PathBuf::as_path)
    }

    /// The folder of a pinned program, for PATH.
    pub fn folder(&self, name: &str) -> Option<&Path> {
        self.path(name)?.parent()
    }

    /// How a program is called.
    pub fn word(&self, name: &str) -> String {
        self.path(name)
            .map_or_else(|| name.to_owned(), |path| path.display().to_string())
    }
}
