//! Plugins of `tasker-ctl`: what they hold, what may be wrong with them, and how they are proven.
//!
//! `tasker-ctl` itself looks only at a plugin's manifest, so [`rules`] looks at everything else. The proof is to generate every
//! template with several sets of parameters and to give the result to the language's own tools: [`spec`] reads what a plugin says
//! about that in its `template-tests.toml`, [`plan`] makes tasks of it.

pub mod manifest;
pub mod profile;
pub mod rules;
pub mod spec;
pub mod variables;

use std::path::{Path, PathBuf};

use crate::error::Result;
use manifest::{Manifest, Template};

/// The name of their [`Reader`](crate::unit::Reader).
pub const LANGUAGE: &str = "tasker-plugin";

/// A plugin that can be read.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its folder, relative to the repository.
    pub folder: String,
    /// The same, absolute.
    pub path: PathBuf,
    /// Its `tasker-plugin.toml`.
    pub manifest: Manifest,
    /// Each template with its place relative to the plugin.
    pub templates: Vec<(String, Template)>,
}

impl Plugin {
    /// Reads the plugin in a folder.
    pub fn read_folder(root: &Path, path: &Path) -> Result<Self> {
        let manifest: Manifest = crate::file::read_toml(root, &path.join(manifest::FILE))?;
        let templates = manifest
            .templates
            .iter()
            .map(|listed| {
                let file = path.join(&listed.path).join(manifest::TEMPLATE_FILE);
                Ok((listed.path.clone(), crate::file::read_toml(root, &file)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            folder: crate::file::relative(root, path).display().to_string(),
            path: path.to_owned(),
            manifest,
            templates,
        })
    }
}

impl Plugin {
    /// Names of all templates.
    pub fn template_names(&self) -> Vec<String> {
        self.templates
            .iter()
            .map(|(_, template)| template.name.clone())
            .collect()
    }
}
