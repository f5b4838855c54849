//! Files: read with errors that name the file and the line, written so that nobody sees half of one.

use std::io::Write as _;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Reads a text file.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io("read", path))
}

/// Writes through a scratch file, making the folders above.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut scratch = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(Error::io("write", path))?;
    scratch
        .write_all(contents.as_ref())
        .map_err(Error::io("write", path))?;
    scratch
        .persist(path)
        .map(drop)
        .map_err(|error| Error::io("write", path)(error.error))
}

/// Removes a file or a folder if it is there; of a link only the link.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    };
    removed.map_err(Error::io("remove", path))
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
