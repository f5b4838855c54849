//! How each ecosystem packs, installs, publishes, and what its registry says: one file each.

mod chart;
mod crates;
mod gem;
mod npm;
mod plugin;
mod python;

use std::path::{Path, PathBuf};

use super::effects::Context;
use super::ledger::Packed;
use super::sums::Sum;
use super::Unit;
use crate::error::{Error, Result};
use crate::process::Invocation;
use crate::version::Ecosystem;

/// A file that a registry has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its name; none where a version has one file.
    pub file: Option<String>,
    /// Its sum.
    pub sum: Sum,
}

/// What is missing before something can be published: what, and the fix.
pub type Missing = (String, String);

/// A unit that is tried where nothing else is installed.
pub struct Trial<'a> {
    /// The unit.
    pub unit: &'a Unit,
    /// Its files.
    pub packed: &'a Packed,
    /// Files of units of the same ecosystem that it needs and that may not be in the registry yet, dependencies first.
    pub needs: Vec<(&'a Unit, Packed)>,
    /// An empty folder.
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
pub trait Channel: Sync {
    /// Makes the unit's files in `into`, from the clean clone. `with` are units of the same ecosystem that are packed in the
    /// same release and that it needs.
    ///
    /// # Errors
    /// The tool's own.
    fn pack(&self, context: &Context, unit: &Unit, with: &[&Unit], into: &Path) -> Result<()>;

    /// Whether a packed file goes to the registry.
    fn is_artifact(&self, unit: &Unit, name: &str) -> bool;

    /// Installs it in an empty environment and tries it.
    ///
    /// # Errors
    /// If it cannot be installed, or does not work.
    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()>;

    /// Whether credentials are there.
    ///
    /// # Errors
    /// What is missing.
    fn credentials(&self, context: &Context, unit: &Unit) -> Result<(), Missing>;

    /// What the registry has of this version.
    ///
    /// # Errors
    /// If it cannot be asked.
    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>>;

    /// How a file is published.
    ///
    /// # Errors
    /// If it must not be.
    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload>;

    /// Where a rate limit can be asked for its time, if that is known.
    fn limited_at(&self, _context: &Context, _unit: &Unit) -> Option<String> {
        None
    }
}

/// The channel of an ecosystem.
pub fn of(ecosystem: Ecosystem) -> &'static dyn Channel {
    match ecosystem {
        Ecosystem::Crate => &crates::Crates,
        Ecosystem::Python => &python::Python,
        Ecosystem::Npm => &npm::Npm,
        Ecosystem::Gem => &gem::Gem,
        Ecosystem::Chart => &chart::Chart,
        Ecosystem::Plugin => &plugin::Plugin,
    }
}

/// The unit's folder in the clean clone.
fn source(context: &Context, unit: &Unit) -> PathBuf {
    context.source().join(&unit.folder)
}

/// An answer that is neither "here it is" nor "not there".
fn puzzled(unit: &Unit, asked: &str, answer: &str) -> Error {
    Error::Registry {
        unit: unit.folder.clone(),
        asked: asked.to_owned(),
        why: answer.to_owned(),
    }
}

/// Commands of the unit's own, run where it is installed.
fn smoke(
    context: &Context,
    trial: &Trial<'_>,
    bin: &Path,
    set: impl Fn(Invocation) -> Invocation,
) -> Result<()> {
    for words in &trial.unit.smoke {
        let mut invocation = set(Invocation::new(trial.folder, words.clone()).with_path(bin));
        // What a package generates is made by this tool, which its users have.
        let generator = context.programs.tasker_ctl.as_ref();
        invocation
            .path
            .extend(generator.and_then(|path| path.parent()).map(Path::to_owned));
        context.succeed(&trial.unit.folder, super::effects::May::Build, &invocation)?;
    }
    Ok(())
}
