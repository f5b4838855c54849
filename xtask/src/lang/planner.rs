//! What languages plan with: the growing plan, the repository, and tools that are fetched when missing.

use std::path::{Path, PathBuf};

use super::{language, Job, Provided};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::plan::{Action, Counts, Plan, Share, Task};
use crate::process::Invocation;
use crate::repo::{Repo, Unit};
use crate::tools::{PinnedTool, Tools};

/// See the module documentation.
pub struct Planner<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// The table of tools.
    pub tools: &'a Tools,
    /// Where Tasker Core comes from.
    pub core: &'a Core,
    /// The plan so far.
    pub plan: Plan,
    command: String,
    logs: PathBuf,
}

impl<'a> Planner<'a> {
    /// An empty plan for `cargo xtask <command>`, with logs in `logs`.
    pub fn new(
        repo: &'a Repo,
        tools: &'a Tools,
        core: &'a Core,
        command: &str,
        logs: &Path,
    ) -> Self {
        Self {
            repo,
            tools,
            core,
            plan: Plan::default(),
            command: command.to_owned(),
            logs: logs.to_owned(),
        }
    }

    /// A task of a unit; what is not said is empty.
    pub fn task(&self, unit: &Unit, label: &str) -> Task {
        let mut task = self.task_in(&unit.folder, label);
        task.env.clone_from(&unit.env);
        task
    }

    /// A task about a folder.
    pub fn task_in(&self, folder: &str, label: &str) -> Task {
        let id = format!("{folder}:{label}");
        Task {
            log: self
                .logs
                .join(format!("{}.log", id.replace(['/', ':'], "-"))),
            rerun: format!(
                "cargo xtask {}{} --unit {}",
                self.core.option(),
                self.command,
                crate::process::quote(folder)
            ),
            id,
            unit: folder.to_owned(),
            label: label.to_owned(),
            needs: Vec::new(),
            share: None,
            note: None,
            actions: Vec::new(),
            counts: Counts::None,
            env: Vec::new(),
        }
    }

    /// Adds a task; gives its id.
    pub fn add(&mut self, task: Task) -> String {
        self.plan.add(task)
    }

    /// A pinned tool, and the task that fetches it if it is missing.
    pub fn tool(&mut self, name: &str) -> Result<(PinnedTool, Vec<String>)> {
        let tool = self.tools.get(name)?;
        if tool.is_installed() {
            return Ok((tool, Vec::new()));
        }
        let mut last = None;
        for task in self.tools.install_tasks(&tool, &self.logs)? {
            last = Some(self.plan.add(task));
        }
        Ok((tool, last.into_iter().collect()))
    }

    /// Adds a job for a unit.
    pub fn job(&mut self, unit: &Unit, job: Job) -> Result<()> {
        let Some(language) = language(unit.language) else {
            return Ok(());
        };
        language.plan(self, unit, job)?;
        if matches!(job, Job::Test | Job::Lint) {
            self.plan.mark_results(&unit.folder);
        }
        Ok(())
    }

    /// Makes every unit ready that this one needs built.
    pub fn provide_needs_of(&mut self, unit: &Unit) -> Result<Provided> {
        let mut all = Provided::default();
        for folder in &unit.needs_built {
            let repo = self.repo;
            let needed = repo.unit(folder).ok_or_else(|| Error::BadFile {
                file: Path::new(&unit.folder).to_owned(),
                line: None,
                why: format!("the manifest needs `{folder}`, which is a folder without a manifest"),
                fix: None,
            })?;
            let provided = self.provide(needed)?;
            all.needs.extend(provided.needs);
            all.env.extend(provided.env);
        }
        Ok(all)
    }

    /// Makes one unit ready for others.
    pub fn provide(&mut self, unit: &Unit) -> Result<Provided> {
        language(unit.language).map_or(Ok(Provided::default()), |language| {
            language.provide(self, unit)
        })
    }
}

impl Task {
    /// Adds tasks that must come before.
    #[must_use]
    pub fn after(mut self, needs: impl IntoIterator<Item = String>) -> Self {
        self.needs.extend(needs);
        self
    }

    /// Adds a command.
    #[must_use]
    pub fn run(self, invocation: Invocation) -> Self {
        self.act(Action::Run(invocation))
    }

    /// Adds an action.
    #[must_use]
    pub fn act(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Says how it shares a resource.
    #[must_use]
    pub fn sharing(mut self, share: Share) -> Self {
        self.share = Some(share);
        self
    }

    /// Says how its log counts tests.
    #[must_use]
    pub fn counting(mut self, counts: Counts) -> Self {
        self.counts = counts;
        self
    }

    /// Says what takes long and why.
    #[must_use]
    pub fn noting(mut self, note: Option<String>) -> Self {
        self.note = note;
        self
    }
}
