//! Archives of plugins for tasker-ctl, in the store of files.

use std::path::Path;

use super::TaskerPlugin;
use crate::archive;
use crate::error::{Error, Result};
use crate::file::write;
use crate::git::run::git;
use crate::plugin::manifest::{self, parse, Manifest, Template};
use crate::process::Invocation;
use crate::publish::store;
use crate::publish::{smoke, source, Channel, Context, May, Missing, Remote, Trial, Unit, Upload};

fn file_of(unit: &Unit) -> String {
    format!("{}-{}.tar.gz", unit.name, unit.written)
}

impl Channel for TaskerPlugin {
    fn prefixes(&self) -> &'static [&'static str] {
        store::CREDENTIALS
    }

    fn purl(&self) -> &'static str {
        "generic"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["tasker-ctl"]
    }

    /// The tracked files of its folder, below a folder with its name.
    fn pack(&self, context: &Context, unit: &Unit, _with: &[&Unit], into: &Path) -> Result<()> {
        let folder = source(context, unit);
        let listed = git(&folder, &["ls-files", "-z", "--", "."])?;
        let names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
        let top = format!("{}-{}", unit.name, unit.written);
        archive::archive(
            &folder,
            &names,
            &top,
            context.epoch,
            &into.join(file_of(unit)),
        )
    }

    fn is_artifact(&self, _unit: &Unit, name: &str) -> bool {
        name.ends_with(".tar.gz")
    }

    /// Unpacked elsewhere, each of its templates is where the manifest says, and one of them makes a file.
    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let file = trial.packed.folder.join(file_of(trial.unit));
        archive::unpack(&file, trial.folder)?;
        let top = trial
            .folder
            .join(format!("{}-{}", trial.unit.name, trial.unit.written));
        let templates = templates(trial, &top)?;
        if let Some(generator) = context.programs.path("tasker-ctl") {
            generate_one(context, trial, generator, &top, &templates)?;
        }
        smoke(context, trial, &top, |invocation| invocation)
    }

    fn credentials(&self, context: &Context, _unit: &Unit) -> Result<(), Missing> {
        store::credentials(context)
    }

    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>> {
        let file = file_of(unit);
        let sum = store::sum(context, &unit.folder, &unit.tag, &file)?;
        Ok(sum
            .into_iter()
            .map(|sum| Remote {
                file: Some(file.clone()),
                sum,
            })
            .collect())
    }

    fn upload(&self, _context: &Context, _unit: &Unit, _file: &Path) -> Result<Upload> {
        Ok(Upload::Store)
    }
}

/// The templates that the manifest names, as they are in the archive.
fn templates(trial: &Trial<'_>, top: &Path) -> Result<Vec<Template>> {
    let bad = |why: String| Error::CheckFailed {
        unit: trial.unit.folder.clone(),
        problems: vec![why],
    };
    let manifest: Manifest = parse(top, manifest::FILE).map_err(bad)?;
    let read = |path: &str| {
        let file = format!("{path}/{}", manifest::TEMPLATE_FILE);
        parse(top, &file).map_err(|why| {
            bad(format!(
                "{file} of the archive, which the manifest names, cannot be read: {why}"
            ))
        })
    };
    manifest
        .templates
        .iter()
        .map(|listed| read(&listed.path))
        .collect()
}

/// Makes a file with the first template that needs no more than a name.
fn generate_one(
    context: &Context,
    trial: &Trial<'_>,
    generator: &Path,
    top: &Path,
    templates: &[Template],
) -> Result<()> {
    let needs_a_name = |template: &&Template| {
        template
            .parameters
            .iter()
            .all(|parameter| !parameter.required || parameter.name == "name")
    };
    let Some(template) = templates.iter().find(needs_a_name) else {
        return Ok(());
    };
    let path = toml::Value::String(top.display().to_string());
    write(
        &trial.folder.join(".config/tasker.toml"),
        format!("[cli]\nplugin-paths = [{path}]\n"),
    )?;
    let program = generator.display().to_string();
    let words = [
        program.as_str(),
        "template",
        "generate",
        &template.name,
        "--plugin",
        &trial.unit.name,
        "-o",
        "made",
        "-p",
        "name=sample_one",
    ];
    let made = trial.folder.join("made");
    std::fs::create_dir(&made).map_err(Error::io("create", &made))?;
    context.succeed(
        &trial.unit.folder,
        May::Build,
        &Invocation::new(trial.folder, words),
    )?;
    let is_empty = std::fs::read_dir(&made)
        .map_err(Error::io("read", &made))?
        .next()
        .is_none();
    if is_empty {
        return Err(Error::CheckFailed {
            unit: trial.unit.folder.clone(),
            problems: vec![format!("the template {} made nothing", template.name)],
        });
    }
    Ok(())
}
