//! Core's wheel, built from a checkout.

use crate::error::Result;
use crate::lang::checkout::{built, Building, Built, Steps};
use crate::lang::planner::Planner;
use crate::plan::Action;
use crate::process::Invocation;

/// The wheel, built from the checkout; none if the published one is to be used.
pub fn core(planner: &mut Planner<'_>) -> Result<Option<Built>> {
    built(planner, "python", steps)
}

/// PEP 517: whatever backend the package names makes a wheel.
fn steps(planner: &mut Planner<'_>, building: &Building<'_>) -> Result<Steps> {
    let (package, folder) = (building.package, &building.folder);
    let (uv, needs) = planner.tool("uv")?;
    let argv = [
        uv.program().display().to_string(),
        "build".into(),
        "--wheel".into(),
        "--python".into(),
        "python3".into(),
        "--out-dir".into(),
        folder.display().to_string(),
        package.folder().display().to_string(),
    ];
    // Where the package is, nothing is run: a folder of settings there would be for its own developers.
    let run = Invocation::new(&planner.repo.root, argv).env("UV_PYTHON_DOWNLOADS", "never");
    Ok((vec![Action::Run(run)], folder.clone(), needs))
}
