//! What a clone's configuration says about its files, read without a process.

use std::path::{Path, PathBuf};

use super::index::Entry;

/// How the work tree's files relate to what git stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether ids are SHA-1.
    pub is_sha1: bool,
    /// Whether the file system's permissions count.
    pub modes: bool,
    /// Whether git may store something else than the file has: other ends of lines, large files elsewhere.
    pub filters: bool,
}

impl Settings {
    pub fn of(git: &Path, entries: &[Entry]) -> Self {
        let common = super::common_folder(git);
        let own = [common.join("config"), git.join("config.worktree")];
        let own: Vec<Line> = own.iter().flat_map(|file| lines(file)).collect();
        let users: Vec<Line> = users_files().iter().flat_map(|file| lines(file)).collect();
        let last = |key: &str| {
            own.iter()
                .rev()
                .find(|line| line.0 == key)
                .map(|line| line.1.as_str())
        };
        let all = || users.iter().chain(&own);
        let has_attributes = common.join("info/attributes").is_file()
            || entries
                .iter()
                .any(|entry| entry.path.ends_with(b".gitattributes"));
        let converts = |line: &Line| {
            (line.0 == "core.autocrlf" && line.1 != "false") || line.0 == "core.attributesfile"
        };
        Self {
            is_sha1: !all().any(|line| line.0 == "extensions.objectformat"),
            modes: last("core.filemode") != Some("false"),
            filters: has_attributes || all().any(converts),
        }
    }
}

/// A key in small letters, and its value.
type Line = (String, String);

fn users_files() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let xdg = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let xdg = xdg.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let mut files = vec![PathBuf::from("/etc/gitconfig")];
    match std::env::var_os("GIT_CONFIG_GLOBAL") {
        Some(file) => files.push(file.into()),
        None => {
            files.extend(xdg.map(|folder| folder.join("git/config")));
            files.extend(home.map(|home| home.join(".gitconfig")));
        }
    }
    files
}

/// The keys of one file; sections with a name in quotes keep it.
fn lines(file: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix('[') {
            section = rest
                .split(']')
                .next()
                .unwrap_or_default()
                .trim()
                .to_lowercase();
        } else if !line.is_empty() && !line.starts_with(['#', ';']) {
            // A key alone is true.
            let (key, value) = line.split_once('=').unwrap_or((line, "true"));
            let value = value.split(['#', ';']).next().unwrap_or_default();
            let value = value.trim().trim_matches('"').to_lowercase();
            found.push((format!("{section}.{}", key.trim().to_lowercase()), value));
        }
    }
    found
}
