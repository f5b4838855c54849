//! Versions of a small repository of every ecosystem: listed, checked, raised.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use semver::Version;
use xtask::lang::ecosystems;
use xtask::version::bump::{level_of, next, plan, refuse_strangers, Bump, Level};
use xtask::version::changelog::{notes, release, Commit};
use xtask::version::{check, compatibility, notation, packages, range};

/// A repository with one package of each ecosystem, most of them with another that builds on it.
const FILES: [(&str, &str); 14] = [
    (
        "rust/base/Cargo.toml",
        "# a comment\n[package]\nname = \"fix-base\"   # the name\nversion = \"0.1.0\"\n\n[dependencies]\n",
    ),
    (
        "rust/top/Cargo.toml",
        "[package]\nname = \"fix-top\"\nversion = \"0.3.0\"\n\n[dependencies]\nfix-base = { path = \"../base\", version = \"0.1\" } # ours\n",
    ),
    (
        "python/pkg/pyproject.toml",
        "[build-system]\nrequires = [\"hatchling\"]\n\n[project]\nname = \"fix_py\"\nversion = '0.1.0'\ndependencies = [\n  \"requests>=2\", # theirs\n]\n",
    ),
    (
        "python/app/pyproject.toml",
        "[project]\nname = \"fix-app\"\nversion = \"0.1.0\"\ndependencies = [\"fix-py[all]>=0.1,<0.2; python_version > '3'\"]\n",
    ),
    (
        "gem/fix.gemspec",
        "Gem::Specification.new do |spec|\n  spec.name = \"fix\"\nend\n",
    ),
    (
        "gem/lib/fix/version.rb",
        "module Fix\n  # The version.\n  VERSION = \"0.1.0\"\nend\n",
    ),
    (
        "gem2/fix2.gemspec",
        "Gem::Specification.new do |spec|\n  spec.name = \"fix2\"\n  spec.add_dependency \"fix\", \"~> 0.1.0\", \">= 0.1.0\" # ours\nend\n",
    ),
    ("gem2/lib/fix2/version.rb", "VERSION = \"0.1.0\"\n"),
    (
        "npm/package.json",
        "{\n    \"name\": \"@fix/npm\",\n\t\"version\": \"0.1.0\",\n    \"scripts\": {\"version\": \"echo\"}\n}\n",
    ),
    (
        "npm2/package.json",
        "{\"name\": \"fix2\", \"version\": \"1.0.0\", \"dependencies\": {\"@fix/npm\": \"^0.1.0\"}}",
    ),
    (
        "chart/Chart.yaml",
        "# chart\napiVersion: v2\nname: fix\nversion: 0.1.0 # ours\nappVersion: \"0.1.0\"\n",
    ),
    (
        "plugin/tasker-plugin.toml",
        "[plugin]\nname = \"fix-plugin\"\nversion = \"0.1.0\"\n",
    ),
    (
        "plugin/templates/app/Cargo.toml.tera",
        "[package]\nname = \"{{ name }}{% if x %}-app{% endif %}\"\n\n[dependencies]\nfix-base = \"0.1\" # ours\n",
    ),
    (
        "plugin/tests/snapshots/app-plain.txt",
        "=== a/Cargo.toml\n[dependencies]\nfix-base = \"0.1\" # ours\n=== a/README.md\nfix-base = \"0.1\"\n",
    ),
];

struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in FILES {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let fixture = Self(folder);
        fixture.git(&["init", "-q"]);
        fixture.commit("feat: first");
        fixture
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, args: &[&str]) {
        common::git(self.root(), args);
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// What a bump would write, without changelogs.
    fn bump(
        &self,
        folder: &str,
        level: &str,
        pre: Option<&str>,
    ) -> Result<BTreeMap<PathBuf, String>, String> {
        let packages = packages(self.root(), &ecosystems()).unwrap();
        let chosen: Vec<usize> = (0..packages.len())
            .filter(|i| folder == "all" || packages[*i].folder == folder)
            .collect();
        let level = Level::parse(level).map_err(|error| error.to_string())?;
        let bump = plan(
            self.root(),
            &packages,
            &chosen,
            &level,
            pre,
            "2026-01-02",
            &ecosystems(),
        )
        .map_err(|error| error.to_string())?;
        Ok(bump
            .files
            .into_iter()
            .filter(|(file, _)| !file.ends_with("CHANGELOG.md"))
            .collect())
    }
}

/// Old and new text of the lines that differ.
fn differing(old: &str, new: &str) -> Vec<(String, String)> {
    assert_eq!(old.lines().count(), new.lines().count());
    old.lines()
        .zip(new.lines())
        .filter(|(a, b)| a != b)
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

#[test]
fn every_ecosystem_is_found_with_its_version_and_ranges() {
    let fixture = Fixture::new();
    let found: Vec<String> = packages(fixture.root(), &ecosystems())
        .unwrap()
        .iter()
        .map(|p| {
            format!(
                "{} {} {} {} {}",
                p.folder,
                p.name,
                p.version,
                p.private,
                p.uses
                    .iter()
                    .map(|u| format!("{} {}", u.name, u.range.as_deref().unwrap_or("-")))
                    .collect::<Vec<_>>()
                    .join("; ")
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "chart fix 0.1.0 false ",
            "gem fix 0.1.0 false ",
            "gem2 fix2 0.1.0 false fix ~> 0.1.0, >= 0.1.0",
            "npm @fix/npm 0.1.0 false ",
            "npm2 fix2 1.0.0 false @fix/npm ^0.1.0",
            "plugin fix-plugin 0.1.0 false name {{ name }}{% if x %}-app{% endif %}; fix-base 0.1; fix-base 0.1",
            "python/app fix-app 0.1.0 true fix-py >=0.1,<0.2",
            "python/pkg fix_py 0.1.0 false requests >=2",
            "rust/base fix-base 0.1.0 false ",
            "rust/top fix-top 0.3.0 false fix-base 0.1",
        ]
    );
    assert_eq!(
        check::drifts(
            fixture.root(),
            &packages(fixture.root(), &ecosystems()).unwrap(),
            &ecosystems()
        )
        .unwrap(),
        []
    );
}

#[test]
fn a_bump_changes_versions_and_the_ranges_that_need_it_and_not_one_byte_more() {
    let fixture = Fixture::new();
    let old: BTreeMap<&str, &str> = FILES.into_iter().collect();
    let mut seen = Vec::new();
    for folder in ["rust/base", "python/pkg", "gem", "npm", "chart", "plugin"] {
        for (file, new) in fixture.bump(folder, "minor", Some("rc")).unwrap() {
            let file = file.display().to_string();
            for (_, line) in differing(old[file.as_str()], &new) {
                seen.push(format!("{file}: {}", line.trim()));
            }
        }
    }
    assert_eq!(
        seen,
        [
            "plugin/templates/app/Cargo.toml.tera: fix-base = \"0.2.0-rc.1\" # ours",
            "plugin/tests/snapshots/app-plain.txt: fix-base = \"0.2.0-rc.1\" # ours",
            "rust/base/Cargo.toml: version = \"0.2.0-rc.1\"",
            "rust/top/Cargo.toml: fix-base = { path = \"../base\", version = \"0.2.0-rc.1\" } # ours",
            "python/app/pyproject.toml: dependencies = [\"fix-py[all]>=0.2.0rc1,<0.3.0; python_version > '3'\"]",
            "python/pkg/pyproject.toml: version = '0.2.0rc1'",
            "gem/lib/fix/version.rb: VERSION = \"0.2.0.rc.1\"",
            "gem2/fix2.gemspec: spec.add_dependency \"fix\", \">= 0.2.0.rc.1\", \"< 0.3.0\" # ours",
            "npm/package.json: \"version\": \"0.2.0-rc.1\",",
            "npm2/package.json: {\"name\": \"fix2\", \"version\": \"1.0.0\", \"dependencies\": {\"@fix/npm\": \"^0.2.0-rc.1\"}}",
            "chart/Chart.yaml: version: 0.2.0-rc.1 # ours",
            "plugin/tasker-plugin.toml: version = \"0.2.0-rc.1\"",
        ]
    );
    // A patch release is what the ranges allow anyway.
    assert_eq!(fixture.bump("rust/base", "patch", None).unwrap().len(), 1);
}

#[test]
fn what_git_ignores_is_no_package() {
    let fixture = Fixture::new();
    let before = packages(fixture.root(), &ecosystems()).unwrap().len();
    let copy = fixture.root().join("npm/plugin");
    fs::create_dir(&copy).unwrap();
    fs::copy(
        fixture.root().join("plugin/tasker-plugin.toml"),
        copy.join("tasker-plugin.toml"),
    )
    .unwrap();
    assert_eq!(
        packages(fixture.root(), &ecosystems()).unwrap().len(),
        before + 1
    );
    fs::write(fixture.root().join("npm/.gitignore"), "plugin/\n").unwrap();
    assert_eq!(
        packages(fixture.root(), &ecosystems()).unwrap().len(),
        before
    );
}

#[test]
fn what_cannot_be_raised_is_refused() {
    let fixture = Fixture::new();
    let refused = |folder: &str, level: &str| fixture.bump(folder, level, None).unwrap_err();
    assert_eq!(
        refused("npm2", "0.9.0"),
        "fix2 is at 1.0.0; 0.9.0 would be a downgrade; nothing was changed"
    );
    assert_eq!(
        refused("npm", "0.1.0"),
        "@fix/npm 0.1.0 exists already; nothing was changed"
    );
    assert!(refused("npm", "1.2.3-nightly.1").contains("-alpha.N, -beta.N or -rc.N"));
    assert!(refused("npm", "sideways").contains("neither a level nor a version"));
    fixture.git(&["tag", "npm/v0.2.0"]);
    assert!(refused("npm", "minor").contains("0.2.0 exists already"));
    fs::write(fixture.root().join("new.txt"), "x").unwrap();
    assert!(refused("npm", "patch").contains("`?? new.txt`"));
}

#[test]
fn auto_reads_the_commits_that_touch_the_package() {
    let fixture = Fixture::new();
    for folder in ["npm", "npm2", "chart"] {
        let version = if folder == "npm2" { "1.0.0" } else { "0.1.0" };
        fixture.git(&["tag", &format!("{folder}/v{version}")]);
    }
    fs::write(fixture.root().join("npm2/x"), "x").unwrap();
    fixture.commit("feat(npm2): something");
    fs::write(fixture.root().join("chart/x"), "x").unwrap();
    fixture.commit("docs: words");
    let auto = |folder: &str| fixture.bump(folder, "auto", None).unwrap();
    assert!(auto("npm2")[Path::new("npm2/package.json")].contains("\"1.1.0\""));
    assert!(auto("npm").is_empty() && auto("chart").is_empty());
    let commit = |text: &str| Commit::parse(text).unwrap();
    let one: Version = "1.0.0".parse().unwrap();
    assert_eq!(level_of(&one, &[commit("fix!: x")]), Some(Level::Major));
    assert_eq!(
        level_of(&one, &[commit("chore: x\n\nBREAKING CHANGE: y")]),
        Some(Level::Major)
    );
    assert_eq!(
        level_of(&"0.1.0".parse().unwrap(), &[commit("feat!: x")]),
        Some(Level::Minor)
    );
    assert_eq!(Commit::parse("Merge branch: x"), None);
}

#[test]
fn drift_is_named_with_its_line_and_its_repair() {
    let fixture = Fixture::new();
    fs::write(
        fixture.root().join("npm/package.json"),
        "{\"name\": \"@fix/npm\", \"version\": \"0.4.0\"}",
    )
    .unwrap();
    fs::write(
        fixture.root().join("npm/package-lock.json"),
        "{\"name\": \"@fix/npm\", \"version\": \"0.1.0\"}",
    )
    .unwrap();
    let drifts = check::drifts(
        fixture.root(),
        &packages(fixture.root(), &ecosystems()).unwrap(),
        &ecosystems(),
    )
    .unwrap();
    let lines: Vec<String> = drifts
        .iter()
        .map(|d| format!("{}: {}: {}", d.at, d.what, d.fix))
        .collect();
    assert_eq!(
        lines,
        [
            "npm/package-lock.json: the lock file has @fix/npm 0.1.0, the manifest 0.4.0: npm install --package-lock-only",
            "npm2/package.json:1: fix2 wants @fix/npm ^0.1.0, but here it is 0.4.0: write `^0.4.0`",
        ]
    );
}

/// A table of Core's packages, and a page of the packages that ours work with.
fn with_core(fixture: &Fixture) -> impl Fn() -> Vec<String> + '_ {
    let write = |file: &str, text: &str| {
        let path = fixture.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "xtask/contract/core.toml",
        "[[package]]\nlanguage = \"python\"\nname = \"core-py\"\npublished = \"0.1.8\"\nsupported = \">=0.1.8, <0.2.0\"\n",
    );
    write(
        "python/pkg/pyproject.toml",
        "[build-system]\n[project]\nname = \"fix_py\"\nversion = \"0.1.0\"\nrequires-python = \">=3.10\"\ndependencies = [\"core-py>=0.1.8,<0.2.0\", \"fastapi>=0.115\"]\n",
    );
    write(
        "docs/reference/compatibility.md",
        &compatibility::page(fixture.root(), &ecosystems()).unwrap(),
    );
    || {
        let drifts = check::drifts(
            fixture.root(),
            &packages(fixture.root(), &ecosystems()).unwrap(),
            &ecosystems(),
        )
        .unwrap();
        drifts
            .iter()
            .map(|d| format!("{}: {}: {}", d.at, d.what, d.fix))
            .collect()
    }
}

#[test]
fn what_a_package_works_with_is_the_same_everywhere() {
    let fixture = Fixture::new();
    let drifts = with_core(&fixture);
    assert_eq!(drifts(), Vec::<String>::new());
    let page = fixture.root().join("docs/reference/compatibility.md");
    let row =
        "| fix_py (python) | core-py `>=0.1.8,<0.2.0` | fastapi `>=0.115` | Python `>=3.10` |";
    assert!(fs::read_to_string(&page).unwrap().contains(row));

    // The manifest changes, and the page does not.
    let manifest = fixture.root().join("python/pkg/pyproject.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("0.115", "0.116")).unwrap();
    assert_eq!(
        drifts(),
        ["docs/reference/compatibility.md:9: the rows differ from the manifests: cargo xtask codegen"]
    );
    // The manifest and the table disagree about what is supported, though both admit what is published.
    fs::write(&manifest, text.replace("<0.2.0", "<0.3.0")).unwrap();
    assert!(drifts()[0].starts_with("python/pkg/pyproject.toml:6: fix_py wants core-py >=0.1.8,<0.3.0, but xtask/contract/core.toml supports >=0.1.8, <0.2.0: they disagree about 0.2.0"), "{:?}", drifts());
    // A lock file with another version of Core than the one that is published.
    fs::write(&manifest, &text).unwrap();
    let lock = fixture.root().join("python/pkg/requirements.lock");
    fs::write(lock, "# locked\ncore-py==0.1.9 \\\n    --hash=x\n").unwrap();
    assert_eq!(
        drifts(),
        ["python/pkg/requirements.lock: the lock file has core-py 0.1.9, but xtask/contract/core.toml names 0.1.8 as published: lock the published version, or correct the table"]
    );
}

#[test]
fn a_template_that_pins_an_old_version_is_drift() {
    let fixture = Fixture::new();
    let manifest = fixture.root().join("rust/base/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("0.1.0", "0.2.0")).unwrap();
    let drifts = check::drifts(
        fixture.root(),
        &packages(fixture.root(), &ecosystems()).unwrap(),
        &ecosystems(),
    )
    .unwrap();
    let places: Vec<&str> = drifts.iter().map(|drift| drift.at.as_str()).collect();
    assert_eq!(
        places,
        [
            "plugin/templates/app/Cargo.toml.tera:5",
            "plugin/tests/snapshots/app-plain.txt:3",
            "rust/top/Cargo.toml:6"
        ]
    );
}

#[test]
fn lock_files_of_every_ecosystem_are_read() {
    let fixture = Fixture::new();
    for (file, text) in [
        ("gem/Gemfile.lock", "PATH\n  remote: .\n  specs:\n    fix (0.0.9)\n      rack (>= 1)\n\nGEM\n  specs:\n    fix (7)\n"),
        ("rust/Cargo.lock", "version = 3\n\n[[package]]\nname = \"fix-base\"\nversion = \"0.0.9\"\n\n[[package]]\nname = \"fix-top\"\nversion = \"9.9.9\"\nsource = \"registry\"\n"),
        ("npm/package-lock.json", "{\"name\": \"@fix/npm\", \"version\": \"0.0.9\", \"packages\": {}}"),
    ] {
        fs::write(fixture.root().join(file), text).unwrap();
    }
    let drifts = check::drifts(
        fixture.root(),
        &packages(fixture.root(), &ecosystems()).unwrap(),
        &ecosystems(),
    )
    .unwrap();
    let found: Vec<String> = drifts
        .iter()
        .map(|d| format!("{}: {}", d.at, d.what))
        .collect();
    assert_eq!(
        found,
        [
            "gem/Gemfile.lock: the lock file has fix 0.0.9, the manifest 0.1.0",
            "npm/package-lock.json: the lock file has @fix/npm 0.0.9, the manifest 0.1.0",
            "rust/Cargo.lock: the lock file has fix-base 0.0.9, the manifest 0.1.0",
        ]
    );
}

#[test]
fn a_version_that_only_the_remote_has_exists_already() {
    let fixture = Fixture::new();
    let remote = tempfile::tempdir().unwrap();
    let place = remote.path().display().to_string();
    fixture.git(&["init", "-q", "--bare", &place]);
    fixture.git(&["remote", "add", "origin", &place]);
    fixture.git(&["tag", "npm/v0.2.0"]);
    fixture.git(&["push", "-q", "origin", "npm/v0.2.0"]);
    fixture.git(&["tag", "-d", "npm/v0.2.0"]);
    let why = fixture.bump("npm", "minor", None).unwrap_err();
    assert!(why.contains("0.2.0 exists already"), "{why}");
    // A remote that is gone keeps nobody from working.
    fixture.git(&["remote", "set-url", "origin", "/nowhere/at/all"]);
    assert!(fixture.bump("npm", "minor", None).is_ok());
}

/// `xtask bump` as a process, with a program of our own as npm.
fn bump_with_npm(fixture: &Fixture, npm: &str) -> std::process::Output {
    use std::os::unix::fs::PermissionsExt;
    let shims = tempfile::tempdir().unwrap();
    let path = shims.path().join("npm");
    fs::write(&path, format!("#!/bin/sh\n{npm}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let machine = std::env::var("PATH").unwrap();
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["bump", "npm", "minor"])
        .current_dir(fixture.root())
        .env("PATH", format!("{}:{machine}", shims.path().display()))
        .output()
        .unwrap()
}

#[test]
fn a_lock_file_that_cannot_be_updated_leaves_everything_as_it_was() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.root().join("xtask")).unwrap();
    fs::write(fixture.root().join("xtask/tools.toml"), "").unwrap();
    fs::write(fixture.root().join(".gitignore"), "/target\n").unwrap();
    fs::write(
        fixture.root().join("npm/package-lock.json"),
        "{\"name\": \"@fix/npm\", \"version\": \"0.1.0\"}",
    )
    .unwrap();
    fixture.commit("chore: locked");
    let status = || {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(fixture.root())
            .args(["status", "--porcelain"]);
        String::from_utf8(git.output().unwrap().stdout).unwrap()
    };
    // It writes half of something, and fails.
    let failed = bump_with_npm(
        &fixture,
        "echo broken > package-lock.json; echo no network >&2; exit 1",
    );
    let said = String::from_utf8_lossy(&failed.stdout).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(
        said.contains("no network") && said.contains("every file was restored"),
        "{said}"
    );
    assert_eq!(status(), "");

    // It says that it succeeded, and the file still has the old version.
    let stale = bump_with_npm(&fixture, "exit 0");
    assert_eq!(stale.status.code(), Some(1), "{stale:?}");
    assert!(
        String::from_utf8_lossy(&stale.stdout)
            .contains("the lock file has @fix/npm 0.1.0, the manifest 0.2.0"),
        "{stale:?}"
    );
    assert_eq!(status(), "");

    // It succeeds, is asked whether the file fits, and both are kept.
    let done = bump_with_npm(
        &fixture,
        "sed -i s/0.1.0/0.2.0/ package-lock.json; echo \"$@\" >> calls",
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let lock = fs::read_to_string(fixture.root().join("npm/calls")).unwrap();
    assert!(
        lock.contains("install --package-lock-only") && lock.contains("ls --package-lock-only"),
        "{lock}"
    );
    assert!(fs::read_to_string(fixture.root().join("npm/package.json"))
        .unwrap()
        .contains("0.2.0"));
}

#[test]
fn hand_written_notes_stay() {
    let before = "# Changelog\n\nWords.\n\n## [Unreleased]\n\n### Added\n\n- By hand.\n\n## [0.1.0] - 2025-01-01\n\n- Old.\n";
    let commits = [
        Commit::parse("feat: new").unwrap(),
        Commit::parse("fix(x)!: mended").unwrap(),
        Commit::parse("docs: no").unwrap(),
    ];
    let after = release(before, "0.2.0", "2026-01-02", &commits);
    assert_eq!(
        after,
        "# Changelog\n\nWords.\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-02\n\n### Added\n\n- By hand.\n- new\n\n### Fixed\n\n- **Breaking:** mended\n\n\
         ## [0.1.0] - 2025-01-01\n\n- Old.\n"
    );
    assert_eq!(notes(&after, "0.1.0").as_deref(), Some("- Old."));
    assert_eq!(notes(&after, "0.1"), None);
    assert!(release("", "0.1.0", "2026-01-02", &[])
        .contains("## 0.1.0 - 2026-01-02\n\nNo changes of its own."));
}

fn versions() -> impl Strategy<Value = Version> {
    let numbers = (0u64..40, 0u64..40, 0u64..40);
    let pre = proptest::option::of((0usize..3, 0u64..40));
    (numbers, pre).prop_map(|((major, minor, patch), pre)| {
        let mut version = Version::new(major, minor, patch);
        if let Some((kind, number)) = pre {
            version.pre =
                semver::Prerelease::new(&format!("{}.{number}", notation::KINDS[kind].0)).unwrap();
        }
        version
    })
}

proptest! {
    #[test]
    fn every_version_survives_every_notation(version in versions()) {
        for ecosystem in ecosystems() {
            let text = ecosystem.write(&version).unwrap();
            prop_assert_eq!(ecosystem.parse(&text), Ok(version.clone()), "{:?} {}", ecosystem, text);
        }
    }

    #[test]
    fn reading_never_panics_and_writes_back(text in "[0-9.]{0,8}[-.]?(a|b|rc|alpha|beta)?[.]?[0-9]{0,3}") {
        for ecosystem in ecosystems() {
            if let Ok(version) = ecosystem.parse(&text) {
                let written = ecosystem.write(&version).unwrap();
                prop_assert_eq!(ecosystem.parse(&written), Ok(version));
            }
        }
    }

    #[test]
    fn a_range_that_starts_at_a_version_admits_it_and_not_the_next_breaking_one(version in versions(), style in 0usize..8) {
        for ecosystem in ecosystems() {
            let range = ["^0.1.0", "~0.1.0", "0.1.0", ">=0.1,<0.2", "*", "=0.1.0", "~> 0.1", "~=0.1"][style];
            let new = range::starting_at(ecosystem.0, range, &version).unwrap();
            // Some styles are unknown to some ecosystems.
            if let Some(admitted) = ecosystem.admits(&new, &version) {
                prop_assert!(admitted, "{:?}: {} does not admit {}", ecosystem, new, version);
                let breaking = Version::new(version.major + 1, 0, 0);
                prop_assert_eq!(ecosystem.admits(&new, &breaking).map(|it| it && version.pre.is_empty()), Some(false));
            }
        }
    }

    #[test]
    fn the_next_version_is_greater(version in versions(), level in 0usize..3, pre in proptest::option::of(0usize..3)) {
        let level = [Level::Major, Level::Minor, Level::Patch][level].clone();
        let pre = pre.map(|kind| notation::KINDS[kind].0);
        let new = next(&version, &level, pre);
        // Going back from a release candidate to an alpha of the same version is refused later.
        if pre.is_none() || new.pre.as_str().ends_with(".1") && version.pre.is_empty() {
            prop_assert!(new > version, "{} is not above {}", new, version);
        }
    }
}

#[test]
fn only_files_that_versions_stand_in_are_written() {
    let with = |file: &str| Bump {
        files: [(file.into(), String::new())].into(),
        ..Bump::default()
    };
    for file in [
        "a/Cargo.toml",
        "a/CHANGELOG.md",
        "a.gemspec",
        "p/templates/x/package.json.tera",
        "p/tests/snapshots/x-plain.txt",
    ] {
        assert!(
            refuse_strangers(&with(file), &ecosystems()).is_ok(),
            "{file}"
        );
    }
    for file in [
        "README.md",
        "a/src/lib.rs",
        "notes.txt",
        "../Cargo.toml",
        "/etc/Cargo.toml",
        "a/Cargo.lock",
    ] {
        let refused = refuse_strangers(&with(file), &ecosystems())
            .unwrap_err()
            .to_string();
        assert!(refused.contains("nothing was changed"), "{file}: {refused}");
    }
}

#[test]
fn cargo_has_more_places_for_versions() {
    let fixture = Fixture::new();
    let write = |file: &str, text: &str| {
        let path = fixture.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nmembers = [\"rust/*\"]\n\n[workspace.dependencies]\nfix-base = { path = \"rust/base\", version = \"0.1\" }\n");
    let unix = "[package]\nname = \"fix-unix\"\nversion = \"0.3.0\"\n\n[target.'cfg(unix)'.dependencies]\nfix-base = { path = \"../base\", version = \"0.1\" }\n";
    write("rust/unix/Cargo.toml", unix);
    for name in ["one", "two"] {
        let text = format!("[package]\nname = \"fix-{name}\"\nversion = \"0.3.0\"\n\n[dependencies]\nfix-base.workspace = true\n");
        write(&format!("rust/{name}/Cargo.toml"), &text);
    }
    // Never published, so its version need not be one of every ecosystem's.
    write(
        "site/package.json",
        "{\"name\": \"site\", \"private\": true, \"version\": \"0.0.0-development\"}",
    );
    fixture.commit("feat: more");
    let all = packages(fixture.root(), &ecosystems()).unwrap();
    assert_eq!(
        check::drifts(fixture.root(), &all, &ecosystems()).unwrap(),
        []
    );
    let files = fixture.bump("rust/base", "minor", None).unwrap();
    for file in ["Cargo.toml", "rust/unix/Cargo.toml"] {
        let text = &files[Path::new(file)];
        assert!(text.contains("version = \"0.2.0\" }"), "{file}: {text}");
    }

    write(
        "rust/one/Cargo.toml",
        "[package]\nname = \"fix-one\"\nversion.workspace = true\n",
    );
    let refused = packages(fixture.root(), &ecosystems())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("rust/one/Cargo.toml") && refused.contains("version.workspace"),
        "{refused}"
    );
}

#[test]
fn a_clone_that_is_cut_off_raises_nothing() {
    let fixture = Fixture::new();
    let package = packages(fixture.root(), &ecosystems())
        .unwrap()
        .into_iter()
        .find(|p| p.folder == "rust/base")
        .unwrap();
    fixture.git(&["tag", &package.tag(&package.version)]);
    for message in ["feat!: breaks", "fix: mends"] {
        let lib = fixture.root().join("rust/base/lib.rs");
        let before = fs::read_to_string(&lib).unwrap_or_default();
        fs::write(lib, format!("{before}// {message}\n")).unwrap();
        fixture.commit(message);
    }
    let url = format!("file://{}", fixture.root().display());
    let bump = |options: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().display().to_string();
        common::git(
            folder.path(),
            &[&["clone", "-q"], options, &[&url, &into]].concat(),
        );
        Fixture(folder).bump("rust/base", "auto", None)
    };
    let whole = bump(&[]).unwrap();
    assert!(whole[Path::new("rust/base/Cargo.toml")].contains("version = \"0.2.0\""));
    for options in [&["--depth", "1"][..], &["--no-tags"]] {
        let refused = bump(options).unwrap_err();
        assert!(
            refused.contains("nothing was changed"),
            "{options:?}: {refused}"
        );
    }
}

/// With `log.showSignature` git writes what its signature program said among the messages.
#[test]
fn a_signed_commit_is_a_commit() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let program = fixture.0.path().join(".git/sign");
    let script = "#!/bin/sh\ncase \"$*\" in *--verify*) echo 'gpg: Good signature' >&2; exit 0;; esac\ncat > /dev/null\n\
        printf '\\n[GNUPG:] SIG_CREATED \\n' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fixture.git(&["config", "gpg.program", &program.display().to_string()]);
    fixture.git(&["config", "log.showSignature", "true"]);
    let package = packages(fixture.root(), &ecosystems())
        .unwrap()
        .into_iter()
        .find(|p| p.folder == "rust/base")
        .unwrap();
    fixture.git(&["tag", &package.tag(&package.version)]);
    fs::write(fixture.root().join("rust/base/lib.rs"), "// new\n").unwrap();
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-S", "-m", "feat!: signed thing"]);
    let files = fixture.bump("rust/base", "auto", None).unwrap();
    assert!(files[Path::new("rust/base/Cargo.toml")].contains("version = \"0.2.0\""));
}
