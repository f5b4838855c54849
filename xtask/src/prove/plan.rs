//! The tasks that prove a plugin: generate, put together, and the plugin's own checks.
//!
//! Everything happens in a folder outside of the repository, because tools look for configuration in the folders above.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lang::{self, Planner, Provided};
use crate::plan::{Action, Assembly, Task, CARGO_BUILD, REPOSITORY};
use crate::plugin::manifest::parse;
use crate::plugin::spec::{self, Case, Check, Spec};
use crate::plugin::Plugin;
use crate::process::{quote, Invocation};
use crate::tools::PinnedTool;
use crate::unit::Unit;

/// The tool that generates.
pub const GENERATOR: &str = "tasker-ctl";
/// Where snapshots are, in a plugin.
const SNAPSHOTS: &str = "tests/snapshots";

/// Reads how a plugin wants to be proven.
pub fn read_spec(plugin: &Plugin) -> Result<Spec> {
    parse(&plugin.path, spec::FILE).map_err(|why| Error::BadFile {
        file: PathBuf::from(&plugin.folder).join(spec::FILE),
        line: None,
        why,
        fix: Some("docs/guides/cli-plugins.md says what it holds".into()),
    })
}

/// The unit whose tools a plugin's checks use.
pub fn package<'a>(
    planner: &Planner<'a>,
    plugin: &Plugin,
    spec: &Spec,
) -> Result<Option<&'a Unit>> {
    let Some(folder) = &spec.package else {
        return Ok(None);
    };
    let repo = planner.repo;
    repo.unit(folder).map(Some).ok_or_else(|| Error::BadFile {
        file: PathBuf::from(&plugin.folder).join(spec::FILE),
        line: None,
        why: format!("package `{folder}` is not a unit of the repository"),
        fix: None,
    })
}

/// Adds the tasks that prove a plugin in `scratch`.
pub fn add(
    planner: &mut Planner<'_>,
    plugin: &Plugin,
    spec: &Spec,
    scratch: &Path,
    update: bool,
) -> Result<()> {
    let (generator, mut needs) = planner.tool(GENERATOR)?;
    let cases = spec.cases(plugin.templates.iter().map(|(_, template)| template));
    let scratch = scratch.join(plugin.folder.replace('/', "-"));
    let toolchain = match package(planner, plugin, spec)? {
        None => Provided::default(),
        Some(unit) => lang::toolchain(planner, unit)?,
    };
    let mut generate = task(planner, plugin, "generate");
    generate.needs.append(&mut needs);
    generate.actions = generation(&generator, plugin, &cases, &scratch);
    let mut projects: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for case in &cases {
        projects
            .entry(&case.project)
            .or_default()
            .insert(&case.template);
    }
    for project in projects.keys() {
        let of_project = cases.iter().filter(|case| case.project == *project);
        let case = |case: &Case| {
            let out = scratch.join("out").join(case.name());
            (case.name(), out, case.files)
        };
        generate.actions.push(Action::Assemble(Assembly {
            base: spec.project.as_ref().map(|folder| plugin.path.join(folder)),
            cases: of_project.map(case).collect(),
            into: scratch.join(project),
            snapshots: plugin.path.join(SNAPSHOTS),
            update,
            repository: planner.repo.root.clone(),
            copies: spec.copies.clone(),
        }));
    }
    let generated = planner.add(generate);
    for (project, templates) in &projects {
        for check in spec.checks.iter().filter(|check| check.is_for(templates)) {
            let label = match projects.len() {
                1 => check.name.clone(),
                _ => format!("{project}:{}", check.name),
            };
            let folder = scratch.join(project);
            let mut task = check_task(planner, plugin, check, &label, &folder, &toolchain)?;
            task.needs.push(generated.clone());
            planner.add(task);
        }
    }
    Ok(())
}

/// One check of a project of generated files.
fn check_task(
    planner: &mut Planner<'_>,
    plugin: &Plugin,
    check: &Check,
    label: &str,
    folder: &Path,
    toolchain: &Provided,
) -> Result<Task> {
    let mut task = task(planner, plugin, label);
    let repository = planner.repo.root.display().to_string();
    let argv = check
        .run
        .iter()
        .map(|word| word.replace(REPOSITORY, &repository));
    let mut invocation = Invocation::new(folder, argv).envs(toolchain.env.clone());
    invocation.path.clone_from(&toolchain.path);
    task.needs.extend(toolchain.needs.clone());
    for needed in &check.needs {
        let unit = planner.repo.unit(needed).ok_or_else(|| Error::BadFile {
            file: PathBuf::from(&plugin.folder).join(spec::FILE),
            line: None,
            why: format!(
                "check `{}` needs `{needed}`, which is not a unit of the repository",
                check.name
            ),
            fix: None,
        })?;
        let provided = planner.provide(unit)?;
        task.needs.extend(provided.needs);
        invocation.env.extend(provided.env);
    }
    if check.run.first().is_some_and(|program| program == "cargo") {
        task.share = Some(CARGO_BUILD);
    }
    if let Some(name) = &check.counts {
        task.counts = Some(lang::counter(name)?);
    }
    Ok(task.run(invocation))
}

fn task(planner: &Planner<'_>, plugin: &Plugin, label: &str) -> Task {
    let mut task = planner.task_in(&plugin.folder, label);
    task.rerun = format!(
        "cargo xtask {}template test --plugin {}",
        planner.core.option(),
        quote(&plugin.folder)
    );
    task
}

/// A configuration with this plugin alone, and one command per case, each into a folder of its own: `tasker-ctl` overwrites silently.
/// Its own variables, such as TASKER_CLIENT_PROFILE, are the user's, and no task sees those.
fn generation(
    generator: &PinnedTool,
    plugin: &Plugin,
    cases: &[Case],
    scratch: &Path,
) -> Vec<Action> {
    let path = plugin.path.display().to_string();
    let mut actions = vec![Action::Write {
        path: scratch.join(".config/tasker.toml"),
        contents: format!("[cli]\nplugin-paths = [{}]\n", toml::Value::String(path)),
    }];
    for case in cases {
        let mut argv = vec![
            generator.program().display().to_string(),
            "template".to_owned(),
            "generate".to_owned(),
            case.template.clone(),
            "--plugin".to_owned(),
            plugin.manifest.plugin.name.clone(),
            "-o".to_owned(),
            scratch.join("out").join(case.name()).display().to_string(),
        ];
        for (name, value) in &case.values {
            argv.extend(["-p".to_owned(), format!("{name}={value}")]);
        }
        actions.push(Action::Run(Invocation::new(scratch, argv)));
    }
    actions
}
