//! Every file that git knows or does not ignore, with an id of its content.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ignore::WalkBuilder;
use sha1::{Digest, Sha1};

use super::index::{self, Entry, Stat};

/// git's id of an empty file.
const EMPTY: [u8; 20] = [
    0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2,
    0xe4, 0x8c, 0x53, 0x91,
];

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
}

impl Files {
    /// Looks at the whole work tree; nothing if it is no git repository.
    ///
    /// A file whose `stat` is what the index recorded has the index's id, unless it was changed in the same instant in which the index
    /// was written. Any other file is read. Untracked files count as much as tracked ones.
    pub fn of(root: &Path) -> Option<Self> {
        let folder = super::git_folder(root)?;
        let written = index::parse(&std::fs::read(folder.join("index")).unwrap_or_default())
            .filter(|_| is_sha1(&folder));
        let index_time = std::fs::metadata(folder.join("index"))
            .map(|meta| (meta.mtime(), meta.mtime_nsec()))
            .unwrap_or_default();
        let entries = match written {
            Some(entries) => entries,
            None => unknown(listed(root)?),
        };
        let found = std::thread::scope(|scope| {
            let walk = scope.spawn(|| not_ignored(root));
            let middle = entries.len() / 2;
            let (first, second) = entries.split_at(middle);
            let look = |part: &[Entry]| -> Vec<(Vec<u8>, Id)> {
                part.iter()
                    .map(|entry| (entry.path.clone(), id_of(root, entry, index_time)))
                    .collect()
            };
            let second = scope.spawn(move || look(second));
            let mut all = look(first);
            all.extend(second.join().ok()?);
            Some((all, walk.join().ok()?))
        });
        let (mut all, seen) = found?;
        // The sides of an unfinished merge are one file.
        all.dedup_by(|a, b| a.0 == b.0);
        let known = all.len();
        for path in seen {
            if all[..known]
                .binary_search_by(|(name, _)| name.as_slice().cmp(&path))
                .is_err()
            {
                let id = read(&root.join(to_path(&path)));
                all.push((path, id));
            }
        }
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Some(Self { all })
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

/// Repositories with other ids say so in their configuration.
fn is_sha1(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("config"))
        .map_or(true, |text| !text.to_lowercase().contains("objectformat"))
}

/// Names of tracked files from git itself, for an index that is not read here.
fn listed(root: &Path) -> Option<Vec<Vec<u8>>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached"])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
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
        })
        .collect()
}

/// Files that git does not ignore, tracked or not. The crate is ripgrep's, which knows the rules of `.gitignore`.
fn not_ignored(root: &Path) -> Vec<Vec<u8>> {
    WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .ignore(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build()
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()))
        .filter_map(|entry| {
            let path = entry.path().strip_prefix(root).ok()?;
            Some(path.as_os_str().as_bytes().to_vec())
        })
        .collect()
}

fn id_of(root: &Path, entry: &Entry, index_time: (i64, i64)) -> Id {
    let path = root.join(to_path(&entry.path));
    let Ok(meta) = path.symlink_metadata() else {
        return Id {
            kind: b'-',
            content: [0; 20],
        };
    };
    let kind = kind_of(&meta);
    let mode = match kind {
        b'l' => 0o120_000,
        b'x' => 0o100_755,
        _ => 0o100_644,
    };
    // git marks an entry that it could not tell by time with size 0.
    let marked = entry.stat.size == 0 && entry.id != EMPTY;
    let mtime = (meta.mtime(), meta.mtime_nsec());
    if mode == entry.mode && !marked && stat_of(&meta) == entry.stat && mtime < index_time {
        return Id {
            kind,
            content: entry.id,
        };
    }
    read(&path)
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

/// Reads a file and gives it the id that git would.
fn read(path: &Path) -> Id {
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
        kind: kind_of(&meta),
        content: sum.finalize().into(),
    }
}

fn to_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}
