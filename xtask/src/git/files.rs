//! Every file that git knows or does not ignore, with an id of its content.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::index::{self, Entry, Stat};
use super::settings::Settings;
use super::walk::{walk, Visit};

/// git's id of an empty file.
const EMPTY: [u8; 20] = [
    0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2,
    0xe4, 0x8c, 0x53, 0x91,
];

/// The kind of an entry that stands for another repository.
const SUBMODULE: u32 = 0o160_000;

/// What a file is: its kind and the id that git gives its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    /// `f` file, `x` executable file, `l` link, `-` deleted though git knows it, `?` unreadable.
    pub kind: u8,
    /// git's id of the content.
    pub content: [u8; 20],
}

/// Every file that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Paths relative to the repository, as bytes with `/`, sorted, with what is there now.
    pub all: Vec<(Vec<u8>, Id)>,
    /// Places of files that are not as the index says, untracked ones included; none if only git itself can tell.
    pub differing: Option<Vec<u32>>,
}

impl Files {
    /// Looks at the whole work tree; nothing if it is no git repository.
    ///
    /// A file whose `stat` is what the index recorded has the index's id, unless it was changed in the same instant in which the index
    /// was written. Any other file is read. Untracked files count as much as tracked ones.
    pub fn of(root: &Path) -> Option<Self> {
        let folder = super::git_folder(root)?;
        let written = index::parse(&std::fs::read(folder.join("index")).unwrap_or_default());
        let settings = Settings::of(&folder, written.as_deref().unwrap_or_default());
        let written = written.filter(|_| settings.is_sha1);
        let index_time = std::fs::metadata(folder.join("index"))
            .map(|meta| (meta.mtime(), meta.mtime_nsec()))
            .unwrap_or_default();
        let is_known = written.is_some();
        let mut entries = match written {
            Some(entries) => entries,
            None => unknown(listed(root)?),
        };
        // Submodules have commits for content.
        let is_plain = is_known && entries.iter().all(|entry| entry.mode != SUBMODULE);
        // The sides of an unfinished merge are one file.
        entries.dedup_by(|later, first| later.path == first.path);
        let near = super::near(root);
        let found = walk(
            root,
            &folder,
            &entries,
            &Visit {
                tracked: &|entry| id_of(&near, entry, index_time, settings.modes),
                untracked: &|path| read(&near.join(path), None),
            },
        );
        let mut found = found;
        if settings.filters && is_known {
            as_git_would_store(root, &entries, &mut found.tracked);
        }
        // Each with whether it differs.
        let mut all: Vec<(Vec<u8>, Id, bool)> =
            Vec::with_capacity(entries.len() + found.untracked.len());
        for (entry, id) in entries.into_iter().zip(found.tracked) {
            let differs =
                entry.stage != 0 || id.content != entry.id || mode_of(id.kind) != entry.mode;
            all.push((entry.path, id, differs));
        }
        let untracked = found.untracked.into_iter();
        all.extend(untracked.map(|(path, id)| (path.into_os_string().into_vec(), id, true)));
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let differing = (0u32..).zip(&all).filter(|(_, file)| file.2);
        Some(Self {
            differing: is_plain.then(|| differing.map(|(place, _)| place).collect()),
            all: all.into_iter().map(|(path, id, _)| (path, id)).collect(),
        })
    }

    /// What a file is, by its path relative to the repository; none if git ignores it or it was not there.
    pub fn id(&self, path: &Path) -> Option<&Id> {
        let path = path.as_os_str().as_bytes();
        let place = self
            .all
            .binary_search_by(|(name, _)| name.as_slice().cmp(path))
            .ok()?;
        Some(&self.all[place].1).filter(|id| id.kind != b'-')
    }

    /// Paths of files that are not as the index says; see [`Files::differing`].
    pub fn differing(&self) -> Option<impl Iterator<Item = &[u8]>> {
        let places = self.differing.as_ref()?;
        Some(
            places
                .iter()
                .map(|place| self.all[*place as usize].0.as_slice()),
        )
    }
}

/// Reads the index and looks at each of its files, and nothing else; for benchmarks.
pub fn look_at_index(root: &Path) -> usize {
    let bytes = super::git_folder(root).and_then(|folder| std::fs::read(folder.join("index")).ok());
    let entries = bytes
        .and_then(|bytes| index::parse(&bytes))
        .unwrap_or_default();
    let there = |entry: &&Entry| root.join(to_path(&entry.path)).symlink_metadata().is_ok();
    entries.iter().filter(there).count()
}

/// Asks git for the ids of files whose content is not that of the index: other ends of lines, for example, are no difference.
fn as_git_would_store(root: &Path, entries: &[Entry], ids: &mut [Id]) {
    let differs = |(entry, id): &(&Entry, &mut Id)| {
        id.content != entry.id && matches!(id.kind, b'f' | b'x') && !entry.path.contains(&b'\n')
    };
    let mut asked: Vec<(&Entry, &mut Id)> = entries.iter().zip(ids).filter(differs).collect();
    if asked.is_empty() {
        return;
    }
    let mut paths = Vec::new();
    for (entry, _) in &asked {
        paths.extend_from_slice(&entry.path);
        paths.push(b'\n');
    }
    let Ok(answer) = super::run::fed(root, &["hash-object", "--stdin-paths"], &paths) else {
        return;
    };
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    for ((_, id), line) in asked.iter_mut().zip(text.lines()) {
        let mut content = [0; 20];
        if hex::decode_to_slice(line, &mut content).is_ok() {
            id.content = content;
        }
    }
}

/// Names of tracked files from git itself, for an index that is not read here.
fn listed(root: &Path) -> Option<Vec<Vec<u8>>> {
    let output = super::run::output(root, &["ls-files", "-z", "--cached"])
        .ok()
        .filter(|output| output.status.success())?;
    let names = output.stdout.split(|byte| *byte == 0);
    Some(
        names
            .filter(|name| !name.is_empty())
            .map(<[u8]>::to_vec)
            .collect(),
    )
}

/// Entries whose `stat` matches nothing, so that each file is read.
fn unknown(mut names: Vec<Vec<u8>>) -> Vec<Entry> {
    names.sort();
    names.dedup();
    let stat = Stat {
        ctime: (0, 0),
        mtime: (0, 0),
        inode: 0,
        size: 0,
    };
    names
        .into_iter()
        .map(|path| Entry {
            path,
            id: [0; 20],
            mode: 0,
            stat,
            stage: 0,
            skipped: false,
        })
        .collect()
}

fn id_of(root: &Path, entry: &Entry, index_time: (i64, i64), modes: bool) -> Id {
    let path = root.join(to_path(&entry.path));
    let Ok(meta) = path.symlink_metadata() else {
        let (kind, content) = match entry.skipped {
            true => (kind_of_mode(entry.mode), entry.id),
            false => (b'-', [0; 20]),
        };
        return Id { kind, content };
    };
    // Where permissions do not count, the index knows better.
    let recorded = (!modes && meta.is_file()).then(|| kind_of_mode(entry.mode));
    let recorded = recorded.filter(|kind| *kind != b'l');
    let kind = recorded.unwrap_or_else(|| kind_of(&meta));
    let mode = mode_of(kind);
    // git marks an entry that it could not tell by time with size 0.
    let marked = entry.stat.size == 0 && entry.id != EMPTY;
    let mtime = (meta.mtime(), meta.mtime_nsec());
    if mode == entry.mode && !marked && stat_of(&meta) == entry.stat && mtime < index_time {
        return Id {
            kind,
            content: entry.id,
        };
    }
    read(&path, recorded)
}

/// The fields as git keeps them: the lower 32 bits.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn stat_of(meta: &std::fs::Metadata) -> Stat {
    Stat {
        ctime: (meta.ctime() as u32, meta.ctime_nsec() as u32),
        mtime: (meta.mtime() as u32, meta.mtime_nsec() as u32),
        inode: meta.ino() as u32,
        size: meta.size() as u32,
    }
}

fn kind_of(meta: &std::fs::Metadata) -> u8 {
    if meta.is_symlink() {
        b'l'
    } else if meta.mode() & 0o100 != 0 {
        b'x'
    } else {
        b'f'
    }
}

/// As git writes it.
fn mode_of(kind: u8) -> u32 {
    match kind {
        b'l' => 0o120_000,
        b'x' => 0o100_755,
        _ => 0o100_644,
    }
}

fn kind_of_mode(mode: u32) -> u8 {
    match mode {
        0o120_000 => b'l',
        0o100_755 => b'x',
        _ => b'f',
    }
}

/// Reads a file and gives it the id that git would. Its kind is known, or asked of the file system.
pub fn read(path: &Path, kind: Option<u8>) -> Id {
    let gone = Id {
        kind: b'-',
        content: [0; 20],
    };
    let Ok(meta) = path.symlink_metadata() else {
        return gone;
    };
    let content = if meta.is_symlink() {
        std::fs::read_link(path).map(|target| target.into_os_string().into_vec())
    } else if meta.is_file() {
        std::fs::read(path)
    } else {
        // A folder where git knows a file or a submodule: its files are found by the walk. Sockets and the like have no content.
        Ok(Vec::new())
    };
    let Ok(content) = content else {
        return Id {
            kind: b'?',
            content: [0; 20],
        };
    };
    let mut sum = Sha1::new();
    sum.update(format!("blob {}\0", content.len()));
    sum.update(&content);
    Id {
        kind: kind.unwrap_or_else(|| kind_of(&meta)),
        content: sum.finalize().into(),
    }
}

fn to_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use proptest::prelude::*;

    use super::Files;
    use crate::git::run::output;

    fn git(root: &Path, args: &[&str]) -> String {
        let ran = output(root, args).expect("git runs");
        assert!(ran.status.success(), "{args:?}: {ran:?}");
        String::from_utf8(ran.stdout).expect("text")
    }

    fn ours(root: &Path) -> BTreeSet<String> {
        let files = Files::of(root).expect("a repository");
        let differing = files.differing().expect("read here");
        differing
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect()
    }

    /// Folders of other repositories end in a slash; nothing in them counts.
    fn gits(root: &Path) -> BTreeSet<String> {
        let status = [
            "status",
            "--porcelain",
            "-z",
            "--no-renames",
            "--untracked-files=all",
        ];
        let lines = git(root, &status);
        let paths = lines
            .split_terminator('\0')
            .map(|line| line[3..].to_owned());
        paths.filter(|path| !path.ends_with('/')).collect()
    }

    /// What people have in their clones.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Habit {
        EndsOfLines,
        Autocrlf,
        NoModes,
        AllExecutable,
        Sparse,
        Linked,
        Exclude,
        Inside,
        Touched,
        Changed,
    }
    use Habit::{
        AllExecutable, Autocrlf, Changed, EndsOfLines, Exclude, Inside, Linked, NoModes, Sparse,
        Touched,
    };
    const HABITS: [Habit; 10] = [
        EndsOfLines,
        Autocrlf,
        NoModes,
        AllExecutable,
        Sparse,
        Linked,
        Exclude,
        Inside,
        Touched,
        Changed,
    ];

    fn repository(root: &Path, habits: &[Habit]) {
        git(root, &["init", "--quiet", "--initial-branch", "main"]);
        git(root, &["config", "user.name", "t"]);
        git(root, &["config", "user.email", "t@example.com"]);
        for name in ["rust/a.rs", "rust/b.rs", "docs/c.md"] {
            std::fs::create_dir_all(root.join(name).parent().expect("one")).expect("made");
            std::fs::write(root.join(name), "one\ntwo\n").expect("written");
        }
        if habits.contains(&EndsOfLines) {
            std::fs::write(root.join(".gitattributes"), "*.rs text eol=crlf\n").expect("written");
        }
        git(root, &["add", "--all"]);
        git(root, &["commit", "--quiet", "--message", "feat: all"]);
        if habits.contains(&Autocrlf) {
            git(root, &["config", "core.autocrlf", "true"]);
        }
        git(root, &["rm", "--quiet", "-r", "--cached", "."]);
        git(root, &["reset", "--quiet", "--hard"]);
    }

    fn live(root: &Path, habits: &[Habit]) {
        let each = |change: &dyn Fn(&Path)| {
            for name in ["rust/a.rs", "docs/c.md"] {
                let path = root.join(name);
                if path.is_file() {
                    change(&path);
                }
            }
        };
        for habit in habits {
            match habit {
                NoModes => drop(git(root, &["config", "core.fileMode", "false"])),
                AllExecutable => each(&|path| {
                    let all = std::fs::Permissions::from_mode(0o755);
                    std::fs::set_permissions(path, all).expect("changed");
                }),
                Sparse => {
                    let args = ["sparse-checkout", "set", "--no-cone", "/*", "!/docs/"];
                    git(root, &args);
                }
                Exclude => {
                    let place = git(root, &["rev-parse", "--git-path", "info/exclude"]);
                    let place = root.join(place.trim());
                    std::fs::create_dir_all(place.parent().expect("one")).expect("made");
                    std::fs::write(place, "notes.private\n").expect("written");
                    std::fs::write(root.join("notes.private"), "mine").expect("written");
                }
                Inside => {
                    git(root, &["worktree", "add", "--quiet", "--detach", ".inside"]);
                }
                Touched => each(&|path| {
                    let content = std::fs::read(path).expect("read");
                    std::fs::remove_file(path).expect("removed");
                    std::fs::write(path, content).expect("written");
                }),
                Changed => std::fs::write(root.join("rust/b.rs"), "other\n").expect("written"),
                EndsOfLines | Autocrlf | Linked => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn what_differs_is_what_git_says_whatever_its_settings(
            habits in proptest::sample::subsequence(HABITS.to_vec(), 0..6),
        ) {
            let scratch = tempfile::TempDir::new().expect("a folder");
            let main = scratch.path().join("main");
            std::fs::create_dir(&main).expect("made");
            repository(&main, &habits);
            let mut root = main;
            if habits.contains(&Linked) {
                let linked = scratch.path().join("linked");
                git(&root, &["worktree", "add", "--quiet", "--detach", &linked.display().to_string()]);
                root = linked;
            }
            live(&root, &habits);
            // Before git refreshes its index by looking.
            let found = ours(&root);
            prop_assert_eq!(&found, &gits(&root));
            prop_assert_eq!(&ours(&root), &found);
        }
    }
}
