//! What languages plan with: the growing plan, the repository, and tools that are fetched when missing.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::git;
use crate::plan::{install_tasks, Plan, Task, CARGO_BUILD};
use crate::process::Invocation;
use crate::repo::Repo;
use crate::tasker_core::Core;
use crate::tools::{PinnedTool, Tools};
use crate::unit::{words, Unit};

/// A unit made ready for others.
#[derive(Clone, Debug, Default)]
pub struct Provided {
    /// Tasks that must be done before.
    pub needs: Vec<String>,
    /// Variables that lead to it.
    pub env: Vec<(String, String)>,
    /// Folders of its programs, for PATH.
    pub path: Vec<PathBuf>,
}

/// How a unit is made ready for others: what its language says.
type Provide = fn(&mut Planner<'_>, &Unit) -> Result<Provided>;

pub struct Planner<'a> {
    pub repo: &'a Repo,
    pub tools: &'a Tools,
    /// Where Tasker Core comes from.
    pub core: &'a Core,
    /// The plan so far.
    pub plan: Plan,
    /// How all tasks are run again; else `command --unit UNIT`, for commands that have that option.
    pub rerun: Option<String>,
    command: String,
    logs: PathBuf,
    /// Pinned tools that were asked for, each with whether it is installed.
    found: HashMap<String, (PinnedTool, bool)>,
    /// Ids of contents that were asked for and that the repository does not know.
    read: RefCell<HashMap<PathBuf, Option<[u8; 20]>>>,
    /// By folder; see [`Planner::manifests`].
    manifests: RefCell<HashMap<String, [u8; 32]>>,
    /// See [`Planner::is_there`].
    looked: RefCell<BTreeMap<PathBuf, bool>>,
    /// See [`Planner::once`].
    memo: RefCell<HashMap<(TypeId, PathBuf), Rc<dyn Any>>>,
    provide: Provide,
}

impl<'a> Planner<'a> {
    /// An empty plan for `cargo xtask <command>`, with logs in `logs`.
    pub fn new(
        repo: &'a Repo,
        tools: &'a Tools,
        core: &'a Core,
        command: &str,
        logs: &Path,
        provide: Provide,
    ) -> Self {
        Self {
            repo,
            tools,
            core,
            plan: Plan::default(),
            rerun: None,
            command: command.to_owned(),
            logs: logs.to_owned(),
            found: HashMap::new(),
            read: RefCell::default(),
            manifests: RefCell::default(),
            looked: RefCell::default(),
            memo: RefCell::default(),
            provide,
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
        let again = self.rerun.clone().unwrap_or_else(|| {
            let folder = if folder.is_empty() { "." } else { folder };
            format!("{} --unit {}", self.command, crate::process::quote(folder))
        });
        Task {
            log: self
                .logs
                .join(format!("{}.log", id.replace(['/', ':'], "-"))),
            rerun: format!("cargo xtask {}{again}", self.core.option()),
            id,
            unit: folder.to_owned(),
            label: label.to_owned(),
            needs: Vec::new(),
            share: None,
            note: None,
            actions: Vec::new(),
            counts: None,
            env: Vec::new(),
        }
    }

    /// Adds tasks of a unit that are one command each and wait for the same, but not for each other.
    pub fn add_each(
        &mut self,
        unit: &Unit,
        needs: &[String],
        commands: impl IntoIterator<Item = (&'static str, Invocation)>,
    ) {
        for (label, command) in commands {
            let task = self.task(unit, label).after(needs.iter().cloned());
            self.add(task.run(command));
        }
    }

    /// Where a unit's packages go.
    pub fn dist(&self, unit: &Unit) -> PathBuf {
        self.repo.root.join("target/xtask/dist").join(&unit.folder)
    }

    /// Adds a task; gives its id.
    pub fn add(&mut self, task: Task) -> String {
        self.plan.add(task)
    }

    /// A pinned tool, and the task that fetches it if it is missing.
    pub fn tool(&mut self, name: &str) -> Result<(PinnedTool, Vec<String>)> {
        let (tool, is_installed) = match self.found.get(name) {
            Some(found) => found.clone(),
            None => {
                let tool = self.tools.get(name)?;
                let found = (tool.clone(), tool.is_installed());
                self.found.insert(name.to_owned(), found.clone());
                found
            }
        };
        if is_installed {
            return Ok((tool, Vec::new()));
        }
        // What a tool is compiled from is compiled by the first build, too, and that one knows how to use every core.
        let mut tasks = self.plan.tasks.iter();
        let build = tasks.find(|task| task.share == Some(CARGO_BUILD));
        let build = build.map(|task| task.id.clone());
        let mut last = None;
        for mut task in install_tasks(self.tools, &tool, &self.logs)? {
            if task.share == Some(CARGO_BUILD) {
                task.needs.extend(build.clone());
            }
            last = Some(self.plan.add(task));
        }
        Ok((tool, last.into_iter().collect()))
    }

    /// git's id of a file's content; none if it is not there. What is told by git's index is not read.
    pub fn content(&self, file: &Path) -> Option<[u8; 20]> {
        let known = self.repo.files.as_ref().and_then(|files| {
            let path = file.strip_prefix(&self.repo.root).ok()?;
            files.id(path)
        });
        if let Some(id) = known {
            return Some(id.content);
        }
        // It may be ignored, or outside.
        let mut read = self.read.borrow_mut();
        *read.entry(file.to_owned()).or_insert_with(|| {
            let id = git::files::read(file, None);
            (id.kind != b'-').then_some(id.content)
        })
    }

    /// Whether there is something, for a plan that depends on it. What is asked here is part of what makes a later run the same; what only decides
    /// whether something has to be prepared need not be asked here, because a run that knows all results prepares nothing.
    pub fn is_there(&self, path: &Path) -> bool {
        let mut looked = self.looked.borrow_mut();
        *looked
            .entry(path.to_owned())
            .or_insert_with(|| path.exists())
    }

    /// The plan, and everything that [`Planner::is_there`] was asked, with the answers.
    pub fn finish(self) -> (Plan, Vec<(PathBuf, bool)>) {
        (self.plan, self.looked.into_inner().into_iter().collect())
    }

    /// What is read from a file once for the whole plan.
    pub fn once<T: Any>(&self, file: &Path, read: impl FnOnce() -> T) -> Rc<T> {
        let mut memo = self.memo.borrow_mut();
        let known = memo
            .entry((TypeId::of::<T>(), file.to_owned()))
            .or_insert_with(|| Rc::new(read()));
        Rc::clone(known)
            .downcast()
            .unwrap_or_else(|_| unreachable!("the type is part of the key"))
    }

    /// A digest of the manifests of a unit and of all units that it depends on by path.
    pub fn manifests(&self, unit: &Unit) -> [u8; 32] {
        if let Some(known) = self.manifests.borrow().get(&unit.folder) {
            return *known;
        }
        let mut sum = Sha256::new();
        sum.update(&unit.folder);
        let manifest = self.repo.path(unit).join(&unit.file);
        sum.update(self.content(&manifest).unwrap_or_default());
        // The graph has no circles.
        for used in unit.depends_on.iter().filter(|used| **used != unit.folder) {
            let used = self.repo.places(used).map(|place| &self.repo.units[place]);
            for used in used.filter(|used| used.language == unit.language) {
                sum.update(self.manifests(used));
            }
        }
        let digest = sum.finalize().into();
        let mut known = self.manifests.borrow_mut();
        known.insert(unit.folder.clone(), digest);
        digest
    }

    /// What a unit's tests take: the units that it needs built, and the pinned tools under a key of its manifest, which its tests find by
    /// `<TOOL>_BIN`.
    pub fn provide_for_tests(&mut self, unit: &Unit, key: &str) -> Result<Provided> {
        let mut used = self.provide_needs_of(unit)?;
        for name in words(&unit.manifest, key) {
            let (tool, needs) = self.tool(name)?;
            let variable = format!("{}_BIN", name.to_uppercase().replace('-', "_"));
            let program = tool.program().display().to_string();
            used.needs.extend(needs);
            used.env.push((variable, program));
        }
        Ok(used)
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
        (self.provide)(self, unit)
    }
}
