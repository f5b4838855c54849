//! Proving plugins: every template is generated with several sets of parameters, and the result given to the language's own tools.

pub mod plan;

use crate::error::{closest, Error, Result};
use crate::plugin::{Plugin, LANGUAGE};
use crate::repo::Repo;

/// What the user asked for; nothing means everything.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names or folders of plugins.
    pub plugins: Vec<String>,
    pub templates: Vec<String>,
}

impl Choice {
    /// The plugins of a repository that were asked for; fails if a name stands for none.
    pub fn of(&self, repo: &Repo) -> Result<Vec<Plugin>> {
        let plugins: Vec<Plugin> = repo
            .units
            .iter()
            .filter(|unit| unit.language == LANGUAGE)
            .map(|unit| Plugin::read_folder(&repo.root, &repo.path(unit)))
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
