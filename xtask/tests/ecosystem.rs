//! A new ecosystem is one folder: `gleam/` beside this file, as `docs/architecture/add-an-ecosystem.md` tells.

#[path = "gleam/mod.rs"]
mod gleam;

use std::fs;
use std::path::Path;

use gleam::{Gleam, ECOSYSTEM};
use xtask::lang::language::{Job, Language as _};
use xtask::lang::planner::{Planner, Provided};
use xtask::plan::Totals;
use xtask::repo::Repo;
use xtask::tasker_core::Core;
use xtask::tools::Tools;
use xtask::version::{packages, Ecosystem};

/// A repository with two packages, one of which uses the other.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("xtask/tools.toml", ""),
        ("gleam/base/gleam.toml", "name = \"base\"\nversion = \"0.1.0\"\n"),
        (
            "gleam/app/gleam.toml",
            "name = \"app\"\nversion = \"0.2.0-rc.1\"\n\n[dependencies]\nbase = { path = \"../base\" }\n",
        ),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn its_units_are_found_and_its_tasks_planned() {
    let folder = repository();
    let root = folder.path();
    let language = ECOSYSTEM.language.unwrap();
    let repo = Repo::discover(root, &[language]).unwrap();
    let folders: Vec<&str> = repo.units.iter().map(|unit| unit.folder.as_str()).collect();
    assert_eq!(
        folders,
        ["gleam/base", "gleam/app"],
        "dependencies come first"
    );
    let (tools, core) = (Tools::load(root).unwrap(), Core::published(root));
    let provide = |_: &mut Planner<'_>, _: &_| Ok(Provided::default());
    let mut planner = Planner::new(&repo, &tools, &core, "test", &root.join("logs"), provide);
    for job in [Job::Test, Job::Lint, Job::Build] {
        Gleam.plan(&mut planner, &repo.units[1], job).unwrap();
    }
    let lines: Vec<String> = planner
        .plan
        .describe(root)
        .into_iter()
        .map(|task| format!("{}: {}", task.id, task.actions.join("; ")))
        .collect();
    assert_eq!(
        lines,
        [
            "gleam/app:gleam-test: $ (cd gleam/app && gleam test)",
            "gleam/app:gleam-format: $ (cd gleam/app && gleam format --check)",
            "gleam/app:gleam-build: $ (cd gleam/app && gleam build)",
        ]
    );
    let count = Gleam.counts().unwrap().read;
    let expected = Totals {
        passed: 3,
        failed: 1,
        skipped: 0,
    };
    assert_eq!(
        count("Running app_test.main\n3 passed, 1 failures\n"),
        Some(expected)
    );
}

#[test]
fn its_packages_have_versions() {
    let folder = repository();
    let ecosystem = Ecosystem(ECOSYSTEM.versions.unwrap());
    let found = packages(folder.path(), &[ecosystem]).unwrap();
    let lines: Vec<String> = found
        .iter()
        .map(|package| format!("{} {}", package.folder, package.version))
        .collect();
    assert_eq!(lines, ["gleam/app 0.2.0-rc.1", "gleam/base 0.1.0"]);
}

#[test]
fn the_page_shows_this_code() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(here.join("../docs/architecture/add-an-ecosystem.md")).unwrap();
    let code = fs::read_to_string(here.join("tests/gleam/mod.rs")).unwrap();
    let blocks: Vec<&str> = page
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(
        blocks.len() >= 3,
        "the page shows a reader, tasks and versions"
    );
    for block in blocks {
        assert!(
            code.contains(block.trim()),
            "not in tests/gleam/mod.rs:\n{block}"
        );
    }
}
