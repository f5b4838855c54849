//! Versions that a plugin's templates, and the projects that prove them, pin: what users get to see of our packages.
//!
//! A template is no valid manifest before it is filled in, and a snapshot holds many files, so these are read by line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::manifest::requirement;
use super::sites::{lines, quoted};
use super::{Ecosystem, Site, Use};
use crate::error::{Error, Result};
use crate::file::relative;

/// Every pin below the folder of a plugin's manifest.
///
/// # Errors
/// If a file cannot be read.
pub fn of_plugin(root: &Path, manifest: &Path) -> Result<Vec<Use>> {
    let mut files = Vec::new();
    let folder = root.join(manifest.parent().unwrap_or(Path::new("")));
    for part in ["templates", "tests"] {
        collect(&folder.join(part), &mut files)?;
    }
    files.sort();
    let mut uses = Vec::new();
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str());
        let mut inside = name.and_then(ecosystem);
        let text = crate::file::read(&path)?;
        let file = relative(root, &path).to_owned();
        for (start, line) in lines(&text) {
            if let Some(generated) = line.strip_prefix(SNAPSHOT_FILE) {
                inside = generated.rsplit('/').next().and_then(ecosystem);
            }
            let Some(ecosystem) = inside else { continue };
            for (name, span) in pins(ecosystem, line) {
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
fn ecosystem(name: &str) -> Option<Ecosystem> {
    match name.strip_suffix(".tera").unwrap_or(name) {
        "Cargo.toml" => Some(Ecosystem::Crate),
        "pyproject.toml" => Some(Ecosystem::Python),
        "package.json" => Some(Ecosystem::Npm),
        "Gemfile" => Some(Ecosystem::Gem),
        _ => None,
    }
}

/// The beginning of the line above each file in a snapshot.
const SNAPSHOT_FILE: &str = "=== ";

/// Manifests, and snapshots that may hold some.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() && !["node_modules", "target", ".venv"].contains(&name.as_str()) {
            collect(&entry.path(), files)?;
        } else if kind.is_file() && (ecosystem(&name).is_some() || is_snapshot(&entry.path())) {
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

/// Names with the spans of their ranges in one line; for gems with the quotes.
fn pins(ecosystem: Ecosystem, line: &str) -> Vec<(String, Range<usize>)> {
    let spans = quoted(line);
    let first = spans.first().map(|span| line[span.clone()].to_owned());
    match ecosystem {
        Ecosystem::Crate => {
            let Some((key, rest)) = line.split_once('=') else {
                return Vec::new();
            };
            let from = line.len() - rest.len();
            // The first string behind the key, or behind `version =` inside of braces.
            let from = match (rest.trim_start().starts_with('{'), line.find("version =")) {
                (true, Some(at)) => at,
                (true, None) => return Vec::new(),
                (false, _) => from,
            };
            let range = spans.into_iter().find(|span| span.start > from);
            range
                .map(|span| (key.trim().to_owned(), span))
                .into_iter()
                .collect()
        }
        Ecosystem::Npm => match (first, spans.get(1)) {
            (Some(name), Some(span)) => vec![(name, span.clone())],
            _ => Vec::new(),
        },
        Ecosystem::Gem => match (first, spans.get(1), spans.last()) {
            (Some(name), Some(from), Some(to)) if line.trim_start().starts_with("gem ") => {
                vec![(name, from.start - 1..to.end + 1)]
            }
            _ => Vec::new(),
        },
        _ => spans
            .into_iter()
            .filter_map(|span| {
                let (name, range) = requirement(&line[span.clone()])?;
                let range = span.start + range.start..span.start + range.end;
                (!range.is_empty()).then(|| (name.to_owned(), range))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{pins, Ecosystem};

    #[test]
    fn pins_are_read_from_lines_that_are_no_manifest_yet() {
        let found = |ecosystem, line: &str| -> Vec<(String, String)> {
            let pins = pins(ecosystem, line).into_iter();
            pins.map(|(name, span)| (name, line[span].to_owned()))
                .collect()
        };
        let one = |name: &str, range: &str| vec![(name.to_owned(), range.to_owned())];
        assert_eq!(
            found(Ecosystem::Crate, "a-b = \"0.1\" # x"),
            one("a-b", "0.1")
        );
        assert_eq!(
            found(Ecosystem::Crate, "a = { path = \"x\", version = \"0.1\" }"),
            one("a", "0.1")
        );
        assert_eq!(found(Ecosystem::Crate, "a = { path = \"x\" }"), []);
        assert_eq!(
            found(Ecosystem::Npm, "  \"@a/b\": \"^1.0.0\","),
            one("@a/b", "^1.0.0")
        );
        assert_eq!(
            found(Ecosystem::Gem, "gem \"a\", \"~> 1.0\", \">= 1.0.2\""),
            one("a", "\"~> 1.0\", \">= 1.0.2\"")
        );
        assert_eq!(
            found(Ecosystem::Python, "  \"a[b]>=1,<2; c\", \"d\""),
            one("a", ">=1,<2")
        );
    }
}
