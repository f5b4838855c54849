//! Reading files with errors that name the file and the line.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Reads a text file.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io("read", path))
}

/// Reads a TOML file of a known shape; `root` shortens the name in error messages.
pub fn read_toml<T: DeserializeOwned>(root: &Path, path: &Path) -> Result<T> {
    let text = read(path)?;
    toml::from_str(&text).map_err(|error| Error::BadFile {
        file: relative(root, path).to_owned(),
        line: error.span().map(|span| line_of(&text, span.start)),
        why: error.message().to_owned(),
        fix: None,
    })
}

/// `path` without the leading `root`, for messages.
pub fn relative<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

/// The 1-based line of a byte offset.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

/// The 1-based line on which `needle` first appears; to point at a key after parsing.
pub fn line_with(text: &str, needle: &str) -> Option<usize> {
    text.find(needle).map(|offset| line_of(text, offset))
}
