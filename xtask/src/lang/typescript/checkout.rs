//! Core's npm package, built from a checkout.

use crate::error::{Error, Result};
use crate::file::read;
use crate::lang::checkout::{built, note, workplace, Building, Built, Steps};
use crate::lang::planner::Planner;
use crate::plan::Action;
use crate::process::Invocation;
use crate::unit::parse_json;

/// The package, built from the checkout; none if the published one is to be used.
pub fn core(planner: &mut Planner<'_>) -> Result<Option<Built>> {
    built(planner, "typescript", steps)
}

/// What `npm publish` would do: dependencies, the native part if napi-rs makes one, the `build` script, the archive.
fn steps(planner: &mut Planner<'_>, building: &Building<'_>) -> Result<Steps> {
    let (package, folder) = (building.package, &building.folder);
    let manifest = parse_json(&read(&package.manifest)?).map_err(|error| Error::Core {
        why: format!("{}: {}", package.manifest.display(), error.why),
        fix: "repair the checkout, or cargo xtask core use published".into(),
    })?;
    let has = |key: &str| {
        manifest
            .get(key)
            .and_then(toml::Value::as_table)
            .is_some_and(|table| !table.is_empty())
    };
    let (mirror, place) = workplace(planner, building);
    let run = |argv: &[&str]| Action::Run(Invocation::new(&place, argv.iter().copied()));
    let mut actions = vec![mirror, note(folder, "npm package")];
    if has("dependencies") || has("devDependencies") {
        actions.push(run(&[
            "npm",
            "install",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
        ]));
    }
    if has("napi") {
        actions.push(run(&["npx", "--no-install", "napi", "build", "--platform"]));
    }
    actions.push(run(&["npm", "run", "build", "--if-present"]));
    actions.push(run(&[
        "npm",
        "pack",
        "--silent",
        "--pack-destination",
        &folder.display().to_string(),
    ]));
    let version = package.version.clone().unwrap_or_default();
    // As npm names it: without the @ of the scope, and with a dash for its slash.
    let name = package.name.trim_start_matches('@').replace('/', "-");
    let archive = folder.join(format!("{name}-{version}.tgz"));
    Ok((actions, archive, Vec::new()))
}
