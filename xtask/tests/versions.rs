//! Versions of a small repository of every ecosystem: listed, checked, raised.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use semver::Version;
use xtask::version::bump::{level_of, next, plan, Level};
use xtask::version::changelog::{notes, release, Commit};
use xtask::version::{check, notation, packages, range, Ecosystem};

const ALL: [Ecosystem; 6] = [
    Ecosystem::Crate,
    Ecosystem::Python,
    Ecosystem::Gem,
    Ecosystem::Npm,
    Ecosystem::Chart,
    Ecosystem::Plugin,
];

/// A repository with one package of each ecosystem, most of them with another that builds on it.
const FILES: [(&str, &str); 12] = [
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
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let ran = Command::new("git")
            .arg("-C")
            .arg(self.root())
            .args(who)
            .args(args)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{args:?}: {ran:?}");
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
        let packages = packages(self.root()).unwrap();
        let chosen: Vec<usize> = (0..packages.len())
            .filter(|i| folder == "all" || packages[*i].folder == folder)
            .collect();
        let level = Level::parse(level).map_err(|error| error.to_string())?;
        let bump = plan(self.root(), &packages, &chosen, &level, pre, "2026-01-02")
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
    let found: Vec<String> = packages(fixture.root())
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
            "plugin fix-plugin 0.1.0 false ",
            "python/app fix-app 0.1.0 true fix-py >=0.1,<0.2",
            "python/pkg fix_py 0.1.0 false requests >=2",
            "rust/base fix-base 0.1.0 false ",
            "rust/top fix-top 0.3.0 false fix-base 0.1",
        ]
    );
    assert_eq!(
        check::drifts(fixture.root(), &packages(fixture.root()).unwrap()).unwrap(),
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
    let drifts = check::drifts(fixture.root(), &packages(fixture.root()).unwrap()).unwrap();
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
        for ecosystem in ALL {
            let text = notation::write(ecosystem, &version).unwrap();
            prop_assert_eq!(notation::read(ecosystem, &text), Ok(version.clone()), "{:?} {}", ecosystem, text);
        }
    }

    #[test]
    fn reading_never_panics_and_writes_back(text in "[0-9.]{0,8}[-.]?(a|b|rc|alpha|beta)?[.]?[0-9]{0,3}") {
        for ecosystem in ALL {
            if let Ok(version) = notation::read(ecosystem, &text) {
                let written = notation::write(ecosystem, &version).unwrap();
                prop_assert_eq!(notation::read(ecosystem, &written), Ok(version));
            }
        }
    }

    #[test]
    fn a_range_that_starts_at_a_version_admits_it_and_not_the_next_breaking_one(version in versions(), style in 0usize..8) {
        for ecosystem in ALL {
            let range = ["^0.1.0", "~0.1.0", "0.1.0", ">=0.1,<0.2", "*", "=0.1.0", "~> 0.1", "~=0.1"][style];
            let new = range::starting_at(ecosystem, range, &version).unwrap();
            // Some styles are unknown to some ecosystems.
            if let Some(admitted) = range::admits(ecosystem, &new, &version) {
                prop_assert!(admitted, "{:?}: {} does not admit {}", ecosystem, new, version);
                let breaking = Version::new(version.major + 1, 0, 0);
                prop_assert_eq!(range::admits(ecosystem, &new, &breaking).map(|it| it && version.pre.is_empty()), Some(false));
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
