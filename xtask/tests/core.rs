//! Tasker Core from a checkout: the fixture `core-checkout` has packages with the real names in four languages, in folders of its
//! own choice, and is built with the real cargo, uv, gem and npm.

mod common;
#[path = "core/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{git, Ran};
use world::{commit, World};

fn refused(ran: &Ran, message: &str, fix: &str) {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.err.contains(message) && ran.err.contains(&format!("fix: {fix}")),
        "wanted {message} / {fix}\n{}",
        ran.err
    );
}

#[test]
fn a_choice_is_kept_shown_and_taken_back_and_git_sees_nothing() {
    let world = World::new();
    commit(&world.root);
    let place = world.place();
    assert!(world
        .run_well(&["core", "status"])
        .out
        .starts_with("Tasker Core: published\n"));

    let dry = world.run_well(&["core", "use", &place, "--dry-run"]);
    assert!(dry.out.contains("write .xtask/core.toml"), "{dry:?}");
    assert!(!world.root.join(".xtask/core.toml").exists());

    let used = world.run_well(&["core", "use", &place]);
    let head = git(&world.checkout, &["rev-parse", "HEAD"]);
    let first = format!(
        "Tasker Core: {place}, commit {} (python, ruby, rust, typescript), since 2",
        &head[..8]
    );
    assert!(used.out.contains(&first), "{first}\n{}", used.out);
    for row in [
        format!("  rust        tasker-client           0.1.8     {place}/engine/client"),
        format!("  python      tasker-py               0.1.8     {place}/bindings/python"),
        format!("  ruby        tasker-rb               0.1.10    {place}/bindings/ruby"),
        format!("  typescript  @tasker-systems/tasker  0.1.10    {place}/bindings/node"),
    ] {
        assert!(used.out.contains(&row), "{row}\n{}", used.out);
    }

    let lint = world.run_well(&["lint", "--dry-run"]);
    assert!(lint.out.starts_with(&first), "{}", lint.out);
    let once = world.run_well(&["--core", "published", "lint", "--dry-run"]);
    assert!(
        once.out.starts_with("Tasker Core: published\n"),
        "{}",
        once.out
    );

    world.edit("engine/shared/src/lib.rs", "checkout", "edited");
    fs::write(world.checkout.join("new.txt"), "x").unwrap();
    let dirty = world.run_well(&["core", "status"]);
    assert!(dirty.out.contains("and 2 changed files"), "{}", dirty.out);
    let record = &world.run_well(&["core", "status", "--json"]).records()[0];
    assert_eq!(record["changed"], 2);
    assert_eq!(record["commit"], head.trim());
    assert_eq!(record["packages"][4]["language"], "python");

    world.run_well(&["core", "use", "published"]);
    assert!(!world.root.join(".xtask/core.toml").exists());
    assert!(world
        .run_well(&["core", "status"])
        .out
        .starts_with("Tasker Core: published\n"));
}

#[test]
fn rust_units_are_built_with_the_checkouts_crates() {
    let world = World::new();
    commit(&world.root);
    world.run_well(&["core", "use", &world.place()]);
    let tested = world.run_well(&["test", "--unit", "app"]);
    assert!(tested.out.contains("2 passed, 0 failed"), "{}", tested.out);

    // An unchanged checkout is not tested again, a changed one is: it is part of the key.
    let again = world.run_well(&["test", "--unit", "app"]);
    assert!(again.out.contains("(cached)"), "{}", again.out);
    world.edit("engine/shared/src/lib.rs", "checkout", "edited");
    let edited = world.run(&["test", "--unit", "app"]);
    assert_eq!(edited.code, Some(1), "{edited:?}");
    assert!(edited.out.contains("left: \"edited\""), "{}", edited.out);
    world.edit("engine/shared/src/lib.rs", "edited", "checkout");
    world.run_well(&["test", "--unit", "app"]);
}

#[test]
fn what_units_assume_is_compared_with_the_checkout() {
    let world = World::new();
    world.python();
    commit(&world.root);
    let place = world.place();
    let dry = world.run_well(&["--core", &place, "core", "check", "--dry-run"]);
    assert!(dry.out.contains("app:core-check"), "{}", dry.out);
    assert!(!world.root.join(".xtask/core").exists());

    for command in ["check", "build"] {
        let args = ["--core", &place, "core", command, "--dry-run", "--json"];
        common::assert_reruns(&args, &world.run_well(&args));
    }
    let rust = ["--core", &place, "core", "check", "--lang", "rust"];
    let checked = world.run_well(&rust);
    assert!(
        checked.out.contains("1 passed, 0 failed"),
        "{}",
        checked.out
    );
    world.edit("engine/shared/src/lib.rs", "checkout", "renamed too long");
    let differs = world.run(&rust);
    assert_eq!(differs.code, Some(1), "{differs:?}");
    assert!(differs.out.contains("core_has_a_name"), "{}", differs.out);

    let python = world.run_well(&["--core", &place, "core", "check", "--lang", "python"]);
    assert!(python.out.contains("1 passed"), "{}", python.out);
    assert!(world
        .log("python-app-core-check.log")
        .contains("core is checkout"));
    let nothing = world.run_well(&["--core", &place, "core", "check", "--lang", "example"]);
    assert!(
        nothing.out.contains("nothing to compare"),
        "{}",
        nothing.out
    );
}

#[test]
fn crates_that_cargo_would_leave_out_are_no_success() {
    let world = World::new();
    commit(&world.root);
    let table = world.root.join("xtask/contract/core.toml");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(table, text.replace("\"=0.1.8\"", "\">=0.1.8\"")).unwrap();
    commit(&world.root);
    world.edit("Cargo.toml", "0.1.8", "0.1.9");
    for crate_name in ["client", "server", "worker"] {
        world.edit(
            &format!("engine/{crate_name}/Cargo.toml"),
            "=0.1.8",
            "=0.1.9",
        );
    }
    let ran = world.run(&["--core", &world.place(), "test", "--unit", "app"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out
            .contains("cargo cannot use tasker-shared 0.1.9 of the checkout"),
        "{}",
        ran.out
    );
}

#[test]
fn python_environments_get_the_checkouts_wheel_and_give_it_back() {
    let world = World::new();
    world.python();
    commit(&world.root);
    let tested = || {
        world.run_well(&["test", "--unit", "python-app"]);
        world.log("python-app-pytest.log")
    };
    assert!(tested().contains("core is published"));

    world.run_well(&["core", "use", &world.place()]);
    let status = world.run_well(&["core", "status"]).out;
    assert!(
        status.contains("python/app: environment out of date"),
        "{status}"
    );
    assert!(tested().contains("core is checkout"));
    let status = world.run_well(&["core", "status"]).out;
    assert!(
        status.contains("python/app: environment in sync"),
        "{status}"
    );
    assert_eq!(git(&world.checkout, &["status", "--porcelain"]), "");

    world.edit(
        "bindings/python/tasker_core/__init__.py",
        "checkout",
        "edited",
    );
    assert!(tested().contains("core is edited"));

    world.run_well(&["core", "use", "published"]);
    assert!(tested().contains("core is published"));
}

#[test]
fn node_packages_get_the_checkouts_archive_and_give_it_back() {
    let world = World::new();
    world.tools("typescript");
    world.write(
        "node/app/package.json",
        "{ \"name\": \"node-app\", \"type\": \"module\", \"private\": true,\n  \
         \"peerDependencies\": { \"@tasker-systems/tasker\": \"*\" },\n  \
         \"peerDependenciesMeta\": { \"@tasker-systems/tasker\": { \"optional\": true } } }\n",
    );
    world.write(
        "node/app/package-lock.json",
        "{ \"name\": \"node-app\", \"lockfileVersion\": 3, \"requires\": true, \"packages\": { \"\": { \"name\": \"node-app\",\n  \
         \"peerDependencies\": { \"@tasker-systems/tasker\": \"*\" },\n  \
         \"peerDependenciesMeta\": { \"@tasker-systems/tasker\": { \"optional\": true } } } } }\n",
    );
    world.write(
        "node/app/tests/app.test.ts",
        "import { expect, test } from 'bun:test';\n\ntest('core is the checkout', async () => {\n  \
         const { ORIGIN } = await import('@tasker-systems/tasker');\n  expect(ORIGIN).toBe('checkout');\n});\n",
    );
    commit(&world.root);
    let place = world.place();
    let tested = world.run_well(&["--core", &place, "test", "--unit", "node-app"]);
    assert!(tested.out.contains("1 passed, 0 failed"), "{}", tested.out);
    assert_eq!(git(&world.checkout, &["status", "--porcelain"]), "");
    let published = world.run(&["test", "--unit", "node-app"]);
    assert_eq!(
        published.code,
        Some(1),
        "it is not installed: {published:?}"
    );
}

#[test]
fn a_build_that_fails_is_one_line_with_its_log() {
    let world = World::new();
    world.python();
    commit(&world.root);
    world.edit(
        "bindings/python/backend.py",
        "    project =",
        "    raise SystemExit('no compiler')\n    project =",
    );
    let ran = world.run(&["--core", &world.place(), "test", "--unit", "python-app"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("core:python"), "{}", ran.out);
    assert!(ran.out.contains("core-python.log"), "{}", ran.out);
    let rerun = format!(
        "rerun: cargo xtask --core '{}' core build python",
        world.place()
    );
    assert!(ran.out.contains(&rerun), "{rerun}: {}", ran.out);
    assert!(world.log("core-python.log").contains("no compiler"));
    // What was left half is no build.
    world.edit(
        "bindings/python/backend.py",
        "    raise SystemExit('no compiler')\n",
        "",
    );
    world.run_well(&["--core", &world.place(), "test", "--unit", "python-app"]);
}

#[test]
fn ruby_and_node_packages_are_built_once_by_their_own_tools() {
    let world = World::new();
    commit(&world.root);
    let place = world.place();
    let has_ruby = Command::new("gem").arg("--version").output().is_ok();
    let languages: &[&str] = if has_ruby {
        &["ruby", "typescript"]
    } else {
        &["typescript"]
    };
    let args = [&["--core", &place, "core", "build"], languages].concat();
    let dry = world.run_well(&[&args[..], &["--dry-run"]].concat());
    assert!(
        dry.out.contains("npm run build --if-present"),
        "{}",
        dry.out
    );
    assert!(!world.root.join(".xtask/core").exists());
    world.run_well(&args);
    assert_eq!(git(&world.checkout, &["status", "--porcelain"]), "");
    let again = world.run_well(&args);
    assert!(
        again.out.ends_with("everything is built\n"),
        "{}",
        again.out
    );

    let archive = only(&world.root.join(".xtask/core"), "typescript-")
        .join("tasker-systems-tasker-0.1.10.tgz");
    let packed = Command::new("tar")
        .args(["-xzOf"])
        .arg(archive)
        .arg("package/dist/index.js")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(packed.stdout).unwrap(),
        "export const ORIGIN = 'checkout';\n"
    );
    if has_ruby {
        let home = only(&world.root.join(".xtask/core"), "ruby-").join("home");
        let loaded = Command::new("ruby")
            .args(["-r", "tasker_core", "-e", "print TaskerCore::ORIGIN"])
            .arg("-I")
            .arg(home.join("gems/tasker-rb-0.1.10/lib"))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(loaded.stdout).unwrap(), "checkout");
    }

    // Another content is another build, and the old one is gone.
    let old = only(&world.root.join(".xtask/core"), "typescript-");
    world.edit("bindings/node/src/index.ts", "checkout", "edited");
    world.run_well(&["--core", &place, "core", "build", "typescript"]);
    assert_ne!(only(&world.root.join(".xtask/core"), "typescript-"), old);
}

/// The one entry whose name begins so.
fn only(folder: &Path, prefix: &str) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(prefix)
        })
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of cases")]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let world = World::new();
    commit(&world.root);
    let place = world.place();
    let use_it = || world.run(&["core", "use", &place]);

    refused(
        &world.run(&["core", "use", "xtask"]),
        "xtask is not a Tasker Core checkout: none of its manifests names tasker-shared",
        "pass the top folder of a Tasker Core checkout, or `published`",
    );
    refused(
        &world.run(&["core", "use", "nowhere"]),
        "nowhere is not there",
        "pass the folder of a Tasker Core checkout, or `published`",
    );
    refused(
        &world.run(&["core", "check"]),
        "there is no checkout to check",
        "cargo xtask core use PATH",
    );

    world.edit(
        "bindings/python/pyproject.toml",
        "version = \"0.1.8\"",
        "version = \"0.3.0\"",
    );
    refused(
        &use_it(),
        "it has tasker-py 0.3.0 (bindings/python/pyproject.toml); tasker-py (python): supported =0.1.8, published 0.1.8",
        "check out a supported version",
    );
    world.edit("bindings/python/pyproject.toml", "0.3.0", "0.1.8");

    fs::remove_dir_all(world.checkout.join("engine/worker")).unwrap();
    refused(
        &use_it(),
        "it has rust packages, but no manifest that names tasker-worker",
        "check out a supported version",
    );
    git(&world.checkout, &["checkout", "--quiet", "."]);

    // Without a language the rest is used; what is asked for in it is refused.
    fs::remove_dir_all(world.checkout.join("bindings/python")).unwrap();
    fs::remove_dir_all(world.checkout.join("examples")).unwrap();
    let used = use_it();
    assert!(
        used.out
            .contains("  python      tasker-py               0.1.8     published"),
        "{used:?}"
    );
    refused(
        &world.run(&["core", "build", "python"]),
        "has no python package",
        "choose one of: ruby, rust, typescript",
    );

    let elsewhere = world.checkout.with_file_name("moved");
    fs::rename(&world.checkout, elsewhere).unwrap();
    refused(
        &world.run(&["test", "--unit", "app"]),
        "is not a folder; it was there on 2",
        "cargo xtask core use PATH with its new place, or cargo xtask core use published",
    );
    world.write(".xtask/core.toml", "nonsense");
    refused(
        &world.run(&["core", "status"]),
        ".xtask/core.toml",
        "cargo xtask core use published",
    );
    world.run_well(&["core", "use", "published"]);
}
