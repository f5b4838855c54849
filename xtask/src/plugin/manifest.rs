//! The shapes of `tasker-plugin.toml` and `template.toml`, as `tasker-ctl` reads them.

use std::path::{Component, Path};

use serde::Deserialize;

pub const FILE: &str = "tasker-plugin.toml";
/// A template's, in its own folder.
pub const TEMPLATE_FILE: &str = "template.toml";

/// `tasker-plugin.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub plugin: About,
    #[serde(default)]
    pub templates: Vec<Listed>,
}

/// `[plugin]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    pub name: String,
    pub description: String,
    pub version: String,
    /// The language of what it generates.
    pub language: String,
    /// The framework, if it is for one.
    pub framework: Option<String>,
}

/// A row of `[[templates]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    pub name: String,
    /// Its folder, relative to the manifest's.
    pub path: String,
    pub description: String,
}

/// `template.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The same name as in the manifest.
    pub name: String,
    pub description: String,
    /// What the user may give.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// The files it makes.
    #[serde(default)]
    pub outputs: Vec<Output>,
}

/// A parameter; its value is always a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    pub name: String,
    pub description: String,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// The value if it is not given.
    pub default: Option<String>,
}

/// A file that a template makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The Tera file beside `template.toml`.
    pub template: String,
    /// The file's name; a template itself.
    pub filename: String,
    /// Its folder; a template itself.
    pub subdir: Option<String>,
}

impl Output {
    /// Folder and name, not rendered.
    pub fn path(&self) -> String {
        match self.subdir.as_deref() {
            None | Some("" | ".") => self.filename.clone(),
            Some(folder) => format!("{}/{}", folder.trim_end_matches('/'), self.filename),
        }
    }
}

/// Whether a path has parts that lead out of the folder it is joined to.
pub fn leaves(path: &str) -> bool {
    Path::new(path)
        .components()
        .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Reads a file of a plugin.
pub fn parse<T: serde::de::DeserializeOwned>(folder: &Path, name: &str) -> Result<T, String> {
    let text =
        std::fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map(|span| format!(":{}", crate::file::line_of(&text, span.start)))
            .unwrap_or_default();
        format!("{name}{line}: {}", error.message())
    })
}
