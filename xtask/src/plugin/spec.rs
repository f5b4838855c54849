//! `template-tests.toml`: how a plugin wants to be proven.
//!
//! ```toml
//! package = "python/tasker-contrib-fastapi"   # the unit whose tools and environment are used
//! project = "tests/project"                   # what the generated files are put into
//! copies = ["Cargo.lock"]                     # files of the repository that the project gets, too
//!
//! [sets.plain]                                # every template is generated with every set
//! name = "charge_{template}"                  # {template} keeps the files of different templates apart
//!
//! [templates.bun_server]
//! alone = true                                # files with fixed names: a project for each set
//! sets.plain = { port = "8080" }              # more, or other, values for this template
//!
//! [[checks]]                                  # run in the project's folder
//! name = "test"
//! run = ["pytest", "-q"]
//! counts = "pytest"
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::manifest::{leaves, parse, Manifest, Template};

pub const FILE: &str = "template-tests.toml";
/// How many sets of parameters a template must be proven with.
const SETS: usize = 3;
/// The project that templates share unless they ask for one of their own.
const SHARED: &str = "project";

/// Values of parameters by their names.
pub type Values = BTreeMap<String, String>;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Folder of the unit whose tools and environment are used.
    pub package: Option<String>,
    /// Folder of the project, relative to the plugin.
    pub project: Option<String>,
    /// Files of the repository, relative to it, that the project gets, too.
    #[serde(default)]
    pub copies: Vec<String>,
    /// Sets of values by name.
    pub sets: BTreeMap<String, Values>,
    /// What is special about some templates.
    #[serde(default)]
    pub templates: BTreeMap<String, Special>,
    /// Commands that must succeed.
    pub checks: Vec<Check>,
}

/// What is special about a template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Special {
    /// Whether each of its sets gets a project of its own.
    #[serde(default)]
    pub alone: bool,
    /// Values beside, or instead of, those of the set of that name.
    #[serde(default)]
    pub sets: BTreeMap<String, Values>,
}

/// A command that must succeed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// A word for people.
    pub name: String,
    pub run: Vec<String>,
    /// How its output counts tests: `pytest`, `cargo-test`, `rspec` or `bun-test`.
    pub counts: Option<String>,
    /// Units that are built before; their programs are passed as `<NAME>_BIN`.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Only in projects with one of these templates [default: in all].
    #[serde(default)]
    pub only: Vec<String>,
}

/// A template with one set of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub template: String,
    pub set: String,
    /// What is passed: only parameters that the template has.
    pub values: Values,
    /// The project that its files are put into.
    pub project: String,
    /// How many files it makes.
    pub files: usize,
}

impl Check {
    /// Whether it is run in a project with these templates.
    pub fn is_for(&self, templates: &std::collections::BTreeSet<&str>) -> bool {
        self.only.is_empty()
            || self
                .only
                .iter()
                .any(|name| templates.contains(name.as_str()))
    }
}

impl Case {
    /// `step_handler-plain`.
    pub fn name(&self) -> String {
        format!("{}-{}", self.template, self.set)
    }
}

impl Spec {
    /// Every template with every set.
    pub fn cases<'a>(&self, templates: impl IntoIterator<Item = &'a Template>) -> Vec<Case> {
        let mut cases = Vec::new();
        for template in templates {
            let special = self
                .templates
                .get(&template.name)
                .cloned()
                .unwrap_or_default();
            for (set, values) in &self.sets {
                let mut all = values.clone();
                all.extend(special.sets.get(set).cloned().unwrap_or_default());
                all.retain(|name, _| {
                    template
                        .parameters
                        .iter()
                        .any(|parameter| parameter.name == *name)
                });
                for value in all.values_mut() {
                    *value = value.replace("{template}", &template.name);
                }
                cases.push(Case {
                    template: template.name.clone(),
                    set: set.clone(),
                    values: all,
                    project: if special.alone {
                        format!("{}-{set}", template.name)
                    } else {
                        SHARED.to_owned()
                    },
                    files: template.outputs.len(),
                });
            }
        }
        cases
    }
}

/// Everything wrong with the file, if there is one.
pub fn problems(folder: &Path, manifest: &Manifest) -> Vec<String> {
    if !folder.join(FILE).exists() {
        return vec![format!(
            "{FILE} is missing, so nothing proves the templates"
        )];
    }
    let spec: Spec = match parse(folder, FILE) {
        Ok(spec) => spec,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    if spec.sets.len() < SETS {
        problems.push(format!(
            "has {} sets; a template is proven with at least {SETS}: plain, namespaced, awkward",
            spec.sets.len()
        ));
    }
    if spec.checks.is_empty() {
        problems.push("has no [[checks]], so nothing is proven".to_owned());
    }
    for (name, special) in &spec.templates {
        if !manifest.templates.iter().any(|listed| listed.name == *name) {
            problems.push(format!(
                "[templates.{name}] is not a template of the plugin"
            ));
        }
        for set in special
            .sets
            .keys()
            .filter(|set| !spec.sets.contains_key(*set))
        {
            problems.push(format!(
                "[templates.{name}] has values for `{set}`, which is not in [sets]"
            ));
        }
    }
    for check in spec.checks.iter().filter(|check| check.run.is_empty()) {
        problems.push(format!("check `{}` has nothing to run", check.name));
    }
    if let Some(project) = spec
        .project
        .as_ref()
        .filter(|path| leaves(path) || !folder.join(path).is_dir())
    {
        problems.push(format!("project `{project}` is not a folder of the plugin"));
    }
    for file in spec.copies.iter().filter(|file| leaves(file)) {
        problems.push(format!(
            "copies `{file}`, which is not a file of the repository"
        ));
    }
    problems
        .into_iter()
        .map(|problem| format!("{FILE}: {problem}"))
        .collect()
}
