//! An optimised xtask, compiled beside a command that takes long.
//!
//! The launcher starts a program that was compiled in seconds. Whoever runs tasks with it starts the launcher again, at the lowest priority, to
//! have the optimised one next time; if the command ends first, that is given up and begins anew beside the next command.

use std::path::Path;

use crate::process::{ChildGroup, Invocation, Output};

/// Set by the launcher to its own path, if the program that it starts is not optimised.
const LAUNCHER: &str = "XTASK_LAUNCHER";
/// Tells the launcher to build the optimised program and nothing else.
const BUILD: &str = "XTASK_BUILD";

/// Begins; none if this program is the optimised one. What goes wrong is in the log and no concern of the command.
pub fn build(root: &Path, log: &Path) -> Option<ChildGroup> {
    let launcher = std::env::var_os(LAUNCHER)?.into_string().ok()?;
    let build = Invocation::new(
        root,
        [
            "nice".to_owned(),
            "-n".to_owned(),
            "19".to_owned(),
            launcher,
        ],
    )
    .env(BUILD, "optimised")
    .env("XTASK_ROOT", root.display().to_string());
    ChildGroup::spawn("xtask", &build, &Output::Log(log)).ok()
}
