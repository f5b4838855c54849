//! `.config/tasker-cli.toml`: profiles that say where templates come from, and their translation into what `tasker-ctl` understands.
//!
//! ```toml
//! [published]                                    # where published plugins are
//! url = "https://github.com/tasker-systems/tasker-contrib.git"
//! git-ref = "main"
//!
//! [profiles.ci]
//! plugin-paths = ["."]                           # folders, relative to the repository
//! use-published-plugins = false
//! plugin-versions = { tasker-contrib-python = "0.1" }   # semver requirements
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use serde::Deserialize;

use super::{manifest, Plugin};
use crate::error::{closest, Error, Result};
use crate::file::{line_with, read, read_toml};

/// The file, relative to the repository.
pub const FILE: &str = ".config/tasker-cli.toml";
/// What `tasker-ctl` calls the clone of the published plugins.
const REMOTE: &str = "tasker-contrib";
/// Where a plugin is below the folders that `tasker-ctl` looks into.
const PLUGIN_FOLDER: &str = "tasker-cli-plugin";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    published: Option<Published>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Published {
    url: String,
    git_ref: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Profile {
    #[serde(default)]
    plugin_paths: Vec<String>,
    #[serde(default)]
    use_published_plugins: bool,
    #[serde(default)]
    plugin_versions: BTreeMap<String, VersionReq>,
}

/// A profile with its plugins found.
#[derive(Debug)]
pub struct Resolved {
    /// The plugins, in the order in which `tasker-ctl` is told to look.
    pub plugins: Vec<Plugin>,
    /// A `.config/tasker.toml` for `tasker-ctl`.
    pub config: String,
    /// What is not on this machine yet, with the command that fetches it.
    pub not_fetched: Option<String>,
}

/// Resolves a profile of a repository. `cache` is the folder of `tasker-ctl`'s clones.
pub fn resolve(root: &Path, name: &str, cache: &Path) -> Result<Resolved> {
    let path = root.join(FILE);
    let file: File = read_toml(root, &path)?;
    let known: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
    let profile = file.profiles.get(name).ok_or_else(|| {
        Error::unknown(
            "profile",
            name,
            closest(name, known.iter().copied()),
            &known,
        )
    })?;
    let text = read(&path)?;
    let bad = |near: &str, why: String, fix: String| Error::BadFile {
        file: FILE.into(),
        line: line_of_profile(&text, name, near),
        why: format!("profile `{name}`: {why}"),
        fix: Some(fix),
    };
    if profile.plugin_paths.is_empty() && !profile.use_published_plugins {
        return Err(bad(
            "",
            "it has neither `plugin-paths` nor `use-published-plugins`, so it has no plugins"
                .into(),
            "add one of them".into(),
        ));
    }
    let mut plugins = of_paths(root, profile, &bad)?;
    let mut config = config(root, &profile.plugin_paths);
    let mut not_fetched = None;
    if profile.use_published_plugins {
        let published = file.published.as_ref().ok_or_else(|| {
            bad(
                "use-published-plugins",
                "`use-published-plugins` is set, but the file has no [published]".into(),
                "add [published] with `url` and `git-ref`".into(),
            )
        })?;
        config.push_str(&remote(published));
        let clone = cache.join(REMOTE);
        if clone.is_dir() {
            plugins.extend(plugins_in(root, &clone)?);
        } else {
            not_fetched = Some(format!("the published plugins are not on this machine; with that configuration: tasker-ctl remote update {REMOTE}"));
        }
    }
    check_versions(profile, &plugins, not_fetched.is_some(), &bad)?;
    Ok(Resolved {
        plugins,
        config,
        not_fetched,
    })
}

/// The plugins in the folders that a profile names.
fn of_paths(
    root: &Path,
    profile: &Profile,
    bad: &dyn Fn(&str, String, String) -> Error,
) -> Result<Vec<Plugin>> {
    let mut plugins = Vec::new();
    for folder in &profile.plugin_paths {
        let place = root.join(folder);
        if !place.is_dir() {
            return Err(bad(
                folder,
                format!(
                    "plugin-paths: `{folder}` is not a folder of {}",
                    root.display()
                ),
                "correct the path; it is relative to the repository".into(),
            ));
        }
        let found = plugins_in(root, &place)?;
        if found.is_empty() {
            return Err(bad(
                folder,
                format!("plugin-paths: `{folder}` holds no plugin: no {} in it, in its folders, or in <folder>/{PLUGIN_FOLDER}", manifest::FILE),
                "name a plugin's folder, or the folder above it".into(),
            ));
        }
        plugins.extend(found);
    }
    Ok(plugins)
}

/// Compares pinned versions with those that were found.
fn check_versions(
    profile: &Profile,
    plugins: &[Plugin],
    may_be_missing: bool,
    bad: &dyn Fn(&str, String, String) -> Error,
) -> Result<()> {
    for (name, wanted) in &profile.plugin_versions {
        let Some(plugin) = plugins
            .iter()
            .find(|plugin| plugin.manifest.plugin.name == *name)
        else {
            if may_be_missing {
                continue;
            }
            let known: Vec<&str> = plugins
                .iter()
                .map(|plugin| plugin.manifest.plugin.name.as_str())
                .collect();
            return Err(bad(
                name,
                format!("plugin-versions: there is no plugin `{name}`"),
                format!("its plugins are: {}", known.join(", ")),
            ));
        };
        let found = &plugin.manifest.plugin.version;
        if !Version::parse(found).is_ok_and(|version| wanted.matches(&version)) {
            return Err(bad(
                name,
                format!(
                    "plugin-versions: wants {name} {wanted}, but {} is {found}",
                    plugin.folder
                ),
                "use another version of the plugin, or change the requirement".into(),
            ));
        }
    }
    Ok(())
}

/// The plugins that `tasker-ctl` finds in a folder: in itself and then nowhere else, in its folders, in `<folder>/tasker-cli-plugin`.
fn plugins_in(root: &Path, folder: &Path) -> Result<Vec<Plugin>> {
    let is_plugin = |folder: &Path| folder.join(manifest::FILE).is_file();
    if is_plugin(folder) {
        return Ok(vec![Plugin::read_folder(root, folder)?]);
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(Error::io("read", folder))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .flat_map(|folder| [folder.clone(), folder.join(PLUGIN_FOLDER)])
        .filter(|folder| is_plugin(folder))
        .map(|folder| Plugin::read_folder(root, &folder.components().collect::<PathBuf>()))
        .collect()
}

fn config(root: &Path, paths: &[String]) -> String {
    let paths: Vec<toml::Value> = paths
        .iter()
        .map(|path| {
            let place: PathBuf = root.join(path).components().collect();
            toml::Value::String(place.display().to_string())
        })
        .collect();
    format!("[cli]\nplugin-paths = {}\n", toml::Value::Array(paths))
}

fn remote(published: &Published) -> String {
    let text = |text: &str| toml::Value::String(text.to_owned());
    format!(
        "\n[[cli.remotes]]\nname = {}\nurl = {}\ngit-ref = {}\nplugin-path = \".\"\n",
        text(REMOTE),
        text(&published.url),
        text(&published.git_ref)
    )
}

/// The folder of `tasker-ctl`'s clones.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    std::env::var_os("XDG_CACHE_HOME")
        .map_or_else(home, PathBuf::from)
        .join("tasker-ctl/remotes")
}

/// The line of the profile, or of what is wrong in it.
fn line_of_profile(text: &str, name: &str, near: &str) -> Option<usize> {
    let start = text.find(&format!("[profiles.{name}"))?;
    let before = crate::file::line_of(text, start) - 1;
    line_with(&text[start..], near).map(|line| before + line)
}
