//! Core's gem, built from a checkout.

use crate::error::Result;
use crate::lang::checkout::{built, note, workplace, Building, Built, Steps};
use crate::lang::planner::Planner;
use crate::plan::Action;
use crate::process::Invocation;

/// The gem, built from the checkout; none if the published one is to be used.
pub fn core(planner: &mut Planner<'_>) -> Result<Option<Built>> {
    built(planner, "ruby", steps)
}

/// `gem build` says whether the specification is right. A gem that is all Ruby is then installed into a home of its own; one with a native part is
/// compiled by `rake compile` where it stands, because the crate may depend on others by path, which no installed gem has beside it.
fn steps(planner: &mut Planner<'_>, building: &Building<'_>) -> Result<Steps> {
    let (mirror, place) = workplace(planner, building);
    let (package, folder) = (building.package, &building.folder);
    let gem = folder.join("package.gem").display().to_string();
    let specification = package
        .manifest
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let run = |argv: &[&str]| Action::Run(Invocation::new(&place, argv.iter().copied()));
    let mut actions = vec![
        mirror,
        note(folder, "gem"),
        run(&["gem", "build", &specification, "--output", &gem]),
    ];
    if building.is_native() {
        let library = folder.join("lib");
        actions.push(run(&["rake", "compile"]));
        actions.push(run(&["cp", "-R", "lib", &library.display().to_string()]));
        return Ok((actions, library, Vec::new()));
    }
    let home = folder.join("home");
    actions.push(run(&[
        "gem",
        "install",
        "--local",
        "--ignore-dependencies",
        "--no-document",
        "--install-dir",
        &home.display().to_string(),
        &gem,
    ]));
    let version = package.version.clone().unwrap_or_default();
    let installed = format!("gems/{}-{version}/lib", package.name);
    Ok((actions, home.join(installed), Vec::new()))
}
