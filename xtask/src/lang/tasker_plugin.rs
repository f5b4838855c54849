//! Plugins of `tasker-ctl`: a manifest and folders of templates.
//!
//! `tasker-ctl plugin validate` looks only at the manifest and at the existence of folders, so the checks of what is in
//! them are made here.

use std::path::Path;

use serde::Deserialize;
use toml::Table;

use super::{Found, Job, Language, Planner};
use crate::error::Result;
use crate::plan::Action;
use crate::repo::Unit;

/// See the module documentation.
pub struct TaskerPlugin;

impl Language for TaskerPlugin {
    fn name(&self) -> &'static str {
        "tasker-plugin"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["tasker-plugin.toml"]
    }

    /// Templates may contain manifests of the projects they generate.
    fn owns_all_below(&self) -> bool {
        true
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        Ok(Some(found.unit(self, &found.required_str("plugin.name")?)))
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        if job == Job::Lint {
            let what = "the manifest and every template.toml".to_owned();
            let folder = planner.repo.path(unit);
            let task = planner.task(unit, "templates").act(Action::Check {
                what,
                check: problems,
                folder,
            });
            planner.add(task);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Manifest {
    plugin: Table,
    #[serde(default)]
    templates: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    path: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Template {
    name: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    required: bool,
    default: Option<String>,
}

#[derive(Deserialize)]
struct Output {
    template: String,
    filename: String,
}

/// Everything wrong with a plugin, one line each, with the file's name.
pub fn problems(folder: &Path) -> Vec<String> {
    let manifest: Manifest = match parse(folder, "tasker-plugin.toml") {
        Ok(manifest) => manifest,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    for key in ["name", "description", "version", "language"] {
        let text = manifest
            .plugin
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or_default();
        if text.is_empty() {
            problems.push(format!("tasker-plugin.toml: [plugin] needs a text `{key}`"));
        }
    }
    for (index, listed) in manifest.templates.iter().enumerate() {
        if listed.description.is_empty() {
            problems.push(format!(
                "tasker-plugin.toml: template `{}` needs a description",
                listed.name
            ));
        }
        if manifest.templates[..index]
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&listed.name))
        {
            problems.push(format!(
                "tasker-plugin.toml: template `{}` is listed twice; the second is never found",
                listed.name
            ));
        }
        problems.extend(template_problems(folder, listed));
    }
    problems
}

fn template_problems(folder: &Path, listed: &Listed) -> Vec<String> {
    let name = format!("{}/template.toml", listed.path);
    let template: Template = match parse(folder, &name) {
        Ok(template) => template,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    if template.name != listed.name {
        problems.push(format!(
            "{name}: name is `{}`, but the manifest lists `{}`",
            template.name, listed.name
        ));
    }
    if template.outputs.is_empty() {
        problems.push(format!(
            "{name}: there is no [[outputs]], so it generates nothing"
        ));
    }
    for output in &template.outputs {
        if !folder.join(&listed.path).join(&output.template).is_file() {
            problems.push(format!(
                "{name}: output `{}` names `{}`, which is no file",
                output.filename, output.template
            ));
        }
        if !output.template.ends_with(".tera") {
            problems.push(format!(
                "{name}: `{}` must end in .tera; tasker-ctl loads no other files",
                output.template
            ));
        }
    }
    for parameter in &template.parameters {
        if parameter.description.is_empty() {
            problems.push(format!(
                "{name}: parameter `{}` needs a description",
                parameter.name
            ));
        }
        if parameter.required && parameter.default.is_some() {
            problems.push(format!(
                "{name}: parameter `{}` is required and has a default; `required` has no effect",
                parameter.name
            ));
        }
    }
    problems
}

fn parse<T: serde::de::DeserializeOwned>(
    folder: &Path,
    name: &str,
) -> std::result::Result<T, String> {
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
