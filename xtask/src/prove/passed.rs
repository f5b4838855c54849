//! Plugins that passed when everything they depend on was as it is now are not proven again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use crate::plugin::Plugin;
use crate::repo::Repo;
use crate::tools::{Tools, TABLE};

/// Where successes are noted, relative to the repository.
const FOLDER: &str = "target/xtask/templates-passed";
/// What tools leave behind, which is no source.
const LEFT_BEHIND: [&str; 5] = ["target", "node_modules", "dist", "__pycache__", "coverage"];

/// A digest of everything that a plugin's result depends on: its own files, those of the units that its checks use, the repository's files
/// that its project gets, the table of tools, the machine's tools of its language, where Tasker Core comes from (`core`), and xtask itself.
pub fn key(
    repo: &Repo,
    tools: &Tools,
    core: &str,
    plugin: &Plugin,
    units: &[String],
    copies: &[String],
) -> String {
    let mut sum = Sha256::new();
    sum.update(core);
    let templates: Vec<&str> = plugin
        .templates
        .iter()
        .map(|(_, template)| template.name.as_str())
        .collect();
    sum.update(templates.join(","));
    add_folder(&mut sum, &plugin.path);
    for folder in units {
        let Some(unit) = repo.unit(folder) else {
            continue;
        };
        for unit in repo.dependencies(unit).into_iter().chain([unit]) {
            add_folder(&mut sum, &repo.path(unit));
        }
        for tool in tools.host_for(&[unit.language.to_owned()]) {
            add_program(&mut sum, &tool.command[0]);
        }
    }
    for file in copies.iter().map(String::as_str).chain([TABLE]) {
        add(&mut sum, &repo.root.join(file));
    }
    if let Ok(xtask) = std::env::current_exe() {
        add_identity(&mut sum, &xtask);
    }
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether this plugin passed with this key.
pub fn has_passed(repo: &Repo, plugin: &Plugin, key: &str) -> bool {
    fs::read_to_string(place(repo, plugin)).is_ok_and(|noted| noted == key)
}

/// Notes that it passed. What cannot be noted is proven again next time; that is no failure.
pub fn note(repo: &Repo, plugin: &Plugin, key: &str) {
    let place = place(repo, plugin);
    let _ = fs::create_dir_all(place.parent().unwrap_or(Path::new(".")));
    let _ = fs::write(place, key);
}

fn place(repo: &Repo, plugin: &Plugin) -> PathBuf {
    repo.root.join(FOLDER).join(plugin.folder.replace('/', "-"))
}

fn add_folder(sum: &mut Sha256, folder: &Path) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with('.') && !LEFT_BEHIND.contains(&name.as_ref())
        })
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            add_folder(sum, &path);
        } else {
            add(sum, &path);
        }
    }
}

fn add(sum: &mut Sha256, file: &Path) {
    let text = fs::read(file).unwrap_or_default();
    sum.update(file.to_string_lossy().as_bytes());
    sum.update(text.len().to_le_bytes());
    sum.update(text);
}

/// A program of the machine by its place, size and time: asking for versions takes longer than the whole rest.
fn add_program(sum: &mut Sha256, name: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
    {
        add_identity(sum, &found);
    }
}

fn add_identity(sum: &mut Sha256, file: &Path) {
    sum.update(file.to_string_lossy().as_bytes());
    if let Ok(meta) = fs::metadata(file) {
        sum.update(meta.len().to_le_bytes());
        let changed = meta
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        sum.update(changed.unwrap_or_default().as_nanos().to_le_bytes());
    }
}
