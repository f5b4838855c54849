//! Manifests: how they are named, and how their text becomes a table.

use std::path::{Component, Path};

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::file::line_of;

/// Why a manifest's text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The 1-based line, where known.
    pub line: Option<usize>,
    pub why: String,
}

/// Whether a file name is the one that a language names: literally, or with one `*` that stands for at least one character.
///
/// ```
/// use xtask::unit::is_named;
/// assert!(is_named("package.json", "package.json"));
/// assert!(is_named("*.gemspec", "tasker-contrib-rails.gemspec"));
/// assert!(!is_named("*.gemspec", ".gemspec"));
/// ```
pub fn is_named(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, end)) => {
            name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

pub fn parse_toml(text: &str) -> Result<Table, Malformed> {
    text.parse::<Table>().map_err(|error| Malformed {
        line: error.span().map(|span| line_of(text, span.start)),
        why: error.message().to_owned(),
    })
}

/// What begins a comment with settings for xtask.
const COMMENT: &str = "# xtask:";

/// Reads the comments for xtask of a file that has no place for settings of others, each with TOML: `# xtask: name = "shop"`.
pub fn parse_comments(text: &str) -> Result<Table, Malformed> {
    let mut table = Table::new();
    for (index, line) in text.lines().enumerate() {
        let Some(settings) = line.trim().strip_prefix(COMMENT) else {
            continue;
        };
        let settings: Table = settings
            .parse()
            .map_err(|error: toml::de::Error| Malformed {
                line: Some(index + 1),
                why: error.message().to_owned(),
            })?;
        table.extend(settings);
    }
    Ok(table)
}

/// Reads a JSON object, such as `package.json`, as a table, so that [`lookup`] finds things in it. TOML has no
/// null: keys that are null are left out.
pub fn parse_json(text: &str) -> Result<Table, Malformed> {
    let object: serde_json::Map<String, Json> =
        serde_json::from_str(text).map_err(|error| Malformed {
            line: Some(error.line()),
            why: error.to_string(),
        })?;
    Ok(table(object))
}

fn table(object: serde_json::Map<String, Json>) -> Table {
    object
        .into_iter()
        .filter_map(|(key, json)| Some((key, value(json)?)))
        .collect()
}

fn value(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::String(text),
        Json::Array(items) => Value::Array(items.into_iter().filter_map(value).collect()),
        Json::Object(object) => Value::Table(table(object)),
    })
}

/// The value at a dotted path of a manifest.
pub fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (folder, key) = path
        .rsplit_once('.')
        .map_or((None, path), |(folder, key)| (Some(folder), key));
    let mut table = table;
    for name in folder.into_iter().flat_map(|folder| folder.split('.')) {
        table = table.get(name)?.as_table()?;
    }
    table.get(key)
}

/// The text at a dotted path; none if it is not there.
pub fn text_at(table: &Table, path: &str) -> Option<String> {
    lookup(table, path)?.as_str().map(str::to_owned)
}

/// The words in the list at a dotted path; none if it is not there.
pub fn words<'a>(table: &'a Table, path: &str) -> Vec<&'a str> {
    lookup(table, path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

pub(super) fn first(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
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

/// The folders above a path, nearest first; the last one is the repository itself, which is the empty path.
pub fn above(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        rest = rest.rsplit_once('/').map_or("", |(folder, _)| folder);
        Some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_something() {
        assert!(is_named("*.gemspec", "a.gemspec") && is_named("a*c", "abc"));
        assert!(!is_named("*.gemspec", "a.gemspec.bak") && !is_named("aba*aba", "ababa"));
        assert!(!is_named("Gemfile", "Gemfile.lock"));
    }

    #[test]
    fn json_becomes_a_table_without_its_nulls() {
        let table = parse_json(
            r#"{"name": "a", "x": {"n": 1, "f": 1.5, "none": null}, "l": [1, null, "b"]}"#,
        )
        .unwrap();
        assert_eq!(
            lookup(&table, "x").unwrap().to_string(),
            "{ f = 1.5, n = 1 }"
        );
        assert_eq!(lookup(&table, "l").unwrap().to_string(), r#"[1, "b"]"#);
    }

    #[test]
    fn what_is_no_object_is_malformed_with_its_line() {
        assert_eq!(parse_json("{\n\"a\": }").unwrap_err().line, Some(2));
        assert!(parse_json("[]").is_err());
    }

    #[test]
    fn settings_can_be_comments() {
        let text = "# xtask: name = \"a\"\n# xtask: inputs = [\"b\"]\nterraform {\n}\n";
        let table = parse_comments(text).unwrap();
        assert_eq!(text_at(&table, "name").as_deref(), Some("a"));
        assert!(table["inputs"].is_array());
        assert!(parse_comments("terraform {\n}\n").unwrap().is_empty());
    }

    #[test]
    fn a_malformed_comment_is_named_by_its_line() {
        let malformed = parse_comments("terraform {\n}\n# xtask: name = a\n").unwrap_err();
        assert_eq!(malformed.line, Some(3));
    }
}
