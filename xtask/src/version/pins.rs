//! Versions that a plugin's templates, and the projects that prove them, pin: what users get to see of our packages.
//!
//! A template is no valid manifest before it is filled in, and a snapshot holds many files, so these are read by line.

use std::path::{Path, PathBuf};

use super::package::{Ecosystem, Site, Use};
use super::sites::lines;
use crate::error::{Error, Result};
use crate::file::relative;

/// Every pin below the folder of a plugin's manifest.
pub fn of_plugin(root: &Path, manifest: &Path, ecosystems: &[Ecosystem]) -> Result<Vec<Use>> {
    let mut files = Vec::new();
    let folder = root.join(manifest.parent().unwrap_or(Path::new("")));
    for part in ["templates", "tests"] {
        collect(&folder.join(part), ecosystems, &mut files)?;
    }
    files.sort();
    let mut uses = Vec::new();
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str());
        let mut inside = name.and_then(|name| owner(ecosystems, name));
        let text = crate::file::read(&path)?;
        let file = relative(root, &path).to_owned();
        for (start, line) in lines(&text) {
            if let Some(generated) = line.strip_prefix(SNAPSHOT_FILE) {
                inside = generated
                    .rsplit('/')
                    .next()
                    .and_then(|name| owner(ecosystems, name));
            }
            let Some(ecosystem) = inside else { continue };
            for (name, span) in ecosystem.pins(line) {
                uses.push(Use {
                    ecosystem,
                    name,
                    range: Some(line[span.clone()].replace(['"', '\''], "")),
                    at: Some(Site {
                        file: file.clone(),
                        span: start + span.start..start + span.end,
                    }),
                    // Nothing that the plugin itself needs.
                    dev: true,
                });
            }
        }
    }
    Ok(uses)
}

/// Whose manifest a file is, or becomes when its template is filled in.
fn owner(ecosystems: &[Ecosystem], name: &str) -> Option<Ecosystem> {
    let name = name.strip_suffix(".tera").unwrap_or(name);
    let mut all = ecosystems.iter().copied();
    all.find(|ecosystem| ecosystem.generated() == Some(name))
}

/// The beginning of the line above each file in a snapshot.
const SNAPSHOT_FILE: &str = "=== ";

/// Manifests, and snapshots that may hold some.
fn collect(folder: &Path, ecosystems: &[Ecosystem], files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() && !["node_modules", "target", ".venv"].contains(&name.as_str()) {
            collect(&entry.path(), ecosystems, files)?;
        } else if kind.is_file()
            && (owner(ecosystems, &name).is_some() || is_snapshot(&entry.path()))
        {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Whether a file holds what a template is expected to make.
pub fn is_snapshot(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "txt")
        && path
            .parent()
            .is_some_and(|folder| folder.ends_with("tests/snapshots"))
}
