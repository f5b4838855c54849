//! What an ecosystem must say so that its units are tested, linted, formatted and built.

use super::planner::{Planner, Provided};
use crate::error::Result;
use crate::plan::Count;
use crate::publish::Channel;
use crate::tables::Target;
use crate::tasker_core::Checkout;
use crate::unit::{Reader, Unit};
use crate::version::Versions;

/// What a command asks a unit's tools to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Test,
    /// Look for mistakes; change nothing.
    Lint,
    /// Format the sources in place.
    Fmt,
    /// Build what would be published.
    Build,
}

impl Job {
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Lint => "lint",
            Self::Fmt => "fmt",
            Self::Build => "build",
        }
    }
}

pub trait Language: Reader {
    /// How its test tool counts.
    fn counts(&self) -> Option<Count> {
        None
    }

    /// Adds the tasks that do a job's common part for several units at once, before each of them is planned.
    fn plan_together(&self, _planner: &mut Planner<'_>, _units: &[&Unit], _job: Job) -> Result<()> {
        Ok(())
    }

    /// Adds the tasks that do a job for a unit; adds none if there is nothing to do.
    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()>;

    /// What it takes to use the tools of this unit, in its environment, on code outside of it, as templates generate it.
    fn toolchain(&self, _planner: &mut Planner<'_>, _unit: &Unit) -> Result<Provided> {
        Ok(Provided::default())
    }

    /// Adds the tasks that make a unit usable by others, and says how they find it.
    fn provide(&self, _planner: &mut Planner<'_>, _unit: &Unit) -> Result<Provided> {
        Ok(Provided::default())
    }

    /// What it takes to start the processes of this unit, an example's app, as its user would.
    fn app(&self, planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
        self.toolchain(planner, unit)
    }

    /// Whether the unit's environment is as a run would make it now; none if it has none, or if it was never made.
    fn is_in_sync(&self, _planner: &mut Planner<'_>, _unit: &Unit) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Adds the tasks that build this language's packages of a checkout of Tasker Core; part of `cargo xtask core build`.
    fn build_core(&self, _planner: &mut Planner<'_>) -> Result<()> {
        Ok(())
    }

    /// Adds the tasks that compare what this language's units assume of Tasker Core (doubles, names, generated tables) with a
    /// checkout; part of `cargo xtask core check`. A task reads the checkout and changes nothing in it; a script gets its folder
    /// as an argument.
    fn check_core(&self, _planner: &mut Planner<'_>, _checkout: &Checkout) -> Result<()> {
        Ok(())
    }
}

/// What one folder says of its ecosystem: a line of [`super::ECOSYSTEMS`].
pub struct Entry {
    /// Its units and their tasks.
    pub language: Option<&'static dyn Language>,
    /// Its packages and their versions.
    pub versions: Option<&'static dyn Versions>,
    pub channel: Option<&'static dyn Channel>,
    /// Files that its packages get from the contract tables.
    pub constants: &'static [&'static Target],
}
