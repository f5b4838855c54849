//! The walk that finds manifests.

use std::path::{Component, Path};

use super::Unit;
use crate::error::{Error, Result};
use crate::file::read;
use crate::lang::{is_named, Found, Language, LANGUAGES};

/// Folders that hold no units: build output, environments, dependencies, and repositories that tests run on.
const SKIPPED: [&str; 5] = ["target", "node_modules", "dist", "fixtures", "__pycache__"];

/// Inside a package: the copy of another unit's templates that it is published with.
const CARRIED: &str = "plugin";

/// Every unit below `root`, in the order of their folders.
pub fn units(root: &Path) -> Result<Vec<Unit>> {
    let mut units = Vec::new();
    walk(root, root, &LANGUAGES, &mut units)?;
    Ok(units)
}

fn walk(
    root: &Path,
    folder: &Path,
    languages: &[&dyn Language],
    units: &mut Vec<Unit>,
) -> Result<()> {
    let (files, folders) = entries(folder)?;
    let mut owns_all_below = false;
    let before = units.len();
    for language in languages {
        let Some(manifest) = manifest_of(root, folder, *language, &files)? else {
            continue;
        };
        let text = read(&folder.join(manifest))?;
        let table = language.parse(&text).map_err(|error| Error::BadFile {
            file: crate::file::relative(root, &folder.join(manifest)).to_owned(),
            line: error.line,
            why: error.why,
            fix: None,
        })?;
        let found = Found {
            root,
            folder: &name_of(root, folder),
            manifest,
            text: &text,
            table: &table,
        };
        if let Some(unit) = language.unit(&found)? {
            units.push(unit);
            owns_all_below |= language.owns_all_below();
        }
    }
    if owns_all_below {
        return Ok(());
    }
    let is_package = units.len() > before;
    folders
        .iter()
        .filter(|name| !(is_package && *name == CARRIED))
        .try_for_each(|name| walk(root, &folder.join(name), languages, units))
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
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
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
    language: &dyn Language,
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

/// The folder that a path in a manifest leads to, relative to the repository; none if it lies outside.
pub fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<String> = folder
        .split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use toml::{Table, Value};

    use super::resolve;
    use crate::error::Result;
    use crate::lang::{Found, Job, Language, Malformed, Planner};
    use crate::repo::Unit;

    /// A language whose manifests are no TOML and are named by a pattern.
    struct Lines;

    impl Language for Lines {
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
            Ok(Some(found.unit(self, &found.required_str("name")?)))
        }

        fn plan(&self, _: &mut Planner<'_>, _: &Unit, _: Job) -> Result<()> {
            Ok(())
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
        let mut units = Vec::new();
        super::walk(folder.path(), folder.path(), &[&Lines], &mut units)
            .map_err(|error| error.to_string())?;
        Ok(units)
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
