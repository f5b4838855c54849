//! What a result depends on, as named digests.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::environment::Environment;
use crate::git::{Files, Id};
use crate::plan::{Action, Task};
use crate::process::Invocation;
use crate::repo::inputs::{Inputs, Reach};
use crate::repo::Repo;
use crate::unit::Unit;

/// Changes when keys are made in another way.
const FORMAT: &str = "2";
/// The name of the part that holds files of no unit.
const NO_UNIT: &str = "files outside every unit";

/// The beginning of the name of a part that holds a unit's files.
const OF_UNIT: &str = "files of ";

pub type Part = [u8; 32];

/// The name of a part.
pub type Name = Arc<str>;

/// Named digests, and all of them as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What all keys of a run have in common.
    common: Arc<Common>,
    parts: Vec<(Name, Part)>,
}

/// What does not depend on task, files and tools: the machine, the environment, the source of Tasker Core.
#[derive(Debug, PartialEq, Eq)]
pub struct Common {
    parts: Vec<(Name, Part)>,
    sum: Part,
    /// The program that runs, told from any other by its size and time.
    program: String,
}

impl Common {
    /// Looks at this machine.
    pub fn new(environment: &Environment, core: &str) -> Self {
        let mut parts: Vec<(Name, Part)> = Vec::with_capacity(24);
        let mut add = |name: &str, part: Part| parts.push((name.into(), part));
        add("the version of the cache", digest([FORMAT.as_bytes()]));
        let kernel = std::fs::read("/proc/sys/kernel/osrelease").unwrap_or_default();
        add(
            "the operating system",
            digest([
                std::env::consts::OS.as_bytes(),
                std::env::consts::ARCH.as_bytes(),
                &kernel,
            ]),
        );
        add("the source of Tasker Core", digest([core.as_bytes()]));
        // Each variable is a part, so that `--explain` can name it; its value stays a digest.
        for (name, value) in environment.keyed() {
            add(&variable(name), digest([value.as_bytes()]));
        }
        let meta = std::env::current_exe().and_then(std::fs::metadata);
        Self {
            sum: sum_of_parts(&parts),
            parts,
            program: meta
                .map(|meta| format!("{} {:?}", meta.len(), meta.modified().ok()))
                .unwrap_or_default(),
        }
    }
}

impl Common {
    /// All of it as one digest, the program that runs included.
    pub fn sum(&self) -> Part {
        digest([&self.sum[..], self.program.as_bytes()])
    }
}

fn variable(name: &OsStr) -> String {
    format!("the variable {}", name.to_string_lossy())
}

fn sum_of_parts(parts: &[(Name, Part)]) -> Part {
    let mut sum = Sha256::new();
    for (name, part) in parts {
        add(&mut sum, name.as_bytes());
        sum.update(part);
    }
    sum.finalize().into()
}

impl Key {
    /// What does not depend on files and tools.
    pub fn new(common: &Arc<Common>, task: &Task, environment: &Environment) -> Self {
        let mut key = Self {
            common: Arc::clone(common),
            parts: Vec::with_capacity(48),
        };
        key.add("the task's definition", definition(task, &common.program));
        for (name, value) in environment.wanted(&task.env) {
            key.add(variable(name), digest([value.as_bytes()]));
        }
        key
    }

    pub fn add(&mut self, name: impl Into<Name>, part: Part) {
        self.parts.push((name.into(), part));
    }

    /// Everything as one digest.
    pub fn hex(&self) -> String {
        let mut sum = Sha256::new();
        sum.update(self.common.sum);
        sum.update(sum_of_parts(&self.parts));
        to_hex(&sum.finalize().into())
    }

    /// The parts, with digests as text.
    pub fn parts(&self) -> impl Iterator<Item = (&str, String)> {
        self.common
            .parts
            .iter()
            .chain(&self.parts)
            .map(|(name, part)| (&**name, to_hex(part)))
    }

    /// The parts that are made of files.
    pub fn file_parts(&self) -> impl Iterator<Item = (&str, String)> {
        self.parts
            .iter()
            .filter(|(name, _)| **name == *NO_UNIT || name.starts_with(OF_UNIT))
            .map(|(name, part)| (&**name, to_hex(part)))
    }

    /// Names of parts that differ from an older key, each with the old digest if there was one.
    pub fn differing(&self, old: &BTreeMap<String, String>) -> Vec<(String, Option<String>)> {
        let now: BTreeMap<&str, String> = self.parts().collect();
        let changed = now
            .iter()
            .filter(|(name, part)| old.get(**name) != Some(part))
            .map(|(name, _)| ((*name).to_owned(), old.get(*name).cloned()));
        let gone = old
            .keys()
            .filter(|name| !now.contains_key(name.as_str()))
            .map(|name| (format!("{name} (gone)"), None));
        changed.chain(gone).collect()
    }
}

/// The task's actions and what it may see. Checks that xtask makes itself are defined by the program that runs.
fn definition(task: &Task, program: &str) -> Part {
    let mut sum = Sha256::new();
    add(&mut sum, task.id.as_bytes());
    add(
        &mut sum,
        format!("{:?}", (&task.counts, &task.env)).as_bytes(),
    );
    for action in &task.actions {
        match action {
            Action::Run(Invocation {
                argv,
                cwd,
                env,
                path,
            }) => {
                add_all(&mut sum, b"run", argv.iter().map(String::as_bytes));
                add(&mut sum, cwd.as_os_str().as_bytes());
                let env = env
                    .iter()
                    .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
                add_all(&mut sum, b"env", env);
                let path = path.iter().map(|folder| folder.as_os_str().as_bytes());
                add_all(&mut sum, b"path", path);
            }
            // Where a function lies in memory differs from run to run.
            Action::Check { what, folder, .. } => {
                add_all(&mut sum, b"check", [what.as_bytes()]);
                add(&mut sum, folder.as_os_str().as_bytes());
                add(&mut sum, program.as_bytes());
            }
            // The others are plain data, so their debug form is all of them.
            other => add_all(&mut sum, b"other", [format!("{other:?}").as_bytes()]),
        }
    }
    sum.finalize().into()
}

/// A list with its length, so that where it ends is part of it.
fn add_all<'a>(sum: &mut Sha256, kind: &[u8], texts: impl IntoIterator<Item = &'a [u8]>) {
    add(sum, kind);
    let mut count: u64 = 0;
    for text in texts {
        add(sum, text);
        count += 1;
    }
    sum.update(count.to_le_bytes());
}

/// The files of a repository, sorted by what they are an input of.
pub struct State {
    files: Arc<Files>,
    /// Files that are inputs of each unit itself, as places in `files`.
    own: Vec<Vec<u32>>,
    /// Files that belong to no unit.
    of_all: Vec<u32>,
    /// Digests of the same, with the names that they have in keys.
    parts: Vec<(Name, Part)>,
    part_of_all: (Name, Part),
}

impl State {
    pub fn of(repo: &Repo, inputs: &Inputs, files: Arc<Files>) -> Self {
        let mut own = vec![Vec::new(); repo.units.len()];
        let mut of_all = Vec::new();
        for (place, (path, _)) in (0u32..).zip(&files.all) {
            match inputs.reach(&String::from_utf8_lossy(path)) {
                Reach::Everything => of_all.push(place),
                Reach::Units(units) => {
                    for (unit, _) in units {
                        if own[unit].last() != Some(&place) {
                            own[unit].push(place);
                        }
                    }
                }
            }
        }
        let name = |unit: &Unit| format!("{OF_UNIT}{} ({})", unit.folder, unit.language).into();
        let units = repo.units.iter().zip(&own);
        Self {
            parts: units
                .map(|(unit, places)| (name(unit), sum_of(&files, places)))
                .collect(),
            part_of_all: (NO_UNIT.into(), sum_of(&files, &of_all)),
            files,
            own,
            of_all,
        }
    }

    /// Adds the files that a unit's tasks can see: those of these units, and those of none.
    pub fn add_to(&self, key: &mut Key, closure: &[usize]) {
        let parts = closure.iter().map(|unit| &self.parts[*unit]);
        for (name, part) in std::iter::once(&self.part_of_all).chain(parts) {
            key.add(Arc::clone(name), *part);
        }
    }

    /// The same as one digest.
    pub fn sum(&self, closure: &[usize]) -> Part {
        let parts = closure.iter().map(|unit| self.parts[*unit].clone());
        let all: Vec<(Name, Part)> = parts.chain([self.part_of_all.clone()]).collect();
        sum_of_parts(&all)
    }

    /// The files behind a part of a key, one `id path` a line.
    pub fn list(&self, repo: &Repo, part: &str) -> Option<String> {
        let places = if part == NO_UNIT {
            &self.of_all
        } else {
            let (folder, language) = part
                .strip_prefix(OF_UNIT)?
                .strip_suffix(')')?
                .rsplit_once(" (")?;
            let unit = repo
                .units
                .iter()
                .position(|unit| unit.folder == folder && unit.language == language)?;
            &self.own[unit]
        };
        let line = |place: &u32| {
            let (path, id) = &self.files.all[*place as usize];
            let hex = hex::encode(id.content);
            format!(
                "{}{hex} {}\n",
                char::from(id.kind),
                String::from_utf8_lossy(path)
            )
        };
        Some(places.iter().map(line).collect())
    }
}

fn sum_of(files: &Files, places: &[u32]) -> Part {
    sum_of_each(places.iter().map(|place| &files.all[*place as usize]))
}

/// The digest of all files that count.
pub fn sum_of_files(files: &Files) -> Part {
    sum_of_each(&files.all)
}

fn sum_of_each<'a>(files: impl IntoIterator<Item = &'a (Vec<u8>, Id)>) -> Part {
    let mut sum = Sha256::new();
    for (path, Id { kind, content }) in files {
        add(&mut sum, path);
        sum.update([*kind]);
        sum.update(content);
    }
    sum.finalize().into()
}

/// The digest of several texts.
pub fn digest<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Part {
    let mut sum = Sha256::new();
    for text in texts {
        add(&mut sum, text);
    }
    sum.finalize().into()
}

/// With its length, so that two parts cannot be mistaken for one.
fn add(sum: &mut Sha256, part: &[u8]) {
    sum.update(part.len().to_le_bytes());
    sum.update(part);
}

/// A digest as text.
pub fn to_hex(part: &Part) -> String {
    hex::encode(part)
}
