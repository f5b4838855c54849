//! Ruby: gems with a `*.gemspec`, and apps with a `Gemfile`, tested and built with the gems of this machine.
//!
//! Nothing is fetched: gems come from the machine's packages, or from a bundle that a developer has made (then there is a
//! `Gemfile.lock`, and the tools run inside the bundle). The specification is Ruby; it is not executed to read it, so the two
//! things that are needed must stand there literally: `spec.name = "…"`, and what else must be built for the tests as a comment:
//! `# xtask: needs = ["ops/dev-server"]`. An app's name stands in such a comment of its `Gemfile`, too; it has no version, and is not built.

mod channel;
mod checkout;
mod constants;
mod counts;
mod versions;

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::language::{Entry, Job, Language};
use super::planner::{Planner, Provided};
use crate::error::Result;
use crate::plan::Count;
use crate::process::Invocation;
use crate::tasker_core::Checkout;
use crate::unit::{described, Described, Found, Malformed, Reader, Unit};

#[derive(Debug)]
pub struct Ruby;

pub const ECOSYSTEM: Entry = Entry {
    language: Some(&Ruby),
    versions: Some(&Ruby),
    channel: Some(&Ruby),
    constants: &[&constants::RAILS],
};

const CORE: &str = "tasker-rb";
/// The manifest of an app.
const APP: &str = "Gemfile";
/// Compares a unit's double of Core's gem with the gem's folder, which is its argument: prints what differs, and fails if anything does.
const CHECK_CORE: &str = "script/check_core";
/// In a unit's manifest, if its specification names Core's gem.
const DEPENDS_ON_CORE: &str = "depends-on-core";

/// The comment that holds settings of xtask, as TOML.
const COMMENT: &str = "# xtask:";

impl Reader for Ruby {
    fn name(&self) -> &'static str {
        "ruby"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["*.gemspec", APP]
    }

    fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
        specification(text)
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        let mut unit = found.unit(self.name(), &found.required_str("name")?);
        found.own_words(&mut unit, "")?;
        Ok(Some(unit))
    }

    fn packages(&self, _root: &Path, manifests: &[PathBuf]) -> Result<Vec<Described>> {
        Ok(described(manifests, true, |manifest, text| {
            let version = assigned(text, ".version").or_else(|| required_version(manifest, text));
            Some((assigned(text, ".name")?, version))
        }))
    }
}

impl Language for Ruby {
    fn counts(&self) -> Option<Count> {
        Some(counts::RSPEC)
    }

    fn build_core(&self, planner: &mut Planner<'_>) -> Result<()> {
        checkout::core(planner).map(drop)
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        let folder = planner.repo.path(unit);
        let bundled = planner.is_there(&folder.join("Gemfile.lock"));
        let tool = |argv: &[&str]| {
            let bundle: &[&str] = if bundled { &["bundle", "exec"] } else { &[] };
            Invocation::new(&folder, bundle.iter().chain(argv).copied())
        };
        match job {
            Job::Test => {
                if !planner.is_there(&folder.join("spec")) {
                    return Ok(());
                }
                let needed = planner.provide_for_tests(unit, "uses")?;
                let core = core_gem(planner, unit)?;
                let task = planner
                    .task(unit, "rspec")
                    .after(needed.needs)
                    .after(core.needs)
                    .counting(counts::RSPEC)
                    .run(tool(&["rspec"]).envs(needed.env).envs(core.env));
                planner.add(task);
            }
            Job::Lint => {
                planner.add_each(unit, &[], [("rubocop", tool(&["rubocop"]))]);
                if planner.is_there(&folder.join("sig")) {
                    // Debian has the gem without its program.
                    let rbs = "require \"rbs\"; require \"rbs/cli\"; RBS::CLI.new(stdout: $stdout, stderr: $stderr).run(ARGV)";
                    let check = ["ruby", "-e", rbs, "--", "-I", "sig", "validate", "--silent"];
                    planner.add_each(unit, &[], [("rbs", tool(&check))]);
                }
            }
            Job::Fmt => {
                let fix = ["rubocop", "--autocorrect", "--fail-level", "fatal"];
                planner.add_each(unit, &[], [("rubocop", tool(&fix))]);
            }
            Job::Build if unit.file == APP => {}
            Job::Build => {
                let dist = planner.dist(unit);
                let gem = dist
                    .join(format!("{}.gem", unit.name))
                    .display()
                    .to_string();
                let argv = ["gem", "build", "--strict", "--output", &gem, &unit.file];
                let task = planner
                    .task(unit, "gem-build")
                    .emptying(&dist)
                    .run(Invocation::new(&folder, argv));
                planner.add(task);
            }
        }
        Ok(())
    }

    /// Runs the script of each unit that has one, with the folder of the checkout's gem. It reads Ruby sources; nothing is compiled.
    fn check_core(&self, planner: &mut Planner<'_>, checkout: &Checkout) -> Result<()> {
        let Some(package) = checkout.package(self.name(), CORE) else {
            return Ok(());
        };
        let repo = planner.repo;
        let units = repo
            .units
            .iter()
            .filter(|unit| unit.language == self.name());
        for unit in units.filter(|unit| repo.path(unit).join(CHECK_CORE).is_file()) {
            let core = package.folder().display().to_string();
            let task = planner.task(unit, "double").run(Invocation::new(
                repo.path(unit),
                ["ruby", CHECK_CORE, &core],
            ));
            planner.add(task);
        }
        Ok(())
    }
}

/// The gem of a Tasker Core checkout for a unit that depends on it: found by `require` before any installed one.
fn core_gem(planner: &mut Planner<'_>, unit: &Unit) -> Result<Provided> {
    if !unit.manifest.contains_key(DEPENDS_ON_CORE) {
        return Ok(Provided::default());
    }
    let Some(built) = checkout::core(planner)? else {
        return Ok(Provided::default());
    };
    Ok(Provided {
        needs: built.needs,
        env: vec![("RUBYLIB".to_owned(), built.path.display().to_string())],
        ..Provided::default()
    })
}

/// What xtask needs to know of a specification.
fn specification(text: &str) -> std::result::Result<Table, Malformed> {
    let mut table = Table::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(settings) = line.strip_prefix(COMMENT) {
            let settings: Table = settings
                .parse()
                .map_err(|error: toml::de::Error| Malformed {
                    line: Some(index + 1),
                    why: error.message().to_owned(),
                })?;
            table.extend(settings);
        } else if depends_on(line, CORE) {
            table.insert(DEPENDS_ON_CORE.to_owned(), Value::Boolean(true));
        } else if let Some(name) = assigned_text(line, "name") {
            table.insert("name".to_owned(), Value::String(name.to_owned()));
        }
    }
    Ok(table)
}

/// Whether a line is `spec.add_dependency "NAME"`, or one of its relatives.
fn depends_on(line: &str, name: &str) -> bool {
    line.contains(".add_")
        && ["\"", "'"].iter().any(|quote| {
            line.contains(&format!("dependency {quote}{name}{quote}"))
                || line.contains(&format!("dependency({quote}{name}{quote}"))
        })
}

/// The text in `spec.KEY = "text"`.
fn assigned_text<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (variable, rest) = line.split_once('.')?;
    if !variable.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let value = rest
        .strip_prefix(key)?
        .trim_start()
        .strip_prefix('=')?
        .trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split_once(quote).map(|(text, _)| text)
}

/// The string that Ruby code assigns: `spec.name = 'tasker-rb'`, `VERSION = "0.1.10"`.
fn assigned(text: &str, to: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (before, value) = line.split_once('=')?;
        let value = value.trim().trim_end_matches(".freeze");
        let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let value = value[1..].split(quote).next()?;
        before.trim().ends_with(to).then(|| value.to_owned())
    })
}

/// The version of a specification that takes it from a file it requires, as Bundler's own template does.
fn required_version(manifest: &Path, text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let path = line.trim().strip_prefix("require_relative")?.trim();
        let path = path.trim_matches(|c| matches!(c, '\'' | '"' | '(' | ')'));
        let file = manifest.parent()?.join(path).with_extension("rb");
        assigned(&std::fs::read_to_string(file).ok()?, "VERSION")
    })
}

#[cfg(test)]
mod tests {
    use super::{assigned, specification};

    #[test]
    fn a_specification_is_read_without_running_it() {
        let table = specification(
            "# xtask: needs = [\"ops/dev-server\"]\nGem::Specification.new do |spec|\n  spec.name = \"shop\"\n  \
             spec.summary = 'name = \"no\"'\nend\n",
        )
        .unwrap();
        assert_eq!(table["name"].as_str(), Some("shop"));
        assert_eq!(table["needs"][0].as_str(), Some("ops/dev-server"));
        assert!(!table.contains_key("depends-on-core"));
        for line in [
            "spec.add_dependency \"tasker-rb\", \"~> 0.1.8\"",
            "spec.add_development_dependency('tasker-rb')",
        ] {
            assert!(
                specification(line).unwrap().contains_key("depends-on-core"),
                "{line}"
            );
        }
        assert!(!specification("s.names = \"x\"")
            .unwrap()
            .contains_key("name"));
    }

    #[test]
    fn an_app_says_its_name_in_a_comment() {
        let table = specification("# xtask: name = \"shop\"\ngem \"rails\"\n").unwrap();
        assert_eq!(table["name"].as_str(), Some("shop"));
    }

    #[test]
    fn a_bad_comment_is_found_with_its_line() {
        assert_eq!(
            specification("\n# xtask: needs = [").unwrap_err().line,
            Some(2)
        );
    }

    #[test]
    fn names_and_versions_are_read_from_ruby() {
        let text = "Gem::Specification.new do |s|\n  s.name          = 'tasker-rb'\n  s.version = TaskerCore::VERSION\n  s.authors = ['x']\nend";
        assert_eq!(assigned(text, ".name").as_deref(), Some("tasker-rb"));
        assert_eq!(assigned(text, ".version"), None);
        assert_eq!(
            assigned("  VERSION = \"0.1.10\".freeze", "VERSION").as_deref(),
            Some("0.1.10")
        );
    }
}
