//! Plugins of `tasker-ctl`: a manifest and folders of templates.
//!
//! `tasker-ctl plugin validate` looks only at the manifest and at the existence of folders, so the checks of what is in
//! them are made by [`rules`].

use super::{Found, Job, Language, Planner};
use crate::error::Result;
use crate::plan::Action;
use crate::repo::Unit;
use crate::template::rules;

/// The language's name.
pub const NAME: &str = "tasker-plugin";

/// See the module documentation.
pub struct TaskerPlugin;

impl Language for TaskerPlugin {
    fn name(&self) -> &'static str {
        NAME
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
