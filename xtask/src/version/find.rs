//! Finds packages by their manifests.

use std::path::Path;

use super::package::{Ecosystem, Manifest, Package};
use crate::error::{Error, Result};
use crate::file::{line_of, relative};
use crate::layout::holds_no_packages;
use crate::unit::is_named;

/// Every package of a repository, in the order of their folders. What git ignores is none: builds leave copies of manifests.
pub fn packages(root: &Path, ecosystems: &[Ecosystem]) -> Result<Vec<Package>> {
    let walk = ignore::WalkBuilder::new(root)
        .require_git(false)
        .sort_by_file_path(|one, other| {
            // A folder's files come before its folders.
            (one.is_dir(), one).cmp(&(other.is_dir(), other))
        })
        .filter_entry(|entry| {
            let name = entry.file_name().to_str().unwrap_or("");
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            // What a plugin generates and what its tests need is no package.
            let in_plugin = || {
                let parent = entry.path().parent();
                parent.is_some_and(|parent| parent.join("tasker-plugin.toml").is_file())
            };
            !is_folder
                || entry.depth() == 0
                || !(holds_no_packages(name) || name == "templates" || in_plugin())
        })
        .build();
    let mut found = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| {
            let why = std::io::Error::other(error.to_string());
            Error::io("read the folders of", root)(why)
        })?;
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            found.extend(read(root, entry.path(), ecosystems)?);
        }
    }
    Ok(found)
}

/// A package if the file is a manifest of one.
fn read(root: &Path, path: &Path, ecosystems: &[Ecosystem]) -> Result<Option<Package>> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    let is_manifest = |ecosystem: &&Ecosystem| {
        let mut patterns = ecosystem.manifests().iter();
        patterns.any(|pattern| is_named(pattern, name))
    };
    let Some(ecosystem) = ecosystems.iter().find(is_manifest).copied() else {
        return Ok(None);
    };
    let manifest = Manifest {
        root,
        file: relative(root, path).to_owned(),
        text: &crate::file::read(path)?,
        ecosystem,
        ecosystems,
    };
    let Some(parts) = ecosystem.read(&manifest)? else {
        return Ok(None);
    };
    let folder = manifest.file.parent().unwrap_or(Path::new(""));
    let folder = folder.display().to_string();
    // Examples are read and run, never installed.
    let private = parts.private || folder.starts_with("examples/");
    let version = ecosystem.parse(&parts.written);
    // A placeholder such as `0.0.0-development`: nobody publishes it.
    if private && version.is_err() {
        return Ok(None);
    }
    let version = version.map_err(|why| {
        let text = std::fs::read_to_string(root.join(&parts.at.file)).unwrap_or_default();
        Error::BadFile {
            line: Some(line_of(&text, parts.at.span.start)),
            file: parts.at.file.clone(),
            why,
            fix: None,
        }
    })?;
    Ok(Some(Package {
        name: parts.name,
        private,
        folder,
        ecosystem,
        version,
        at: parts.at,
        uses: parts.uses,
        language: parts.language,
    }))
}
