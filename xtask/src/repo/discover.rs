//! The walk that finds manifests.

use std::path::{Component, Path, PathBuf};

use toml::Table;

use super::Unit;
use crate::error::{Error, Result};
use crate::file::{line_of, read};
use crate::lang::{Found, LANGUAGES};

/// Folders that hold no units: build output, environments, dependencies, and repositories that tests run on.
const SKIPPED: [&str; 5] = ["target", "node_modules", "dist", "fixtures", "__pycache__"];

/// Every unit below `root`, in the order of their folders.
pub fn units(root: &Path) -> Result<Vec<Unit>> {
    let mut units = Vec::new();
    walk(root, root, &mut units)?;
    Ok(units)
}

fn walk(root: &Path, folder: &Path, units: &mut Vec<Unit>) -> Result<()> {
    let mut owns_all_below = false;
    for language in LANGUAGES {
        let manifest = folder.join(language.manifest());
        if !manifest.is_file() {
            continue;
        }
        let text = read(&manifest)?;
        let table = parse(root, &manifest, &text)?;
        let found = Found {
            root,
            folder: &name_of(root, folder),
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
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(Error::io("read", folder))?
        .filter_map(std::result::Result::ok)
        // Not through links: they lead out of the tree or to what is found anyway.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.') && !SKIPPED.contains(&name.as_ref())
        })
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
        .iter()
        .try_for_each(|folder| walk(root, folder, units))
}

fn parse(root: &Path, manifest: &Path, text: &str) -> Result<Table> {
    text.parse::<Table>().map_err(|error| Error::BadFile {
        file: crate::file::relative(root, manifest).to_owned(),
        line: error.span().map(|span| line_of(text, span.start)),
        why: error.message().to_owned(),
        fix: None,
    })
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
    use super::resolve;

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
