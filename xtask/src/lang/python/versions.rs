//! Versions of Python packages.

use std::ops::Range;
use std::path::{Path, PathBuf};

use semver::Version;
use toml_edit::{Item, TableLike};

use super::Python;
use crate::error::Result;
use crate::version::notation::{pre, read, KINDS};
use crate::version::range::{bounds, within};
use crate::version::sites::quoted;
use crate::version::{Locked, Manifest, Parts, Runtime, Use, Versions};

impl Versions for Python {
    fn kind(&self) -> &'static str {
        "python"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["pyproject.toml"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let document = manifest.document()?;
        let top = document.as_table();
        let Some((name, version)) = manifest.about(top, "project")? else {
            return Ok(None);
        };
        let Some(about) = top.get("project").and_then(Item::as_table_like) else {
            return Ok(None);
        };
        let runtime = about.get("requires-python").and_then(Item::as_str);
        Ok(Some(Parts {
            // An app is no package: nothing builds it.
            private: is_kept_from_upload(about) || top.get("build-system").is_none(),
            language: runtime.map(|range| Runtime {
                name: "Python".to_owned(),
                range: range.to_owned(),
            }),
            uses: uses(manifest, top, about),
            ..manifest.parts(&name, version)
        }))
    }

    fn normalized(&self, name: &str) -> String {
        name.to_lowercase().replace(['_', '.'], "-")
    }

    fn write(&self, version: &Version) -> Result<String, String> {
        let Some((kind, number)) = pre(version)? else {
            return Ok(version.to_string());
        };
        let letter = KINDS.iter().find(|(name, _)| *name == kind);
        let letter = letter.map_or(kind, |(_, letter)| letter);
        let Version {
            major,
            minor,
            patch,
            ..
        } = version;
        Ok(format!("{major}.{minor}.{patch}{letter}{number}"))
    }

    fn parse(&self, text: &str) -> Result<Version, String> {
        read(text, |_, letter| letter.to_owned())
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        Some(within(&bounds(self, range, "~=")?, version))
    }

    fn between(&self, from: &str, to: &Version) -> String {
        format!(">={from},<{to}")
    }

    fn lock(&self, _root: &Path, folder: &Path) -> Option<PathBuf> {
        Some(folder.join(super::LOCK)).filter(|lock| lock.is_file())
    }

    /// Locks of apps have no line for the app itself.
    fn locked(&self, text: &str) -> Vec<Locked> {
        text.lines()
            .filter_map(|line| {
                let (name, rest) = line.split_once("==")?;
                let version = rest.split([' ', ';', '\\']).next()?;
                (!name.starts_with([' ', '#'])).then(|| Locked {
                    name: self.normalized(name),
                    version: version.to_owned(),
                    is_ours: false,
                })
            })
            .collect()
    }

    fn generated(&self) -> Option<&'static str> {
        Some("pyproject.toml")
    }

    fn pins(&self, line: &str) -> Vec<(String, Range<usize>)> {
        quoted(line)
            .into_iter()
            .filter_map(|span| {
                let (name, range) = requirement(&line[span.clone()])?;
                let range = span.start + range.start..span.start + range.end;
                (!range.is_empty()).then(|| (name.to_owned(), range))
            })
            .collect()
    }
}

fn uses(manifest: &Manifest<'_>, top: &dyn TableLike, about: &dyn TableLike) -> Vec<Use> {
    let mut lists = vec![(about.get("dependencies"), false)];
    let inside = |item: Option<&'_ Item>| -> Vec<String> {
        item.and_then(Item::as_table_like)
            .map(|table| table.iter().map(|(key, _)| key.to_owned()).collect())
            .unwrap_or_default()
    };
    let extras = about.get("optional-dependencies");
    for key in inside(extras) {
        lists.push((extras.and_then(|item| item.get(&key)), false));
    }
    let groups = top.get("dependency-groups");
    for key in inside(groups) {
        lists.push((groups.and_then(|item| item.get(&key)), true));
    }
    let mut uses = Vec::new();
    for (list, dev) in lists {
        let items = list
            .and_then(Item::as_array)
            .into_iter()
            .flat_map(|list| list.iter());
        for span in items
            .filter(|item| item.is_str())
            .filter_map(toml_edit::Value::span)
        {
            let inner = span.start + 1..span.end - 1;
            if let Some((name, span)) = requirement(&manifest.text[inner.clone()]) {
                let span = inner.start + span.start..inner.start + span.end;
                uses.push(manifest.used(name, span, dev));
            }
        }
    }
    uses
}

/// Whether a Python project says that no index takes it.
fn is_kept_from_upload(about: &dyn TableLike) -> bool {
    let classifiers = about.get("classifiers").and_then(Item::as_array);
    classifiers.is_some_and(|list| {
        list.iter()
            .any(|item| item.as_str() == Some("Private :: Do Not Upload"))
    })
}

/// The name and the range of a requirement such as `name[extra]>=1; marker`; none if it names an address.
fn requirement(text: &str) -> Option<(&str, Range<usize>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let after_extras = text[name..].find(']').map_or(name, |at| name + at + 1);
    let end = text.find(';').unwrap_or(text.len());
    if text.contains('@') || after_extras > end {
        return None;
    }
    let spec = &text[after_extras..end];
    let start = after_extras + (spec.len() - spec.trim_start().len());
    Some((&text[..name], start..start + spec.trim().len()))
}

#[cfg(test)]
mod tests {
    use super::Python;
    use crate::version::Versions as _;

    #[test]
    fn pins_are_read_from_lines_that_are_no_manifest_yet() {
        let line = "  \"a[b]>=1,<2; c\", \"d\"";
        let pins = Python.pins(line).into_iter();
        let found: Vec<_> = pins.map(|(name, span)| (name, &line[span])).collect();
        assert_eq!(found, [("a".to_owned(), ">=1,<2")]);
    }
}
