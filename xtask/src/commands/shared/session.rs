//! What every command works with.

use std::path::{Path, PathBuf};

use super::optimised;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::lang::{self, Planner};
use crate::plan::Outcome;
use crate::plan::Plan;
use crate::process::ChildGroup;
use crate::repo::Repo;
use crate::report::{self, Report, Style};
use crate::run;
use crate::run::{folder, Options, Summary};
use crate::tasker_core::Core;
use crate::tools::{Tools, TABLE};

/// What every command works with.
pub struct Session {
    /// The repository, absolute.
    pub root: PathBuf,
    /// The table of tools.
    pub tools: Tools,
    /// Where Tasker Core comes from.
    pub core: Core,
    /// Ctrl-C.
    pub interrupt: Interrupt,
    /// How output looks.
    pub style: Style,
    /// Where output goes.
    pub report: Box<dyn Report>,
    /// The name of this run's folder.
    pub run: String,
    /// What was left out and why, said at the end of the run.
    pub skipped: Vec<String>,
    /// The whole command line, for completions.
    pub command_line: fn() -> clap::Command,
    /// See [`optimised`].
    optimising: Option<ChildGroup>,
}

impl Session {
    /// Finds the repository and reads its table of tools; `core` is what `--core` says.
    pub fn open(root: Option<&Path>, core: Option<&str>, style: Style) -> Result<Self> {
        let start = std::env::current_dir().map_err(Error::io("find", "the current folder"))?;
        let root = match root {
            Some(folder) => {
                let folder = start.join(folder);
                folder.join(TABLE).is_file().then_some(folder)
            }
            None => start
                .ancestors()
                .find(|folder| folder.join(TABLE).is_file())
                .map(Path::to_owned),
        };
        let root = root.ok_or(Error::NotInRepository { start })?;
        let root = root.canonicalize().map_err(Error::io("find", &root))?;
        let tools = Tools::load(&root)?;
        Ok(Self {
            core: Core::choose(&root, core, lang::readers())?,
            report: report::choose(style, &root),
            root,
            tools,
            interrupt: Interrupt::on_signals(),
            style,
            run: folder::new_id(),
            skipped: Vec::new(),
            command_line: || clap::Command::new("xtask"),
            optimising: None,
        })
    }

    /// The folder of a command's logs.
    pub fn logs(&self, command: &str) -> PathBuf {
        self.root.join(folder::FOLDER).join(&self.run).join(command)
    }

    /// Makes something ready for code that goes on from there: plans with `plan`, runs the tasks, and gives what `plan` gave.
    ///
    /// ```no_run
    /// # use xtask::{commands::shared::session::Session, error::Result, lang::python, repo::Repo};
    /// # fn example(session: &mut Session, repo: &Repo) -> Result<()> {
    /// let app = repo.unit("examples/etl-pipeline/fastapi").expect("the example has this app");
    /// let server = repo.unit("ops/dev-server").expect("the repository has the local stack");
    /// let (environment, stack) = session.prepare("e2e", repo, |planner| {
    ///     Ok((python::prepare(planner, app)?, planner.provide(server)?))
    /// })?;
    /// println!("programs are in {}; the stack is found by {:?}", environment.bin.display(), stack.env);
    /// # Ok(())
    /// # }
    /// ```
    pub fn prepare<T>(
        &mut self,
        command: &str,
        repo: &Repo,
        plan: impl FnOnce(&mut Planner<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut planner =
            lang::planner(repo, &self.tools, &self.core, command, &self.logs(command));
        let made = plan(&mut planner)?;
        let plan = planner.plan;
        if !plan.tasks.is_empty() {
            self.execute(command, &plan, false)?;
        }
        Ok(made)
    }

    /// Says which Tasker Core a run uses: its first line.
    pub fn announce(&mut self) -> Result<()> {
        let line = self.core.announcement()?;
        if self.style.json {
            let record = serde_json::json!({ "event": "core", "source": self.core.source_id()?, "text": line });
            self.report.tell(&[], &record);
        } else {
            self.report.say(&line);
        }
        Ok(())
    }

    /// Runs a plan, or prints it in a dry run.
    pub fn execute(&mut self, command: &str, plan: &Plan, dry_run: bool) -> Result<Summary> {
        if dry_run {
            self.report.plan(command, plan, true);
            self.tell_skipped();
            return Ok(Summary::nothing());
        }
        let summary = self.run_plan(command, plan, &Options::default())?;
        Self::success(&summary)?;
        Ok(summary)
    }

    /// Runs a plan and gives how it ended, also if tasks failed.
    pub fn run_plan(&mut self, command: &str, plan: &Plan, options: &Options) -> Result<Summary> {
        self.report.plan(command, plan, false);
        if !plan.tasks.is_empty() {
            let folder = folder::create(&self.root, &self.run)?;
            if self.optimising.is_none() {
                self.optimising = optimised::build(&self.root, &folder.join("optimised.log"));
            }
        }
        let report = &mut self.report;
        let summary = run::run(&self.root, plan, options, &self.interrupt, &mut |event| {
            report.event(event)
        });
        self.tell_skipped();
        Ok(summary)
    }

    /// Says once what was left out.
    pub fn tell_skipped(&mut self) {
        for line in std::mem::take(&mut self.skipped) {
            self.report.warn(&line);
        }
    }

    /// Fails if a run did.
    pub fn success(summary: &Summary) -> Result<()> {
        if summary.interrupted {
            return Err(Error::Interrupted);
        }
        if summary.is_ok() {
            return Ok(());
        }
        Err(Error::TasksFailed {
            failed: summary.count(Outcome::Failed),
            total: summary.tasks.len(),
        })
    }
}
