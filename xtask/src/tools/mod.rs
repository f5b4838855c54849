//! The tools xtask needs: which versions, for which machine, where they are.
//!
//! `xtask/tools.toml` is the only place with versions and checksums. This module reads it and looks at what is there;
//! [`crate::apply`] is what installs.

mod host;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::file::read_toml;

pub use host::{version_in, HostTool};

/// The folder of pinned tools, relative to the repository.
pub const TOOLS_FOLDER: &str = ".xtask/tools";
/// The table of all tools, relative to the repository.
pub const TABLE: &str = "xtask/tools.toml";

/// A package registry whose own client fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// PyPI, by `pip`.
    Pypi,
    /// The crate registry, by `cargo`.
    Crates,
    /// npm, by `npm`.
    Npm,
}

impl Registry {
    /// The row `[host.*]` of its client.
    pub fn client(self) -> &'static str {
        match self {
            Self::Pypi => "pip",
            Self::Crates => "rust",
            Self::Npm => "npm",
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pypi => "PyPI",
            Self::Crates => "the crate registry",
            Self::Npm => "npm",
        }
    }
}

/// A pinned tool for this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedTool {
    /// Its name in the table.
    pub name: String,
    /// The version its folder is named after.
    pub version: String,
    /// The version in the registry, if it is written differently there.
    pub package_version: String,
    /// Where it comes from.
    pub registry: Registry,
    /// The package for this machine.
    pub package: String,
    /// Accepted sums of the archive.
    pub sha256: Vec<String>,
    /// Its main program, relative to its folder.
    pub binary: PathBuf,
    /// The part of the archive to keep.
    pub subfolder: Option<String>,
    /// A JSON list of links to make after unpacking.
    pub links: Option<String>,
    /// How it is compiled, if its package holds no program.
    pub build: Option<Build>,
    /// Whether only commands that use it install it, because that takes minutes.
    pub on_demand: bool,
    pub about: String,
    /// Absolute path of its folder.
    pub folder: PathBuf,
}

/// How a tool is compiled from its crate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    package: String,
    /// Accepted sums of the crate.
    sha256: Vec<String>,
    /// The lock file of what it is compiled from besides the packages in the repository's `Cargo.lock`, relative to the repository.
    pub lock: PathBuf,
    /// Pinned tools that compiling takes.
    #[serde(default)]
    pub needs: Vec<String>,
    /// A package of the repository whose features it is compiled with, named as its folder: what both take is compiled once.
    pub features_of: Option<PathBuf>,
    /// Dependencies beside it, for the features they turn on in what it depends on: crate, then requirement and features.
    #[serde(default)]
    pub beside: BTreeMap<String, Beside>,
}

/// A dependency that turns on features.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    pub version: String,
    pub features: Vec<String>,
}

impl PinnedTool {
    /// `PyPI (uv 0.13.9)`.
    pub fn origin(&self) -> String {
        format!(
            "{} ({} {})",
            self.registry.name(),
            self.package,
            self.package_version
        )
    }

    /// Its folder, relative to the repository.
    pub fn folder_name(&self) -> String {
        format!("{TOOLS_FOLDER}/{}-{}", self.name, self.version)
    }

    /// Absolute path of its main program.
    pub fn program(&self) -> PathBuf {
        self.folder.join(&self.binary)
    }

    /// Whether it is there. Its folder appears in one rename after everything was checked, so existing means complete.
    pub fn is_installed(&self) -> bool {
        self.program().is_file()
    }
}

/// `xtask/tools.toml`.
#[derive(Clone, Debug)]
pub struct Tools {
    pinned: Vec<(Row, PathBuf)>,
    host: Vec<HostTool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    tool: BTreeMap<String, PinnedRow>,
    #[serde(default)]
    host: BTreeMap<String, HostTool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PinnedRow {
    version: String,
    package_version: Option<String>,
    registry: Registry,
    binary: PathBuf,
    languages: Vec<String>,
    about: String,
    subfolder: Option<String>,
    links: Option<String>,
    #[serde(default)]
    on_demand: bool,
    build: Option<Build>,
    #[serde(default)]
    platforms: BTreeMap<String, Package>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    package: String,
    sha256: Vec<String>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    row: PinnedRow,
}

impl Row {
    /// The package for this machine and its sums; what is compiled here is the same everywhere.
    fn package(&self) -> Result<(&String, &Vec<String>)> {
        if let Some(build) = &self.row.build {
            return Ok((&build.package, &build.sha256));
        }
        let platform = platform();
        self.row
            .platforms
            .get(&platform)
            .map(|package| (&package.package, &package.sha256))
            .ok_or_else(|| Error::NoPackage {
                tool: self.name.clone(),
                version: self.row.version.clone(),
                platform,
            })
    }
}

impl Tools {
    /// Reads the table of a repository.
    pub fn load(root: &Path) -> Result<Self> {
        let table: Table = read_toml(root, &root.join(TABLE))?;
        let pinned = table
            .tool
            .into_iter()
            .map(|(name, row)| {
                let folder = root
                    .join(TOOLS_FOLDER)
                    .join(format!("{name}-{}", row.version));
                (Row { name, row }, folder)
            })
            .collect();
        let host = table
            .host
            .into_iter()
            .map(|(name, tool)| HostTool { name, ..tool })
            .collect();
        Ok(Self { pinned, host })
    }

    /// The pinned tool of this name, for this machine.
    pub fn get(&self, name: &str) -> Result<PinnedTool> {
        let (row, folder) = self
            .pinned
            .iter()
            .find(|(row, _)| row.name == name)
            .ok_or_else(|| Error::BadFile {
                file: TABLE.into(),
                line: None,
                why: format!("there is no [tool.{name}], but a language needs it"),
                fix: Some(format!(
                    "add [tool.{name}] with its version, packages and checksums"
                )),
            })?;
        let (package, sha256) = row.package()?;
        Ok(PinnedTool {
            name: name.to_owned(),
            version: row.row.version.clone(),
            package_version: row
                .row
                .package_version
                .clone()
                .unwrap_or_else(|| row.row.version.clone()),
            registry: row.row.registry,
            package: package.clone(),
            sha256: sha256.clone(),
            binary: row.row.binary.clone(),
            subfolder: row.row.subfolder.clone(),
            links: row.row.links.clone(),
            build: row.row.build.clone(),
            on_demand: row.row.on_demand,
            about: row.row.about.clone(),
            folder: folder.clone(),
        })
    }

    /// Pinned tools for these languages, or all if none is named.
    pub fn pinned_for(&self, languages: &[String]) -> Result<Vec<PinnedTool>> {
        self.pinned
            .iter()
            .filter(|(row, _)| wanted(&row.row.languages, languages))
            // A command that needs it says so; everything else works on this machine, too.
            .filter(|(row, _)| !(row.row.on_demand && row.package().is_err()))
            .map(|(row, _)| self.get(&row.name))
            .collect()
    }

    /// Tools of the machine for these languages, or all if none is named.
    pub fn host_for(&self, languages: &[String]) -> Vec<&HostTool> {
        self.host
            .iter()
            .filter(|tool| wanted(&tool.languages, languages))
            .collect()
    }

    /// The tool of the machine with this name.
    pub fn host(&self, name: &str) -> Option<&HostTool> {
        self.host.iter().find(|tool| tool.name == name)
    }

    /// Whether a pinned tool has this name.
    pub fn is_pinned(&self, name: &str) -> bool {
        self.pinned.iter().any(|(row, _)| row.name == name)
    }
}

fn wanted(of_tool: &[String], asked: &[String]) -> bool {
    asked.is_empty() || of_tool.iter().any(|language| asked.contains(language))
}

/// This machine, as `linux-x86_64`.
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
