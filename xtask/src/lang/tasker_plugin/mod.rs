//! Plugins of `tasker-ctl`: a manifest and folders of templates.
//!
//! `tasker-ctl plugin validate` looks only at the manifest and at the existence of folders, so the checks of what is in
//! them are made by [`rules`].

mod channel;
mod versions;

use super::language::{Entry, Job, Language};
use super::planner::Planner;
use crate::error::Result;
use crate::plan::Action;
use crate::plugin::{rules, LANGUAGE};
use crate::unit::{Found, Reader, Unit};

#[derive(Debug)]
pub struct TaskerPlugin;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&TaskerPlugin),
    versions: Some(&TaskerPlugin),
    channel: Some(&TaskerPlugin),
    constants: &[],
};

impl Reader for TaskerPlugin {
    fn name(&self) -> &'static str {
        LANGUAGE
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["tasker-plugin.toml"]
    }

    /// Templates may contain manifests of the projects they generate.
    fn owns_all_below(&self) -> bool {
        true
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        Ok(Some(
            found.unit(self.name(), &found.required_str("plugin.name")?),
        ))
    }
}

impl Language for TaskerPlugin {
    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        if job == Job::Lint {
            let what = "the manifest, every template.toml and the files they name".to_owned();
            let folder = planner.repo.path(unit);
            let task = planner.task(unit, "templates").act(Action::Check {
                what,
                check: rules::problems,
                folder,
            });
            planner.add(task);
        }
        Ok(())
    }
}
