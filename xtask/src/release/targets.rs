//! Where packages go: the ecosystems' own registries, or others that were asked for.

use std::path::PathBuf;

use crate::version::Ecosystem;

/// The registries of a release; what is none is what the ecosystem's client uses by itself.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// The name of a registry in cargo's configuration or environment.
    pub crates: Option<String>,
    /// Where wheels and sdists are uploaded.
    pub pypi: Option<String>,
    /// Where they are found: a simple index.
    pub pypi_index: Option<String>,
    /// An npm registry.
    pub npm: Option<String>,
    /// A gem server.
    pub gems: Option<String>,
    /// `oci://host/path`, below which charts lie.
    pub charts: Option<String>,
    /// A store of files: an http(s) URL below which files are PUT, or `github`.
    pub files: Option<String>,
    /// The git remote that gets the tags.
    pub remote: String,
}

impl Targets {
    /// The option that names an ecosystem's registry.
    pub fn option(ecosystem: Ecosystem) -> &'static str {
        match ecosystem {
            Ecosystem::Crate => "--registry-crates",
            Ecosystem::Python => "--registry-pypi",
            Ecosystem::Npm => "--registry-npm",
            Ecosystem::Gem => "--registry-gems",
            Ecosystem::Chart => "--registry-charts",
            Ecosystem::Plugin => "--registry-files",
        }
    }

    /// The simple index that belongs to the upload address.
    pub fn python_index(&self) -> Option<String> {
        self.pypi_index.clone().or_else(|| {
            let base = self.pypi.as_ref()?.trim_end_matches('/');
            Some(format!("{base}/simple/"))
        })
    }
}

/// Programs that are pinned in this repository; what is none is looked up on PATH.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// uv.
    pub uv: Option<PathBuf>,
    /// helm.
    pub helm: Option<PathBuf>,
    /// Bun's folder, for packages that are built and tried with it.
    pub bun: Option<PathBuf>,
    /// protoc.
    pub protoc: Option<PathBuf>,
    /// tasker-ctl, if it has been built.
    pub tasker_ctl: Option<PathBuf>,
}

impl Programs {
    /// How uv is called.
    pub fn uv(&self) -> String {
        word(self.uv.as_ref(), "uv")
    }

    /// How helm is called.
    pub fn helm(&self) -> String {
        word(self.helm.as_ref(), "helm")
    }
}

fn word(path: Option<&PathBuf>, name: &str) -> String {
    path.map_or_else(|| name.to_owned(), |path| path.display().to_string())
}
