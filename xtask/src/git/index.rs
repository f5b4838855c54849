//! Reads `.git/index` (versions 2 to 4), as `gitformat-index(5)` describes it.
//!
//! A crate that does it (`gix-index`) brings about forty others, more than xtask has by itself; the part needed here is one loop.

/// One file of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path, relative to the repository, as bytes with `/`.
    pub path: Vec<u8>,
    pub id: [u8; 20],
    /// Kind and permission, as git writes them: `0o100644`, `0o100755`, `0o120000` (link), `0o160000` (submodule).
    pub mode: u32,
    /// What `stat` said when git looked.
    pub stat: Stat,
    /// 0, or one side of an unfinished merge.
    pub stage: u8,
    /// A sparse checkout leaves it out.
    pub skipped: bool,
}

/// The part of `stat` that git keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Seconds and nanoseconds of the last change of content or inode.
    pub ctime: (u32, u32),
    /// Seconds and nanoseconds of the last change of content.
    pub mtime: (u32, u32),
    /// The inode's number, its lower half.
    pub inode: u32,
    /// The size in bytes, its lower half.
    pub size: u32,
}

/// The entries, sorted by path; none if the index is of a kind that this does not read (split, sparse, SHA-256, damaged).
pub fn parse(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut input = Input(bytes);
    if input.take(4)? != b"DIRC" {
        return None;
    }
    let version = input.number()?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let count = input.number()? as usize;
    let mut entries: Vec<Entry> = Vec::with_capacity(count.min(bytes.len() / 60));
    for _ in 0..count {
        let before = input.0.len();
        let mut entry = fixed_part(&mut input, version)?;
        entry.path = if version == 4 {
            let cut = varint(&mut input)?;
            let last = entries.last().map_or(&[][..], |last| &last.path);
            let kept = last.get(..last.len().checked_sub(cut)?)?;
            [kept, input.until_zero()?].concat()
        } else {
            let path = input.until_zero()?.to_vec();
            // Entries are padded to a multiple of eight; the zero that ends the path is the first byte of it.
            let used = before - input.0.len();
            input.take((8 - used % 8) % 8)?;
            path
        };
        if entries.last().is_some_and(|last| last.path > entry.path) {
            return None;
        }
        entries.push(entry);
    }
    extensions_are_optional(input).then_some(entries)
}

fn fixed_part(input: &mut Input<'_>, version: u32) -> Option<Entry> {
    let ctime = (input.number()?, input.number()?);
    let mtime = (input.number()?, input.number()?);
    let _device = input.number()?;
    let inode = input.number()?;
    let mode = input.number()?;
    let _owner = (input.number()?, input.number()?);
    let size = input.number()?;
    let id = input.take(20)?.try_into().ok()?;
    let flags = u16::from_be_bytes(input.take(2)?.try_into().ok()?);
    let mut skipped = false;
    if flags & 0x4000 != 0 {
        if version < 3 {
            return None;
        }
        skipped = input.take(2)?[0] & 0x40 != 0;
    }
    Some(Entry {
        path: Vec::new(),
        id,
        mode,
        stat: Stat {
            ctime,
            mtime,
            inode,
            size,
        },
        stage: u8::try_from(flags >> 12 & 3).ok()?,
        skipped,
    })
}

/// An extension whose name begins with a small letter changes what the entries mean: a split or a sparse index.
fn extensions_are_optional(mut input: Input<'_>) -> bool {
    while input.0.len() > 20 {
        let Some(name) = input.take(4) else {
            return false;
        };
        let length = input.number().map(|length| length as usize);
        if !name[0].is_ascii_uppercase() || length.and_then(|length| input.take(length)).is_none() {
            return false;
        }
    }
    // What is left is the SHA-1 of the rest.
    input.0.len() == 20
}

/// The number of bytes to take off the path before: groups of seven bits, most significant first, each but the last with the top bit.
fn varint(input: &mut Input<'_>) -> Option<usize> {
    let mut byte = input.take(1)?[0];
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = input.take(1)?[0];
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some(value)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// The bytes before the next zero, which is taken too.
    fn until_zero(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let taken = self.take(end)?;
        self.take(1)?;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::parse;

    fn git(folder: &std::path::Path, args: &[&str]) -> Vec<u8> {
        let output = Command::new("git")
            .args(args)
            .current_dir(folder)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    fn index(folder: &std::path::Path) -> Vec<u8> {
        std::fs::read(folder.join(".git/index")).expect("there is an index")
    }

    #[test]
    fn every_version_says_what_git_itself_lists() {
        let scratch = tempfile::TempDir::new().expect("a folder");
        let root = scratch.path();
        git(root, &["init", "--quiet"]);
        for name in [
            "a",
            "a.b/c",
            "a/é x",
            "deep/deep/deep/one",
            "deep/deep/deep/two",
        ] {
            let name = name.replace("a/", "z/");
            std::fs::create_dir_all(root.join(&name).parent().expect("a parent")).expect("made");
            std::fs::write(root.join(&name), &name).expect("written");
        }
        git(root, &["add", "--all"]);
        // An extended flag needs version 3.
        std::fs::write(root.join("later"), "").expect("written");
        for version in ["2", "3", "4"] {
            if version == "3" {
                git(root, &["add", "--intent-to-add", "later"]);
            }
            git(root, &["update-index", "--index-version", version]);
            let bytes = index(root);
            let listed = git(root, &["ls-files", "--stage", "-z"]);
            let listed: Vec<_> = listed
                .split(|byte| *byte == 0)
                .filter(|line| !line.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            let parsed = parse(&bytes).expect("git's own index is understood");
            let ours: Vec<_> = parsed
                .iter()
                .map(|entry| {
                    let id = hex::encode(entry.id);
                    [
                        format!("{:06o} {id} {}\t", entry.mode, entry.stage).as_bytes(),
                        &entry.path,
                    ]
                    .concat()
                })
                .collect();
            assert_eq!(ours, listed, "version {version}");
        }
    }

    #[test]
    fn a_split_index_is_refused() {
        let scratch = tempfile::TempDir::new().expect("a folder");
        git(scratch.path(), &["init", "--quiet"]);
        std::fs::write(scratch.path().join("a"), "a").expect("written");
        git(scratch.path(), &["add", "a"]);
        git(scratch.path(), &["update-index", "--split-index"]);
        assert_eq!(parse(&index(scratch.path())), None);
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_refused_or_read_but_never_a_panic(
            cut in 0usize..400,
            changes in proptest::collection::vec((0usize..400, any::<u8>()), 0..6),
        ) {
            let mut bytes = b"DIRC\0\0\0\x02\0\0\0\x02".to_vec();
            for name in [b"ab\0\0\0\0\0\0\0\0", b"cd\0\0\0\0\0\0\0\0"] {
                bytes.extend([7; 60]);
                bytes.extend([0, 2]);
                bytes.extend(name);
            }
            bytes.extend([0; 20]);
            for (at, byte) in changes {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            bytes.truncate(cut.max(12));
            let _ = parse(&bytes);
        }
    }
}
