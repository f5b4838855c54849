//! `template list` and `template test` on the fixture's plugin, with a generator that is a small script.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use xtask::lang;

use common::{git, Fixture, Ran};

/// Makes one file per call, named after the parameter `name`, or as the file `name` beside it says.
const GENERATOR: &str = r#"#!/bin/sh
[ -z "$TASKER_CLIENT_PROFILE" ] || { echo "Profile not found"; exit 1; }
while [ $# -gt 0 ]; do
    case "$1" in
    -o) out=$2; shift ;;
    -p) case "$2" in name=*) name=${2#name=} ;; esac; shift ;;
    esac
    shift
done
mkdir -p "$out"
file=$(cat "$(dirname "$0")/name" 2>/dev/null || echo "$name")
echo "made for $name" > "$out/$file.py"
"#;

/// How the generator is told another name.
const NAME: &str = ".xtask/tools/tasker-ctl-1.0/bin/name";
const PLUGIN: &str = "python/plugin";

/// The fixture with a generator that has been built already.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let table = fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    fixture.write(
        "xtask/tools.toml",
        &format!(
            "{table}\n[tool.tasker-ctl]\nversion = \"1.0\"\nregistry = \"crates\"\nbinary = \"bin/tasker-ctl\"\n\
             languages = [\"tasker-plugin\"]\nabout = \"generates\"\non_demand = true\n\n[tool.tasker-ctl.build]\n\
             package = \"tasker-ctl\"\nsha256 = []\nlock = \"none.lock\"\n"
        ),
    );
    let program = ".xtask/tools/tasker-ctl-1.0/bin/tasker-ctl";
    fixture.write(program, GENERATOR);
    fs::set_permissions(
        fixture.root.join(program),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    // What has passed is known by the files that git sees.
    fixture.write(".gitignore", "/target/\n/.xtask/\n.venv/\n");
    git(&fixture.root, &["init", "--quiet"]);
    fixture
}

fn run(fixture: &Fixture, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = fixture.xtask(args);
    command.envs(env.iter().copied());
    // Projects that are kept after a failure go away with the fixture.
    command.env("TMPDIR", &fixture.shims);
    Ran::from(command.output().unwrap())
}

fn kept(fixture: &Fixture) -> Vec<String> {
    let entries = fs::read_dir(&fixture.shims).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with("xtask-templates-"))
        .collect()
}

#[test]
fn list_shows_templates_with_their_parameters() {
    let ran = fixture().run(&["template", "list"]);
    assert_eq!(
        ran.out,
        "demo-plugin 0.1.0 (python/plugin)\n  handler  A handler.  name\n"
    );
    let records = fixture().run(&["template", "list", "--json"]).records();
    assert_eq!(
        records[0]["templates"][0]["parameters"][0]["required"],
        true
    );
}

#[test]
fn a_plugin_is_proven_once_and_again_after_a_change() {
    let fixture = fixture();
    let ran = run(&fixture, &["template", "test"], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("handler-awkward: there is no snapshot (look at the difference, then: cargo xtask template test --update)"),
        "{ran:?}"
    );
    assert_eq!(kept(&fixture).len(), 1, "the project can be looked at");

    let ran = run(&fixture, &["template", "test", "--update"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let snapshot = fixture
        .root
        .join(PLUGIN)
        .join("tests/snapshots/handler-plain.txt");
    assert_eq!(
        fs::read_to_string(&snapshot).unwrap(),
        "=== a_handler.py\nmade for a_handler\n"
    );

    // A profile of the user's does no harm, although tasker-ctl looks it up.
    let ran = run(
        &fixture,
        &["template", "test"],
        &[("TASKER_CLIENT_PROFILE", "production")],
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .contains("ok python/plugin:test  3 passed, 0 failed, 1 skipped"),
        "{ran:?}"
    );
    assert!(
        ran.out
            .contains("plugins: 1 tested, 0 unchanged, 0 skipped of 1"),
        "{ran:?}"
    );
    assert_eq!(kept(&fixture).len(), 1, "only what failed is kept");

    let ran = run(&fixture, &["template", "test"], &[]);
    assert!(
        ran.out
            .contains("plugins: 0 tested, 1 unchanged, 0 skipped of 1"),
        "{ran:?}"
    );
    let ran = run(&fixture, &["template", "test", "--no-cache"], &[]);
    assert!(ran.out.contains("1 tested"), "{ran:?}");

    fs::write(&snapshot, "=== a_handler.py\nmade for b_handler\n").unwrap();
    let ran = run(&fixture, &["template", "test"], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out
            .contains("- made for b_handler\n+ made for a_handler"),
        "{ran:?}"
    );
}

#[test]
fn what_the_checks_use_is_part_of_what_must_not_change() {
    let fixture = fixture();
    assert_eq!(
        run(&fixture, &["template", "test", "--update"], &[]).code,
        Some(0)
    );
    assert_eq!(run(&fixture, &["template", "test"], &[]).code, Some(0));
    for file in [
        "python/greeter/src/greeter/__init__.py",
        "python/plugin/templates/handler/handler.py.tera",
        "xtask/tools.toml",
    ] {
        let text = fs::read_to_string(fixture.root.join(file)).unwrap();
        fixture.write(file, &format!("{text}\n# changed\n"));
        let ran = run(&fixture, &["template", "test"], &[]);
        assert!(ran.out.contains("1 tested"), "{file}: {ran:?}");
        let ran = run(&fixture, &["template", "test"], &[]);
        assert!(ran.out.contains("1 unchanged"), "{file}: {ran:?}");
    }
}

#[test]
fn files_that_overwrite_each_other_are_refused() {
    let fixture = fixture();
    fixture.write(NAME, "same");
    let ran = run(&fixture, &["template", "test", "--update"], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("handler-namespaced and handler-awkward make different files same.py; give them other names in template-tests.toml, or `alone = true`"),
        "{ran:?}"
    );
    // With a project for each there is nothing to overwrite.
    let tests = format!("{PLUGIN}/template-tests.toml");
    let text = fs::read_to_string(fixture.root.join(&tests)).unwrap();
    fixture.write(
        &tests,
        &text.replace(
            "[[checks]]",
            "[templates.handler]\nalone = true\n\n[[checks]]",
        ),
    );
    let ran = run(&fixture, &["template", "test", "--update"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("ok python/plugin:handler-plain:test"),
        "{ran:?}"
    );
}

#[test]
fn a_file_that_leads_out_of_the_folder_is_noticed() {
    let fixture = fixture();
    fixture.write(NAME, "../escaped");
    let ran = run(&fixture, &["template", "test", "--update"], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("handler-plain: 1 outputs made 0 files in the folder; two outputs have the same name, or one leads out of the folder"),
        "{ran:?}"
    );
}

#[test]
fn a_broken_plugin_is_refused_before_anything_is_generated() {
    let fixture = fixture();
    fixture.write(
        &format!("{PLUGIN}/templates/handler/handler.py.tera"),
        "{{ nme }}\n",
    );
    let ran = run(&fixture, &["template", "test"], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("templates/handler/handler.py.tera:1: `nme` is not a parameter of the template; did you mean `name`?"),
        "{ran:?}"
    );
    assert_eq!(kept(&fixture), [""; 0]);
}

#[test]
fn a_language_that_is_not_installed_is_missing_and_never_proven() {
    let fixture = fixture();
    let table = fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    fixture.write(
        "xtask/tools.toml",
        &format!(
            "{table}\n[host.snake]\ncommand = [\"no-such-snake\", \"--version\"]\nminimum = \"3\"\nlanguages = [\"python\"]\n\
             about = \"runs Python\"\nfix = \"apt-get install snake\"\n"
        ),
    );
    let ran = run(&fixture, &["template", "test"], &[]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.out,
        "missing python/plugin: snake 3 or newer is required (runs Python); not found\n  fix: apt-get install snake\n\
         plugins: 0 tested, 0 unchanged, 1 skipped of 1\n"
    );
    let ran = run(&fixture, &["template", "test", "--strict"], &[]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "error: skipped, because tools are missing: python/plugin\n  fix: install the tools named above, or leave out --strict\n"
    );
}

#[test]
fn a_dry_run_changes_nothing_and_starts_nothing() {
    let fixture = fixture();
    let before = fixture.tree();
    let ran = run(&fixture, &["template", "test", "--dry-run"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .contains("tasker-ctl template generate handler --plugin demo-plugin -o"),
        "{ran:?}"
    );
    assert_eq!(fixture.tree(), before);
    assert_eq!(fixture.calls(), [""; 0]);
    assert_eq!(kept(&fixture), [""; 0]);
}

#[test]
fn names_that_stand_for_nothing() {
    let fixture = fixture();
    let ran = fixture.run(&["template", "test", "--plugin", "demo-plugins"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .starts_with("error: no plugin is called `demo-plugins`"),
        "{ran:?}"
    );
    let ran = fixture.run(&["template", "test", "--template", "handlr"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .starts_with("error: no template is called `handlr`; did you mean `handler`?"),
        "{ran:?}"
    );
}

/// The plugins of this repository themselves.
#[test]
fn every_plugin_of_this_repository_obeys_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let repo = lang::discover(root).unwrap();
    let plugins: Vec<_> = repo
        .units
        .iter()
        .filter(|unit| unit.language == "tasker-plugin")
        .collect();
    assert!(!plugins.is_empty());
    for unit in plugins {
        let found = xtask::plugin::rules::problems(&repo.path(unit));
        assert_eq!(found, [""; 0], "{}", unit.folder);
    }
}
