//! Tests of Rust packages are compiled in one call of cargo, which asks for the features of all.

mod common;

use common::Fixture;

/// Two packages, and the one that asks for every feature.
fn workspace() -> Fixture {
    let fixture = Fixture::new();
    let members = "[\"rust/adder\", \"rust/other\", \"rust/features\"]";
    fixture.write(
        "Cargo.toml",
        &format!("[workspace]\nresolver = \"2\"\nmembers = {members}\n"),
    );
    for (folder, name) in [("other", "other"), ("features", "workspace-hack")] {
        let manifest =
            format!("[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2021\"\n");
        fixture.write(&format!("rust/{folder}/Cargo.toml"), &manifest);
        let test = "#[test]\nfn it_is() {}\n";
        fixture.write(
            &format!("rust/{folder}/src/lib.rs"),
            if folder == "other" { test } else { "" },
        );
    }
    let lock = ["adder", "other", "workspace-hack"]
        .map(|name| format!("[[package]]\nname = {name:?}\nversion = \"0.1.0\"\n"));
    fixture.write("Cargo.lock", &format!("version = 4\n\n{}", lock.join("\n")));
    fixture
}

#[test]
fn one_call_compiles_all_of_them_first() {
    let fixture = workspace();
    let ran = fixture.run(&["test", "--lang", "rust", "--dry-run"]);
    let together = "cargo test --package workspace-hack --locked --no-run --no-fail-fast --package adder --package other";
    assert!(ran.out.contains(together), "{ran:?}");
    for package in ["adder", "other"] {
        let alone = format!("rust/{package}:compile-tests  (after rust:compile-tests)");
        assert!(ran.out.contains(&alone), "{ran:?}");
        let asking =
            format!("cargo test --package workspace-hack --locked --no-run --package {package}");
        assert!(ran.out.contains(&asking), "{ran:?}");
    }
    assert!(
        !ran.out.contains("rust/features:"),
        "it has no code: {ran:?}"
    );
    let one = fixture.run(&["test", "--unit", "rust/adder", "--dry-run"]);
    assert!(!one.out.contains("rust:compile-tests"), "{one:?}");
}

#[test]
fn a_tool_that_is_compiled_here_waits_for_what_they_have_in_common() {
    let fixture = workspace();
    let table = std::fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    let tool = "\n[tool.maker]\nversion = \"1.0\"\nregistry = \"crates\"\nbinary = \"bin/maker\"\nlanguages = [\"rust\"]\n\
                about = \"makes\"\non_demand = true\n\n[tool.maker.build]\npackage = \"maker\"\nsha256 = []\nlock = \"maker.lock\"\n";
    fixture.write("xtask/tools.toml", &format!("{table}{tool}"));
    let manifest = fixture.root.join("python/greeter/pyproject.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let uses = "[tool.xtask]\nuses = [\"maker\"]\n";
    fixture.write(
        "python/greeter/pyproject.toml",
        &format!("{manifest}\n{uses}"),
    );
    let ran = fixture.run(&["test", "--dry-run"]);
    let waits = "tools:maker  (after rust:compile-tests)";
    assert!(ran.out.contains(waits), "{ran:?}");
}

#[test]
fn a_package_that_does_not_compile_fails_alone() {
    let fixture = workspace();
    fixture.write("rust/other/src/lib.rs", "fn broken( {}\n");
    let ran = fixture.run(&["test", "--lang", "rust"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for line in [
        "failed: rust/other: `(cd rust/other && cargo test",
        "tests: 2 passed, 0 failed",
    ] {
        assert!(ran.out.contains(line), "{line}: {ran:?}");
    }
}
