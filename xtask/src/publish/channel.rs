//! What an ecosystem says about its releases: how it packs, installs and publishes, and what its registry answers.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use semver::Version;

use super::context::{Context, May};
use super::sums::Sum;
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::process::Invocation;
use crate::version::Ecosystem;

/// A package in a release.
#[derive(Clone, Debug)]
pub struct Unit {
    pub name: String,
    /// Relative to the repository; it identifies the unit.
    pub folder: String,
    pub ecosystem: Ecosystem,
    /// How it gets there.
    pub channel: &'static dyn Channel,
    /// The version that is released.
    pub version: Version,
    /// The same, as the ecosystem writes it.
    pub written: String,
    /// The tag that marks it.
    pub tag: String,
    /// The file with its notes, relative to the repository.
    pub changelog: PathBuf,
    /// Places of the units that must be in their registries before it.
    pub needs: Vec<usize>,
    /// What users of it need: names and ranges.
    pub uses: Vec<(String, Option<String>)>,
    /// Commands of its own that must succeed where it is installed: program and arguments.
    pub smoke: Vec<Vec<String>>,
    /// Optional parts that are installed with it for these.
    pub smoke_extras: Vec<String>,
}

/// The files of a unit that are packed and whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    pub folder: PathBuf,
    /// What goes to the ecosystem's registry.
    pub artifacts: Vec<String>,
    /// What goes to the store of files: sums, bill of materials, provenance.
    pub extras: Vec<String>,
}

impl Packed {
    /// Absolute paths of what goes to the registry.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.artifacts
            .iter()
            .map(|name| self.folder.join(name))
            .collect()
    }
}

/// A file that a registry has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its name; none where a version has one file.
    pub file: Option<String>,
    pub sum: Sum,
}

/// A part of a package, for its bill of materials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The kind of its package address, if it is not that of the package.
    pub kind: Option<&'static str>,
    pub name: String,
    pub version: String,
    /// In hexadecimal; empty if it is not known.
    pub sha256: String,
}

/// What is missing before something can be published: what, and the fix.
pub type Missing = (String, String);

/// A unit that is tried where nothing else is installed.
pub struct Trial<'a> {
    pub unit: &'a Unit,
    pub packed: &'a Packed,
    /// Files of units of the same ecosystem that it needs and that may not be in the registry yet, dependencies first.
    pub needs: Vec<(&'a Unit, Packed)>,
    pub folder: &'a Path,
}

/// How a file is published.
pub enum Upload {
    /// By the ecosystem's client.
    Client(Box<Invocation>),
    /// By putting it into the store of files.
    Store,
}

/// An ecosystem's tools and registry.
pub trait Channel: Sync + Debug {
    /// The beginnings of variables with the credentials that the client reads.
    fn prefixes(&self) -> &'static [&'static str];

    /// The kind of its package addresses (`pkg:KIND/name`).
    fn purl(&self) -> &'static str;

    /// Whether a release has such packages at all; a hint at what is missing if not.
    fn is_wanted(&self, _targets: &Targets) -> Result<(), &'static str> {
        Ok(())
    }

    /// Pinned tools that it works with, if this repository has them; else those on PATH.
    fn programs(&self) -> &'static [&'static str] {
        &[]
    }

    /// The one of them that even looking at the registry takes.
    fn looks_with(&self) -> Option<&'static str> {
        None
    }

    /// What a package is compiled from, by its lock file; empty if only the manifest tells.
    fn components(&self, _context: &Context, _unit: &Unit) -> Vec<Component> {
        Vec::new()
    }

    /// Makes the unit's files in `into`, from the clean clone. `with` are units of the same ecosystem that are packed in the
    /// same release and that it needs.
    fn pack(&self, context: &Context, unit: &Unit, with: &[&Unit], into: &Path) -> Result<()>;

    /// Whether a packed file goes to the registry.
    fn is_artifact(&self, unit: &Unit, name: &str) -> bool;

    /// Installs it in an empty environment and tries it.
    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()>;

    /// Whether credentials are there.
    fn credentials(&self, context: &Context, unit: &Unit) -> Result<(), Missing>;

    /// What the registry has of this version.
    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>>;

    /// How a file is published.
    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload>;

    /// Where a rate limit can be asked for its time, if that is known.
    fn limited_at(&self, _context: &Context, _unit: &Unit) -> Option<String> {
        None
    }
}

/// The unit's folder in the clean clone.
pub fn source(context: &Context, unit: &Unit) -> PathBuf {
    context.source().join(&unit.folder)
}

/// An answer that is neither "here it is" nor "not there".
pub fn puzzled(unit: &Unit, asked: &str, answer: &str) -> Error {
    Error::Registry {
        unit: unit.folder.clone(),
        asked: asked.to_owned(),
        why: answer.to_owned(),
    }
}

/// Commands of the unit's own, run where it is installed.
pub fn smoke(
    context: &Context,
    trial: &Trial<'_>,
    bin: &Path,
    set: impl Fn(Invocation) -> Invocation,
) -> Result<()> {
    for words in &trial.unit.smoke {
        let mut invocation = set(Invocation::new(trial.folder, words.clone()).with_path(bin));
        // What a package generates is made by this tool, which its users have.
        let generator = context.programs.path("tasker-ctl");
        invocation
            .path
            .extend(generator.and_then(|path| path.parent()).map(Path::to_owned));
        context.succeed(&trial.unit.folder, May::Build, &invocation)?;
    }
    Ok(())
}
