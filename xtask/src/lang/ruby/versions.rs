//! Versions of gems.

use std::ops::Range;
use std::path::{Path, PathBuf};

use semver::Version;

use super::Ruby;
use crate::error::Result;
use crate::file::relative;
use crate::version::notation::{pre, read};
use crate::version::range::{bounds, within};
use crate::version::sites::{lines, quoted};
use crate::version::{Locked, Manifest, Parts, Runtime, Site, Use, Versions};

impl Versions for Ruby {
    fn kind(&self) -> &'static str {
        "gem"
    }

    fn language(&self) -> &'static str {
        "ruby"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["*.gemspec"]
    }

    fn other_files(&self) -> &'static [&'static str] {
        &["version.rb", "Gemfile"]
    }

    fn read(&self, manifest: &Manifest<'_>) -> Result<Option<Parts>> {
        let (mut name, mut language) = (None, None);
        let mut uses = Vec::new();
        for (start, line) in lines(manifest.text) {
            if line.trim_start().starts_with('#') {
                continue;
            }
            let spans = quoted(line);
            if line.contains(".name =") {
                name = spans.first().map(|span| line[span.clone()].to_owned());
            }
            if line.contains("required_ruby_version") {
                let ranges: Vec<&str> = spans.iter().map(|span| &line[span.clone()]).collect();
                language = Some(Runtime {
                    name: "Ruby".to_owned(),
                    range: ranges.join(", "),
                });
            }
            if let (true, Some(gem)) = (line.contains("_dependency"), spans.first()) {
                let dev = line.contains("development");
                let ranges: Vec<&str> = spans[1..].iter().map(|span| &line[span.clone()]).collect();
                let at = spans.get(1).zip(spans.last()).map(|(first, last)| {
                    manifest.site(start + first.start - 1..start + last.end + 1)
                });
                let range = at.is_some().then(|| ranges.join(", "));
                uses.push(Use {
                    ecosystem: manifest.ecosystem,
                    name: line[gem.clone()].to_owned(),
                    range,
                    at,
                    dev,
                });
            }
        }
        let name = name.ok_or_else(|| manifest.bad(Some(1), "no line `spec.name = \"…\"`"))?;
        let (at, written) = version_of(manifest)?;
        Ok(Some(Parts {
            name,
            at,
            written,
            uses,
            private: false,
            language,
        }))
    }

    fn write(&self, version: &Version) -> Result<String, String> {
        let Some((kind, number)) = pre(version)? else {
            return Ok(version.to_string());
        };
        let Version {
            major,
            minor,
            patch,
            ..
        } = version;
        Ok(format!("{major}.{minor}.{patch}.{kind}.{number}"))
    }

    fn parse(&self, text: &str) -> Result<Version, String> {
        read(text, |kind, _| format!(".{kind}."))
    }

    fn admits(&self, range: &str, version: &Version) -> Option<bool> {
        Some(within(&bounds(self, range, "~>")?, version))
    }

    fn between(&self, from: &str, to: &Version) -> String {
        format!(">= {from}, < {to}")
    }

    fn after_operator(&self) -> &'static str {
        " "
    }

    fn quoted(&self, range: &str) -> String {
        let parts = range.split(", ").map(|part| format!("\"{part}\""));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn lock(&self, _root: &Path, folder: &Path) -> Option<PathBuf> {
        Some(folder.join("Gemfile.lock")).filter(|lock| lock.is_file())
    }

    fn locked(&self, text: &str) -> Vec<Locked> {
        bundler(text)
    }

    fn lock_fix(&self) -> &'static str {
        "bundle lock --local"
    }

    fn lock_commands(&self) -> &'static [&'static str] {
        &["bundle lock --local"]
    }

    fn generated(&self) -> Option<&'static str> {
        Some("Gemfile")
    }

    fn pins(&self, line: &str) -> Vec<(String, Range<usize>)> {
        let spans = quoted(line);
        match (spans.first(), spans.get(1), spans.last()) {
            (Some(name), Some(from), Some(to)) if line.trim_start().starts_with("gem ") => {
                vec![(line[name.clone()].to_owned(), from.start - 1..to.end + 1)]
            }
            _ => Vec::new(),
        }
    }
}

/// Where a gem's version is, and the version.
fn version_of(manifest: &Manifest<'_>) -> Result<(Site, String)> {
    let folder = manifest
        .root
        .join(manifest.file.parent().unwrap_or(Path::new("")));
    let mut files = Vec::new();
    version_files(&folder.join("lib"), &mut files);
    files.sort();
    for path in files {
        let text = crate::file::read(&path)?;
        let line = lines(&text).find(|(_, line)| line.trim_start().starts_with("VERSION ="));
        if let Some((start, span)) =
            line.and_then(|(start, line)| Some((start, quoted(line).first()?.clone())))
        {
            let at = Site {
                file: relative(manifest.root, &path).to_owned(),
                span: start + span.start..start + span.end,
            };
            let written = text[at.span.clone()].to_owned();
            return Ok((at, written));
        }
    }
    Err(manifest.bad(None, "no lib/**/version.rb with a line `VERSION = \"…\"`"))
}

fn version_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            version_files(&path, found);
        } else if path.ends_with("version.rb") {
            found.push(path);
        }
    }
}

/// `    name (version)` below `PATH` is ours, below `GEM` it is a registry's.
fn bundler(text: &str) -> Vec<Locked> {
    let mut found = Vec::new();
    let mut is_ours = false;
    for line in text.lines() {
        if !line.starts_with(' ') && !line.is_empty() {
            is_ours = line == "PATH";
        }
        let entry = line
            .strip_prefix("    ")
            .filter(|rest| !rest.starts_with(' '));
        if let Some((name, version)) =
            entry.and_then(|entry| entry.strip_suffix(')')?.split_once(" ("))
        {
            found.push(Locked {
                name: name.to_owned(),
                version: version.to_owned(),
                is_ours,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Ruby;
    use crate::version::Versions as _;

    #[test]
    fn pins_are_read_from_lines_that_are_no_manifest_yet() {
        let line = "gem \"a\", \"~> 1.0\", \">= 1.0.2\"";
        let pins = Ruby.pins(line).into_iter();
        let found: Vec<_> = pins.map(|(name, span)| (name, &line[span])).collect();
        assert_eq!(found, [("a".to_owned(), "\"~> 1.0\", \">= 1.0.2\"")]);
    }
}
