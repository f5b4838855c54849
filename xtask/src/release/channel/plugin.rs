//! Archives of plugins for tasker-ctl, in the store of files.

use std::path::Path;

use super::{source, Channel, Missing, Remote, Trial, Upload};
use crate::error::{Error, Result};
use crate::release::effects::Context;
use crate::release::{pack, store, Unit};
use crate::version::bump::git;

/// See the module documentation.
pub struct Plugin;

fn file_of(unit: &Unit) -> String {
    format!("{}-{}.tar.gz", unit.name, unit.written)
}

impl Channel for Plugin {
    /// The tracked files of its folder, below a folder with its name.
    fn pack(&self, context: &Context, unit: &Unit, _with: &[&Unit], into: &Path) -> Result<()> {
        let folder = source(context, unit);
        let listed = git(&folder, &["ls-files", "-z", "--", "."])?;
        let names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
        let top = format!("{}-{}", unit.name, unit.written);
        pack::archive(
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

    /// Unpacked elsewhere, its manifest is read, and each of its templates is where the manifest says.
    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let file = trial.packed.folder.join(file_of(trial.unit));
        pack::unpack(&file, trial.folder)?;
        let top = trial
            .folder
            .join(format!("{}-{}", trial.unit.name, trial.unit.written));
        let text = crate::file::read(&top.join("tasker-plugin.toml"))?;
        let manifest: toml::Table = text.parse().unwrap_or_default();
        let templates = manifest
            .get("templates")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten();
        for template in templates {
            let path = template
                .get("path")
                .and_then(toml::Value::as_str)
                .unwrap_or("");
            if !top.join(path).join("template.toml").is_file() {
                return Err(Error::CheckFailed {
                    unit: trial.unit.folder.clone(),
                    problems: vec![format!(
                        "the archive has no {path}/template.toml, which the manifest names"
                    )],
                });
            }
        }
        super::smoke(context, trial, &top, |invocation| invocation)
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
