//! Reads each ecosystem's manifest: name, version, dependencies, and where they stand.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike};

use super::sites::{json, lines, quoted};
use super::{notation, pins, Ecosystem, Package, Runtime, Site, Use};
use crate::error::{Error, Result};
use crate::file::{line_of, relative};

/// A package if the file is a manifest of one.
pub fn read(root: &Path, path: &Path) -> Result<Option<Package>> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    let ecosystem = match name {
        "Cargo.toml" => Ecosystem::Crate,
        "pyproject.toml" => Ecosystem::Python,
        "package.json" => Ecosystem::Npm,
        "Chart.yaml" => Ecosystem::Chart,
        "tasker-plugin.toml" => Ecosystem::Plugin,
        _ if name.ends_with(".gemspec") => Ecosystem::Gem,
        _ => return Ok(None),
    };
    let text = crate::file::read(path)?;
    let reader = Reader {
        root,
        file: relative(root, path).to_owned(),
        text: &text,
        ecosystem,
    };
    let read = match ecosystem {
        Ecosystem::Crate | Ecosystem::Python | Ecosystem::Plugin => reader.toml()?,
        Ecosystem::Npm => reader.json()?,
        Ecosystem::Chart => reader.chart(),
        Ecosystem::Gem => return reader.gem(),
    };
    let Some(parts) = read else {
        return Ok(None);
    };
    let at = Site {
        file: reader.file.clone(),
        span: parts.version.clone(),
    };
    reader.package(parts, at, &text).map(Some)
}

/// A Python name, as its registry compares it.
pub fn normalized(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

/// What a manifest says.
struct Parts {
    name: String,
    version: Range<usize>,
    uses: Vec<Use>,
    private: bool,
    language: Option<Runtime>,
}

struct Reader<'a> {
    root: &'a Path,
    file: PathBuf,
    text: &'a str,
    ecosystem: Ecosystem,
}

impl Reader<'_> {
    /// The package; `text` is that of the file in which its version stands.
    fn package(&self, parts: Parts, at: Site, text: &str) -> Result<Package> {
        let version = notation::read(self.ecosystem, &text[at.span.clone()]).map_err(|why| {
            Error::BadFile {
                file: at.file.clone(),
                line: Some(line_of(text, at.span.start)),
                why,
                fix: None,
            }
        })?;
        let folder = self
            .file
            .parent()
            .unwrap_or(Path::new(""))
            .display()
            .to_string();
        Ok(Package {
            name: parts.name,
            // Examples are read and run, never installed.
            private: parts.private || folder.starts_with("examples/"),
            folder,
            ecosystem: self.ecosystem,
            version,
            at,
            uses: parts.uses,
            language: parts.language,
        })
    }

    fn bad(&self, line: Option<usize>, why: impl Into<String>) -> Error {
        Error::BadFile {
            file: self.file.clone(),
            line,
            why: why.into(),
            fix: None,
        }
    }

    fn site(&self, span: Range<usize>) -> Site {
        Site {
            file: self.file.clone(),
            span,
        }
    }

    fn used(&self, name: &str, span: Range<usize>, dev: bool) -> Use {
        let range = Some(self.text[span.clone()].to_owned());
        Use {
            ecosystem: self.ecosystem,
            name: name.to_owned(),
            range,
            at: Some(self.site(span)),
            dev,
        }
    }

    fn toml(&self) -> Result<Option<Parts>> {
        let document = Document::parse(self.text).map_err(|error| {
            self.bad(
                error.span().map(|span| line_of(self.text, span.start)),
                error.message(),
            )
        })?;
        let top = document.as_table();
        let key = match self.ecosystem {
            Ecosystem::Crate => "package",
            Ecosystem::Python => "project",
            _ => "plugin",
        };
        let Some(about) = top.get(key).and_then(Item::as_table_like) else {
            return Ok(None);
        };
        let Some(name) = about.get("name").and_then(Item::as_str) else {
            return Err(self.bad(None, format!("`{key}.name` is missing")));
        };
        // A version that comes from elsewhere (a workspace, a build tool) is nobody's to raise here.
        let Some(span) = about.get("version").and_then(string) else {
            return Ok(None);
        };
        let language = |name: &str, key: &str| {
            let range = about.get(key).and_then(Item::as_str)?.to_owned();
            Some(Runtime {
                name: name.to_owned(),
                range,
            })
        };
        let (uses, private, language) = match self.ecosystem {
            Ecosystem::Crate => {
                let publish = about.get("publish");
                let private = publish.and_then(Item::as_bool) == Some(false);
                let language = language("Rust", "rust-version").map(|runtime| Runtime {
                    range: format!(">={}", runtime.range),
                    ..runtime
                });
                (self.crate_uses(top), private, language)
            }
            Ecosystem::Python => (
                self.python_uses(top, about),
                // An app is no package: nothing builds it.
                is_kept_from_upload(about) || top.get("build-system").is_none(),
                language("Python", "requires-python"),
            ),
            _ => (pins::of_plugin(self.root, &self.file)?, false, None),
        };
        Ok(Some(Parts {
            name: name.to_owned(),
            version: span,
            uses,
            private,
            language,
        }))
    }

    fn crate_uses(&self, top: &dyn TableLike) -> Vec<Use> {
        let mut uses = Vec::new();
        for (table, dev) in [
            ("dependencies", false),
            ("build-dependencies", false),
            ("dev-dependencies", true),
        ] {
            let Some(table) = top.get(table).and_then(Item::as_table_like) else {
                continue;
            };
            for (key, item) in table.iter() {
                if let Some(span) = string(item) {
                    uses.push(self.used(key, span, dev));
                } else if let Some(entry) = item.as_table_like() {
                    let name = entry.get("package").and_then(Item::as_str).unwrap_or(key);
                    match entry.get("version").and_then(string) {
                        Some(span) => uses.push(self.used(name, span, dev)),
                        None => uses.push(Use {
                            ecosystem: self.ecosystem,
                            name: name.to_owned(),
                            range: None,
                            at: None,
                            dev,
                        }),
                    }
                }
            }
        }
        uses
    }

    fn python_uses(&self, top: &dyn TableLike, about: &dyn TableLike) -> Vec<Use> {
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
                if let Some((name, span)) = requirement(&self.text[inner.clone()]) {
                    let span = inner.start + span.start..inner.start + span.end;
                    uses.push(self.used(name, span, dev));
                }
            }
        }
        uses
    }

    fn json(&self) -> Result<Option<Parts>> {
        let value: serde_json::Value = serde_json::from_str(self.text)
            .map_err(|error| self.bad(Some(error.line()), error.to_string()))?;
        let Some(name) = value["name"].as_str() else {
            return Ok(None);
        };
        let sites = json(self.text);
        let Some((_, span)) = sites.iter().find(|(path, _)| *path == ["version"]) else {
            return Ok(None);
        };
        let kinds = [
            "dependencies",
            "peerDependencies",
            "optionalDependencies",
            "devDependencies",
        ];
        let uses = sites
            .iter()
            .filter(|(path, _)| path.len() == 2 && kinds.contains(&path[0].as_str()))
            .filter(|(_, span)| !self.text[span.clone()].contains(':'))
            .map(|(path, span)| self.used(&path[1], span.clone(), path[0] == "devDependencies"))
            .collect();
        let language = value["engines"].as_object().and_then(|engines| {
            let (name, range) = engines.iter().next()?;
            Some(Runtime {
                name: if name == "node" { "Node" } else { "Bun" }.to_owned(),
                range: range.as_str()?.to_owned(),
            })
        });
        Ok(Some(Parts {
            name: name.to_owned(),
            version: span.clone(),
            uses,
            private: value["private"] == true,
            language,
        }))
    }

    fn chart(&self) -> Option<Parts> {
        let (mut name, mut version, mut uses) = (None, None, Vec::new());
        let (mut in_dependencies, mut dependency) = (false, String::new());
        for (start, line) in lines(self.text) {
            let trimmed = line.trim_start().trim_start_matches("- ").trim_start();
            let Some((key, raw)) = trimmed.split_once(':') else {
                continue;
            };
            let raw = raw.split(" #").next().unwrap_or("").trim();
            let value = raw.trim_matches(['"', '\'']);
            let at = start + line.len() - trimmed.len() + key.len();
            let place = self.text[at..].find(value).map_or(at, |offset| at + offset);
            let span = place..place + value.len();
            if !line.starts_with([' ', '-']) {
                in_dependencies = key == "dependencies";
                match key {
                    "name" => name = Some(value.to_owned()),
                    "version" => version = Some(span),
                    _ => {}
                }
            } else if in_dependencies {
                match key {
                    "name" => value.clone_into(&mut dependency),
                    "version" => uses.push(self.used(&dependency, span, false)),
                    _ => {}
                }
            }
        }
        Some(Parts {
            name: name?,
            version: version?,
            uses,
            private: false,
            language: None,
        })
    }

    fn gem(&self) -> Result<Option<Package>> {
        let (mut name, mut language) = (None, None);
        let mut uses = Vec::new();
        for (start, line) in lines(self.text) {
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
                let at = spans
                    .get(1)
                    .zip(spans.last())
                    .map(|(first, last)| self.site(start + first.start - 1..start + last.end + 1));
                let range = at.is_some().then(|| ranges.join(", "));
                uses.push(Use {
                    ecosystem: self.ecosystem,
                    name: line[gem.clone()].to_owned(),
                    range,
                    at,
                    dev,
                });
            }
        }
        let name = name.ok_or_else(|| self.bad(Some(1), "no line `spec.name = \"…\"`"))?;
        let (at, text) = self.gem_version()?;
        let parts = Parts {
            name,
            version: at.span.clone(),
            uses,
            private: false,
            language,
        };
        self.package(parts, at, &text).map(Some)
    }

    /// Where a gem's version is, and the text of that file.
    fn gem_version(&self) -> Result<(Site, String)> {
        let folder = self.root.join(self.file.parent().unwrap_or(Path::new("")));
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
                    file: relative(self.root, &path).to_owned(),
                    span: start + span.start..start + span.end,
                };
                return Ok((at, text));
            }
        }
        Err(self.bad(None, "no lib/**/version.rb with a line `VERSION = \"…\"`"))
    }
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
pub fn requirement(text: &str) -> Option<(&str, Range<usize>)> {
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

/// The span of a plain string, without quotes.
fn string(item: &Item) -> Option<Range<usize>> {
    item.as_str()?;
    let span = item.span()?;
    Some(span.start + 1..span.end - 1)
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
