//! Plugins of `tasker-ctl`: what they hold, what may be wrong with them, and how they are proven.
//!
//! `tasker-ctl` itself looks only at a plugin's manifest, so [`rules`] looks at everything else. The proof is to generate every
//! template with several sets of parameters and to give the result to the language's own tools: [`spec`] reads what a plugin says
//! about that in its `template-tests.toml`, [`plan`] makes tasks of it.

pub mod manifest;
pub mod passed;
pub mod plan;
pub mod profile;
pub mod rules;
pub mod spec;
pub mod variables;

use std::path::{Path, PathBuf};

use crate::error::{closest, Error, Result};
use crate::lang::tasker_plugin::NAME;
use crate::repo::{Repo, Unit};
use manifest::{Manifest, Template};

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
    /// Reads a plugin of the repository.
    pub fn read(repo: &Repo, unit: &Unit) -> Result<Self> {
        Self::read_folder(&repo.root, &repo.path(unit))
    }

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

/// What the user asked for; nothing means everything.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names or folders of plugins.
    pub plugins: Vec<String>,
    /// Names of templates.
    pub templates: Vec<String>,
}

impl Choice {
    /// The plugins of a repository that were asked for; fails if a name stands for none.
    pub fn of(&self, repo: &Repo) -> Result<Vec<Plugin>> {
        let plugins: Vec<Plugin> = repo
            .units
            .iter()
            .filter(|unit| unit.language == NAME)
            .map(|unit| Plugin::read(repo, unit))
            .collect::<Result<_>>()?;
        self.pick(plugins)
    }

    /// Those of these plugins that were asked for, with the templates that were asked for.
    pub fn pick(&self, plugins: Vec<Plugin>) -> Result<Vec<Plugin>> {
        let is_called = |plugin: &Plugin, name: &String| {
            plugin.manifest.plugin.name == *name || plugin.folder == name.trim_end_matches('/')
        };
        let known: Vec<&str> = plugins
            .iter()
            .map(|plugin| plugin.folder.as_str())
            .collect();
        for name in &self.plugins {
            if !plugins.iter().any(|plugin| is_called(plugin, name)) {
                return Err(Error::unknown(
                    "plugin",
                    name,
                    closest(name, known.iter().copied()),
                    &known,
                ));
            }
        }
        let mut chosen: Vec<Plugin> = plugins
            .into_iter()
            .filter(|plugin| {
                self.plugins.is_empty() || self.plugins.iter().any(|name| is_called(plugin, name))
            })
            .collect();
        let known: Vec<String> = chosen.iter().flat_map(Plugin::template_names).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for name in &self.templates {
            if !known.contains(&name.as_str()) {
                return Err(Error::unknown(
                    "template",
                    name,
                    closest(name, known.iter().copied()),
                    &known,
                ));
            }
        }
        if !self.templates.is_empty() {
            for plugin in &mut chosen {
                plugin
                    .templates
                    .retain(|(_, template)| self.templates.contains(&template.name));
            }
            chosen.retain(|plugin| !plugin.templates.is_empty());
        }
        Ok(chosen)
    }
}

impl Plugin {
    fn template_names(&self) -> Vec<String> {
        self.templates
            .iter()
            .map(|(_, template)| template.name.clone())
            .collect()
    }
}
