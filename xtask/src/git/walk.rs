//! The walk over a work tree: what every tracked file is now, and which files there are that git neither tracks nor ignores.
//!
//! Tracked names are known from the index, so a name is compared with the rules of `.gitignore` only if it is not among them. Folders and
//! pieces of the index are shared out to a thread per processor.

use std::ffi::OsStr;
use std::fs::DirEntry;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::Match;

use super::index::Entry;

/// How many files of the index are looked at in one go.
const PIECE: usize = 512;
/// Threads beyond this wait for the file system, not for processors.
const MOST_THREADS: usize = 4;

/// What is done with the files that are met. Both run on several threads.
pub struct Visit<'a, T, U> {
    /// Looks at a tracked file.
    pub tracked: &'a (dyn Fn(&Entry) -> T + Sync),
    /// Looks at a file that git neither tracks nor ignores; its path is relative to the root.
    pub untracked: &'a (dyn Fn(&Path) -> U + Sync),
}

pub struct Found<T, U> {
    /// For each entry of the index, in its order.
    pub tracked: Vec<T>,
    /// Untracked files in any order.
    pub untracked: Vec<(PathBuf, U)>,
}

/// Visits all files of a work tree. `entries` are those of the index, sorted by path; `git` is the folder with git's own files.
pub fn walk<T: Send, U: Send>(
    root: &Path,
    git: &Path,
    entries: &[Entry],
    visit: &Visit<'_, T, U>,
) -> Found<T, U> {
    let rules = Rules::new(root, git);
    let top = Arc::new(Folder::new(PathBuf::new(), None));
    let mut jobs: Vec<Job> = (0..entries.len())
        .step_by(PIECE)
        .map(|start| Job::Files(start..entries.len().min(start + PIECE)))
        .collect();
    // The last one is taken first: it leads to more.
    jobs.push(Job::Folder(top, 0..entries.len()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MOST_THREADS).min(jobs.len());
    let queue = Queue::new(jobs, threads);
    let worker = || work(&queue, entries, &rules, visit);
    let parts = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut parts = vec![worker()];
        // A thread that panics has panicked for all.
        parts.extend(others.into_iter().map(|other| {
            other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }));
        parts
    });
    let mut pieces = Vec::new();
    let mut untracked = Vec::new();
    for part in parts {
        pieces.extend(part.pieces);
        untracked.extend(part.untracked);
    }
    pieces.sort_unstable_by_key(|(start, _)| *start);
    Found {
        tracked: pieces.into_iter().flat_map(|(_, piece)| piece).collect(),
        untracked,
    }
}

enum Job {
    /// These entries of the index.
    Files(Range<usize>),
    /// A folder, and the entries of the index below it.
    Folder(Arc<Folder>, Range<usize>),
}

/// Jobs for several threads. Each works through what its own jobs lead to, and gives half of that away when another has nothing to do.
struct Queue {
    /// What is to be done, and how many threads are at work and may add to it.
    state: Mutex<(Vec<Job>, usize)>,
    changed: Condvar,
    /// How many threads wait.
    idle: AtomicUsize,
}

impl Queue {
    fn new(jobs: Vec<Job>, threads: usize) -> Self {
        Self {
            state: Mutex::new((jobs, threads)),
            changed: Condvar::new(),
            idle: AtomicUsize::new(0),
        }
    }

    /// A job for a thread that has none left; none when there will be none.
    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 -= 1;
        self.idle.fetch_add(1, Ordering::Relaxed);
        loop {
            if let Some(job) = state.0.pop() {
                state.1 += 1;
                self.idle.fetch_sub(1, Ordering::Relaxed);
                return Some(job);
            }
            if state.1 == 0 {
                self.changed.notify_all();
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives away half of a thread's jobs if another one has none.
    fn share(&self, jobs: &mut Vec<Job>) {
        if jobs.len() < 2 || self.idle.load(Ordering::Relaxed) == 0 {
            return;
        }
        let given = jobs.drain(..jobs.len() / 2);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.extend(given);
        drop(state);
        self.changed.notify_all();
    }
}

struct Part<T, U> {
    pieces: Vec<(usize, Vec<T>)>,
    untracked: Vec<(PathBuf, U)>,
}

fn work<T, U>(
    queue: &Queue,
    entries: &[Entry],
    rules: &Rules,
    visit: &Visit<'_, T, U>,
) -> Part<T, U> {
    let mut part = Part {
        pieces: Vec::new(),
        untracked: Vec::new(),
    };
    let mut own = Vec::new();
    while let Some(job) = own.pop().or_else(|| queue.next()) {
        match job {
            Job::Files(range) => {
                let piece = entries[range.clone()].iter().map(visit.tracked).collect();
                part.pieces.push((range.start, piece));
            }
            Job::Folder(folder, range) => {
                let found = look_into(&folder, entries, range, rules, &mut own);
                part.untracked.extend(found.into_iter().map(|path| {
                    let seen = (visit.untracked)(&path);
                    (path, seen)
                }));
            }
        }
        queue.share(&mut own);
    }
    part
}

/// The untracked files of one folder; its folders become jobs.
fn look_into(
    folder: &Arc<Folder>,
    entries: &[Entry],
    range: Range<usize>,
    rules: &Rules,
    more: &mut Vec<Job>,
) -> Vec<PathBuf> {
    let mut place = rules.near.join(&folder.path);
    if place.as_os_str().is_empty() {
        place.push(".");
    }
    let Ok(listing) = std::fs::read_dir(place) else {
        return Vec::new();
    };
    let below = &entries[range.clone()];
    let prefix = folder.path.as_os_str().len() + usize::from(!folder.path.as_os_str().is_empty());
    // Names that the index does not know, and whether each is a folder.
    let mut unknown: Vec<(PathBuf, bool)> = Vec::new();
    let mut folders: Vec<(PathBuf, Range<usize>)> = Vec::new();
    let mut has_rules = false;
    for entry in listing.flatten() {
        let name = entry.file_name();
        if name == ".git" {
            continue;
        }
        has_rules |= name == ".gitignore";
        let is_folder = is_folder(&entry);
        let known = if is_folder {
            inside(below, prefix, name.as_bytes())
        } else {
            named(below, prefix, name.as_bytes())
        };
        match known {
            Some(known) if is_folder => folders.push((
                folder.path.join(&name),
                range.start + known.start..range.start + known.end,
            )),
            Some(_) => {}
            None => unknown.push((folder.path.join(&name), is_folder)),
        }
    }
    if has_rules {
        folder.has_rules.get_or_init(|| ());
    }
    unknown.retain(|(path, is_folder)| !folder.ignores(rules, path, *is_folder));
    let child = |path| Arc::new(Folder::new(path, Some(Arc::clone(folder))));
    more.extend(
        folders
            .into_iter()
            .map(|(path, range)| Job::Folder(child(path), range)),
    );
    let mut files = Vec::new();
    for (path, is_folder) in unknown {
        if is_folder {
            // Another repository, or a work tree of this one: nothing in it belongs to this one.
            if !rules.near.join(&path).join(".git").exists() {
                more.push(Job::Folder(child(path), 0..0));
            }
        } else {
            files.push(path);
        }
    }
    files
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

/// The entries inside a folder of this name, if there are any. All of `below` begin with the same `prefix` bytes.
fn inside(below: &[Entry], prefix: usize, name: &[u8]) -> Option<Range<usize>> {
    // `name/` and `name0` enclose them: 0 comes after the slash.
    let compare = |entry: &Entry, last: u8| {
        let rest = &entry.path[prefix..];
        let common = rest.len().min(name.len());
        rest[..common]
            .cmp(&name[..common])
            .then_with(|| match rest.get(name.len()) {
                Some(next) => next.cmp(&last),
                None => std::cmp::Ordering::Less,
            })
    };
    let start = below.partition_point(|entry| compare(entry, b'/').is_lt());
    let length = below[start..].partition_point(|entry| compare(entry, b'/').is_eq());
    (length > 0).then_some(start..start + length)
}

/// The entry of this name.
fn named(below: &[Entry], prefix: usize, name: &[u8]) -> Option<Range<usize>> {
    let place = below
        .binary_search_by(|entry| entry.path[prefix..].cmp(name))
        .ok()?;
    Some(place..place + 1)
}

/// Rules for the whole work tree.
struct Rules {
    root: PathBuf,
    /// See [`super::near`].
    near: PathBuf,
    git: PathBuf,
    common: OnceLock<[Gitignore; 2]>,
}

impl Rules {
    fn new(root: &Path, git: &Path) -> Self {
        Self {
            root: root.to_owned(),
            near: super::near(root),
            git: git.to_owned(),
            common: OnceLock::new(),
        }
    }

    /// Those of this clone and those of this user, which count after the `.gitignore` files.
    fn common(&self) -> &[Gitignore; 2] {
        self.common.get_or_init(|| {
            let read = |file: Option<PathBuf>| {
                let mut builder = GitignoreBuilder::new(&self.root);
                if let Some(file) = file.filter(|file| file.is_file()) {
                    builder.add(file);
                }
                builder.build().unwrap_or_else(|_| Gitignore::empty())
            };
            [
                read(Some(super::common_folder(&self.git).join("info/exclude"))),
                read(ignore::gitignore::gitconfig_excludes_path()),
            ]
        })
    }
}

/// A folder of the work tree. What its rules say is found out when a name has to be compared with them.
struct Folder {
    path: PathBuf,
    above: Option<Arc<Folder>>,
    has_rules: OnceLock<()>,
    rules: OnceLock<Gitignore>,
    ignored: OnceLock<bool>,
}

impl Folder {
    fn new(path: PathBuf, above: Option<Arc<Self>>) -> Self {
        Self {
            path,
            above,
            has_rules: OnceLock::new(),
            rules: OnceLock::new(),
            ignored: OnceLock::new(),
        }
    }

    /// Whether git ignores something in this folder that it does not track.
    fn ignores(&self, rules: &Rules, path: &Path, is_folder: bool) -> bool {
        self.is_ignored(rules) || self.says_ignored(rules, path, is_folder)
    }

    /// Nothing that is untracked counts in an ignored folder, whatever rules are further down. That files in it are tracked
    /// does not change that.
    fn is_ignored(&self, rules: &Rules) -> bool {
        *self.ignored.get_or_init(|| {
            self.above
                .as_ref()
                .is_some_and(|above| above.ignores(rules, &self.path, true))
        })
    }

    /// The nearest rule that says something decides.
    fn says_ignored(&self, rules: &Rules, path: &Path, is_folder: bool) -> bool {
        let path = rules.root.join(path);
        let mut at = Some(self);
        while let Some(folder) = at {
            if folder.has_rules.get().is_some() {
                match folder.rules(rules).matched(&path, is_folder) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
            at = folder.above.as_deref();
        }
        for common in rules.common() {
            match common.matched(&path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }

    fn rules(&self, rules: &Rules) -> &Gitignore {
        self.rules.get_or_init(|| {
            let folder = rules.root.join(&self.path);
            let mut builder = GitignoreBuilder::new(&folder);
            builder.add(folder.join(OsStr::new(".gitignore")));
            builder.build().unwrap_or_else(|_| Gitignore::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use proptest::prelude::*;

    use super::{walk, Visit};
    use crate::git::index;

    fn git(root: &std::path::Path, args: &[&str]) -> Vec<u8> {
        let output = Command::new("git")
            .args(args)
            .current_dir(root)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{args:?}: {output:?}");
        output.stdout
    }

    const NAMES: [&str; 6] = ["a", "b.log", "build", "a0", "a-b", "keep"];
    const RULES: [&str; 9] = [
        "*.log", "build/", "/a", "!keep", "a/b.log", "**/keep", "a-b", "!b.log", "build/*",
    ];

    /// A path of one to three of the names.
    fn path() -> impl Strategy<Value = String> {
        proptest::collection::vec(proptest::sample::select(&NAMES[..]), 1..4)
            .prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn untracked_files_are_those_that_git_lists(
            files in proptest::collection::vec((path(), any::<bool>()), 1..14),
            rules in proptest::collection::vec(
                (proptest::sample::select(&["", "a", "build", "a/build"][..]), proptest::sample::select(&RULES[..])), 0..5),
        ) {
            let scratch = tempfile::TempDir::new().expect("a folder");
            let root = scratch.path();
            git(root, &["init", "--quiet"]);
            for (folder, rule) in rules {
                // A file may be where the folder would have to be.
                if std::fs::create_dir_all(root.join(folder)).is_ok() {
                    let place = root.join(folder).join(".gitignore");
                    let before = std::fs::read_to_string(&place).unwrap_or_default();
                    std::fs::write(place, format!("{before}{rule}\n")).expect("written");
                }
            }
            for (path, tracked) in files {
                let place = root.join(&path);
                let folder = place.parent().expect("it has one");
                if std::fs::create_dir_all(folder).is_ok() && !place.is_dir() {
                    std::fs::write(&place, "").expect("written");
                    if tracked {
                        git(root, &["add", "--force", &path]);
                    }
                }
            }
            let bytes = std::fs::read(root.join(".git/index")).unwrap_or_default();
            let entries = index::parse(&bytes).unwrap_or_default();
            let found = walk(root, &root.join(".git"), &entries, &Visit {
                tracked: &|entry| entry.path.clone(),
                untracked: &|_| (),
            });
            let ours: BTreeSet<String> = found.untracked.into_iter().map(|(path, ())| path.display().to_string()).collect();
            let listed = git(root, &["ls-files", "-z", "--others", "--exclude-standard"]);
            let listed: BTreeSet<String> = String::from_utf8(listed).expect("text").split_terminator('\0').map(str::to_owned).collect();
            prop_assert_eq!(ours, listed);
            let tracked: Vec<_> = entries.iter().map(|entry| entry.path.clone()).collect();
            prop_assert_eq!(found.tracked, tracked);
        }
    }
}
