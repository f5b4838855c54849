//! Finds manifests: among the files that git knows or does not ignore, or by a walk where there is no git.

use std::collections::HashSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::file::line_with;
use crate::git::Files;
use crate::layout::holds_no_packages;
use crate::unit::{above, is_named, Found, Reader, Unit};

/// Inside a package: the copy of another unit's templates that it is published with.
const CARRIED: &str = "plugin";

/// More manifests than these are read by several threads.
const FEW: usize = 32;

/// A folder with files that have the names of manifests.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Relative to the repository, with `/`.
    folder: String,
    files: Vec<String>,
}

/// Every unit below `root`, in the order of their folders. If the files that count are known, they are looked for among these.
pub fn units(root: &Path, files: Option<&Files>, languages: &[&dyn Reader]) -> Result<Vec<Unit>> {
    let mut places = match files {
        Some(files) => among(root, files, languages),
        None => {
            let mut places = Vec::new();
            walk(root, root, languages, &mut places)?;
            places
        }
    };
    places.sort_by(|one, other| one.folder.split('/').cmp(other.folder.split('/')));
    let units = read_all(root, &places, languages)?;
    if let Some(files) = files {
        refuse_ignored(root, files, &units)?;
    }
    Ok(units)
}

/// A change of what git ignores goes unnoticed, so that an old result would be taken for one of the new content.
fn refuse_ignored(root: &Path, files: &Files, units: &[Unit]) -> Result<()> {
    let counts = |input: &str| {
        let at = files
            .all
            .partition_point(|(path, _)| &**path < input.as_bytes());
        files.all[at..]
            .iter()
            .take_while(|(path, _)| path.starts_with(input.as_bytes()))
            .any(|(path, _)| is_or_is_in(path, input))
    };
    for unit in units {
        let ignored = unit
            .inputs
            .iter()
            .find(|input| root.join(input).exists() && !counts(input));
        if let Some(input) = ignored {
            let manifest = Path::new(&unit.folder).join(&unit.file);
            let text = crate::file::read(&root.join(&manifest))?;
            return Err(Error::BadFile {
                line: line_with(&text, "inputs"),
                file: manifest,
                why: format!("`{input}` in `inputs` is ignored by git, so a change of it would go unnoticed"),
                fix: Some("list a file that is in the repository, and give the tests what is not through their environment".into()),
            });
        }
    }
    Ok(())
}

fn is_or_is_in(path: &[u8], place: &str) -> bool {
    let rest = path.strip_prefix(place.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Reads the manifests of these places, which are sorted, but not of those in folders that others own.
fn read_all(root: &Path, places: &[Place], languages: &[&dyn Reader]) -> Result<Vec<Unit>> {
    let read = |places: &[Place]| -> Vec<Vec<Result<Option<Unit>>>> {
        let one = |place: &Place| {
            let units = languages
                .iter()
                .map(|language| read(root, place, *language));
            units.collect()
        };
        places.iter().map(one).collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pieces = if places.len() > FEW { threads } else { 1 };
    let (first, others) = places.split_at(places.len().div_ceil(pieces));
    let found = std::thread::scope(|scope| {
        let others: Vec<_> = others
            .chunks(first.len().max(1))
            .map(|piece| scope.spawn(move || read(piece)))
            .collect();
        let mut found = read(first);
        for other in others {
            found.extend(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        found
    });
    let mut units = Vec::new();
    let mut closed: HashSet<String> = HashSet::new();
    for (place, found) in places.iter().zip(found) {
        let is_inside = |folder: &str| closed.contains(folder);
        if is_inside(&place.folder) || above(&place.folder).any(is_inside) {
            continue;
        }
        let before = units.len();
        for (language, unit) in languages.iter().zip(found) {
            if let Some(unit) = unit? {
                units.push(unit);
                if language.owns_all_below() {
                    closed.insert(place.folder.clone());
                }
            }
        }
        if units.len() > before {
            let carried = format!("{}/{CARRIED}", place.folder);
            closed.insert(carried.trim_start_matches('/').to_owned());
        }
    }
    Ok(units)
}

/// The unit that a language sees in a place.
fn read(root: &Path, place: &Place, language: &dyn Reader) -> Result<Option<Unit>> {
    let folder = root.join(&place.folder);
    let Some(manifest) = manifest_of(root, &folder, language, &place.files)? else {
        return Ok(None);
    };
    let text = crate::file::read(&folder.join(manifest))?;
    let table = language.parse(&text).map_err(|error| Error::BadFile {
        file: crate::file::relative(root, &folder.join(manifest)).to_owned(),
        line: error.line,
        why: error.why,
        fix: None,
    })?;
    let unit = language.unit(&Found {
        root,
        folder: &place.folder,
        manifest,
        text: &text,
        table: &table,
    })?;
    Ok(unit.map(|unit| Unit {
        manifest: table,
        shared_files: language.shared_files(),
        ..unit
    }))
}

/// The places among the files that git knows or does not ignore.
fn among(root: &Path, files: &Files, languages: &[&dyn Reader]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (path, id) in &files.all {
        // What is no UTF-8 is neither a manifest nor a folder of ours.
        let Ok(path) = std::str::from_utf8(path) else {
            continue;
        };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !is_manifest(languages, name) || folder.split('/').any(is_skipped) {
            continue;
        }
        // A link may lead to a file or nowhere.
        let is_file = match id.kind {
            b'-' => false,
            b'l' => root.join(path).is_file(),
            _ => true,
        };
        if !is_file {
            continue;
        }
        match places.last_mut().filter(|last| last.folder == folder) {
            Some(last) => last.files.push(name.to_owned()),
            None => places.push(Place {
                folder: folder.to_owned(),
                files: vec![name.to_owned()],
            }),
        }
    }
    // Files of a folder need not follow each other: `a/b/c` comes between `a/Cargo.toml` and `a/x.gemspec`.
    places.sort_by(|one, other| one.folder.cmp(&other.folder));
    places.dedup_by(|later, first| {
        let is_same = later.folder == first.folder;
        if is_same {
            first.files.append(&mut later.files);
        }
        is_same
    });
    places
}

fn is_skipped(folder: &str) -> bool {
    folder.starts_with('.') || holds_no_packages(folder)
}

fn is_manifest(languages: &[&dyn Reader], name: &str) -> bool {
    let mut patterns = languages.iter().flat_map(|language| language.manifests());
    patterns.any(|pattern| is_named(pattern, name))
}

/// The same without git: every folder is looked into.
fn walk(
    root: &Path,
    folder: &Path,
    languages: &[&dyn Reader],
    places: &mut Vec<Place>,
) -> Result<()> {
    let (mut files, folders) = entries(folder)?;
    files.retain(|name| is_manifest(languages, name));
    if !files.is_empty() {
        places.push(Place {
            folder: name_of(root, folder),
            files,
        });
    }
    folders
        .iter()
        .try_for_each(|name| walk(root, &folder.join(name), languages, places))
}

/// Names of a folder's files and of the folders to look into, both sorted.
fn entries(folder: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        // What is no UTF-8 is neither a manifest nor a folder of ours.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
        // Not through links to folders: they lead out of the tree or to what is found anyway.
        if kind.is_dir() {
            if !is_skipped(&name) {
                folders.push(name);
            }
        } else if kind.is_file() || entry.path().is_file() {
            files.push(name);
        }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// The file that makes the folder a unit of the language, if there is one.
fn manifest_of<'a>(
    root: &Path,
    folder: &Path,
    language: &dyn Reader,
    files: &'a [String],
) -> Result<Option<&'a str>> {
    for pattern in language.manifests() {
        let mut named = files.iter().filter(|name| is_named(pattern, name));
        let Some(manifest) = named.next() else {
            continue;
        };
        if let Some(second) = named.next() {
            return Err(Error::BadFile {
                file: crate::file::relative(root, &folder.join(second)).to_owned(),
                line: None,
                why: format!("{manifest} beside it describes the same unit"),
                fix: Some(format!("keep one {pattern} in the folder")),
            });
        }
        return Ok(Some(manifest));
    }
    Ok(None)
}

/// A folder's name relative to the repository, always with `/`.
fn name_of(root: &Path, folder: &Path) -> String {
    crate::file::relative(root, folder)
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use toml::{Table, Value};

    use crate::error::Result;
    use crate::unit::{resolve, Found, Malformed, Reader, Unit};

    /// A language whose manifests are no TOML and are named by a pattern.
    struct Lines;

    impl Reader for Lines {
        fn name(&self) -> &'static str {
            "lines"
        }

        fn manifests(&self) -> &'static [&'static str] {
            &["*.lines", "Linefile"]
        }

        fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
            let pair = |line: &str| {
                let (key, value) = line.split_once(": ")?;
                Some((key.to_owned(), Value::String(value.to_owned())))
            };
            let bad = |at: usize| Malformed {
                line: Some(at + 1),
                why: "expected `key: value`".to_owned(),
            };
            text.lines()
                .enumerate()
                .map(|(at, line)| pair(line).ok_or_else(|| bad(at)))
                .collect()
        }

        fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
            Ok(Some(found.unit(self.name(), &found.required_str("name")?)))
        }
    }

    /// Units that are found in a folder with these files.
    fn found(files: &[(&str, &str)]) -> std::result::Result<Vec<Unit>, String> {
        let folder = tempfile::TempDir::new().unwrap();
        let place = folder.path().join("app");
        std::fs::create_dir(&place).unwrap();
        for (name, text) in files {
            std::fs::write(place.join(name), text).unwrap();
        }
        let mut places = Vec::new();
        super::walk(folder.path(), folder.path(), &[&Lines], &mut places)
            .and_then(|()| super::read_all(folder.path(), &places, &[&Lines]))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn manifests_are_named_by_patterns_and_parsed_by_their_language() {
        let units = found(&[("a.lines", "name: alpha\nextra: 1"), ("Linefile", "?")]).unwrap();
        assert_eq!(units.len(), 1, "the first pattern counts");
        assert_eq!(
            (units[0].name.as_str(), units[0].folder.as_str()),
            ("alpha", "app")
        );
        assert_eq!(units[0].file, "a.lines");
        assert_eq!(units[0].manifest["extra"].as_str(), Some("1"));
        assert_eq!(
            found(&[("Linefile", "name: beta")]).unwrap()[0].name,
            "beta"
        );
        assert_eq!(found(&[("x.txt", "name: beta")]).unwrap(), []);
    }

    #[test]
    fn mistakes_in_such_manifests_name_file_and_line() {
        assert_eq!(
            found(&[("a.lines", "name: a\nnonsense")]).unwrap_err(),
            "app/a.lines:2: expected `key: value`"
        );
        assert_eq!(
            found(&[("a.lines", "nom: a")]).unwrap_err(),
            "app/a.lines:1: `name` is missing"
        );
        assert_eq!(
            found(&[("a.lines", "name: a"), ("b.lines", "name: b")]).unwrap_err(),
            "app/b.lines: a.lines beside it describes the same unit"
        );
    }

    #[test]
    fn paths_of_manifests_are_relative_to_their_folder() {
        assert_eq!(
            resolve("examples/etl/app", "../../../python/pkg").as_deref(),
            Some("python/pkg")
        );
        assert_eq!(resolve("a", "./b/../c").as_deref(), Some("a/c"));
        assert_eq!(resolve("a", "../..").as_deref(), None);
        assert_eq!(resolve("a", "/usr/lib").as_deref(), None);
    }
}
