//! What a result depends on, as named digests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;

use sha2::{Digest, Sha256};

use crate::environment::Environment;
use crate::git::{Files, Id};
use crate::plan::{Action, Task};
use crate::repo::inputs::{Inputs, Reach};
use crate::repo::Repo;

/// Changes when keys are made in another way.
const FORMAT: &str = "1";
/// The name of the part that holds files of no unit.
const NO_UNIT: &str = "files of no unit";

/// A digest.
pub type Part = [u8; 32];

/// Named digests, and all of them as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    parts: Vec<(String, Part)>,
}

impl Key {
    /// What does not depend on files and tools: the task, the machine, the environment, the source of Tasker Core.
    pub fn new(task: &Task, environment: &Environment, core: &str) -> Self {
        let mut key = Self {
            parts: Vec::with_capacity(24),
        };
        key.add("the way keys are made", digest([FORMAT.as_bytes()]));
        let kernel = std::fs::read("/proc/sys/kernel/osrelease").unwrap_or_default();
        key.add(
            "the machine's system",
            digest([
                std::env::consts::OS.as_bytes(),
                std::env::consts::ARCH.as_bytes(),
                &kernel,
            ]),
        );
        key.add("the task's definition", definition(task));
        key.add("the source of Tasker Core", digest([core.as_bytes()]));
        // Each variable is a part, so that `--explain` can name it; its value stays a digest.
        for (name, value) in environment.keyed().chain(environment.wanted(&task.env)) {
            key.add(
                format!("the variable {}", name.to_string_lossy()),
                digest([value.as_bytes()]),
            );
        }
        key
    }

    /// Adds a part.
    pub fn add(&mut self, name: impl Into<String>, part: Part) {
        self.parts.push((name.into(), part));
    }

    /// Everything as one digest.
    pub fn hex(&self) -> String {
        let mut sum = Sha256::new();
        for (name, part) in &self.parts {
            add(&mut sum, name.as_bytes());
            sum.update(part);
        }
        to_hex(&sum.finalize().into())
    }

    /// The parts, with digests as text.
    pub fn parts(&self) -> impl Iterator<Item = (&str, String)> {
        self.parts
            .iter()
            .map(|(name, part)| (name.as_str(), to_hex(part)))
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
fn definition(task: &Task) -> Part {
    let mut sum = Sha256::new();
    add(&mut sum, task.id.as_bytes());
    add(
        &mut sum,
        format!("{:?}", (&task.counts, &task.env)).as_bytes(),
    );
    for action in &task.actions {
        match action {
            // Where a function lies in memory differs from run to run.
            Action::Check { what, folder, .. } => {
                add(&mut sum, what.as_bytes());
                add(&mut sum, folder.as_os_str().as_bytes());
                add(&mut sum, this_program().as_bytes());
            }
            // The others are plain data, so their debug form is all of them.
            other => add(&mut sum, format!("{other:?}").as_bytes()),
        }
    }
    sum.finalize().into()
}

/// The program that runs, told from any other by its size and time.
fn this_program() -> String {
    let meta = std::env::current_exe().and_then(std::fs::metadata);
    meta.map(|meta| format!("{} {:?}", meta.len(), meta.modified().ok()))
        .unwrap_or_default()
}

/// The files of a repository, sorted by what they are an input of.
pub struct State {
    files: Files,
    /// Files that are inputs of each unit itself, as places in `files`.
    own: Vec<Vec<u32>>,
    /// Files that belong to no unit.
    of_all: Vec<u32>,
    /// Digests of the same.
    parts: Vec<Part>,
    part_of_all: Part,
    units_in: HashMap<String, Vec<usize>>,
}

impl State {
    /// Looks at the work tree.
    pub fn of(repo: &Repo, inputs: &Inputs) -> Option<Self> {
        let files = Files::of(&repo.root)?;
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
        let parts = own.iter().map(|places| sum_of(&files, places)).collect();
        let part_of_all = sum_of(&files, &of_all);
        let mut units_in: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, unit) in repo.units.iter().enumerate() {
            units_in.entry(unit.folder.clone()).or_default().push(place);
        }
        Some(Self {
            files,
            own,
            of_all,
            parts,
            part_of_all,
            units_in,
        })
    }

    /// The units in a folder, by their places in the repository.
    pub fn units_in(&self, folder: &str) -> Option<&[usize]> {
        self.units_in.get(folder).map(Vec::as_slice)
    }

    /// Adds the files that a unit's tasks can see: those of these units, and those of none.
    pub fn add_to(&self, repo: &Repo, key: &mut Key, closure: &BTreeSet<usize>) {
        key.add(NO_UNIT, self.part_of_all);
        for unit in closure {
            key.add(
                format!(
                    "files of {} ({})",
                    repo.units[*unit].folder, repo.units[*unit].language
                ),
                self.parts[*unit],
            );
        }
    }

    /// The files behind a part of a key, one `id path` a line.
    pub fn list(&self, repo: &Repo, part: &str) -> Option<String> {
        let places = if part == NO_UNIT {
            &self.of_all
        } else {
            let (folder, language) = part
                .strip_prefix("files of ")?
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
            let hex: String = id
                .content
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
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
    let mut sum = Sha256::new();
    for place in places {
        let (path, Id { kind, content }) = &files.all[*place as usize];
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
    part.iter().map(|byte| format!("{byte:02x}")).collect()
}
