//! Ruby: gems with a `*.gemspec`, tested and built with the gems of this machine.
//!
//! Nothing is fetched: gems come from the machine's packages, or from a bundle that a developer has made (then there is a
//! `Gemfile.lock`, and the tools run inside the bundle). The specification is Ruby; it is not executed to read it, so the two
//! things that are needed must stand there literally: `spec.name = "…"`, and what else must be built for the tests as a comment:
//! `# xtask: needs = ["ops/dev-server"]`.

use toml::{Table, Value};

use super::{Found, Job, Language, Malformed, Planner};
use crate::error::Result;
use crate::plan::{Action, Counts};
use crate::process::Invocation;
use crate::repo::Unit;

/// See the module documentation.
pub struct Ruby;

/// The comment that holds settings of xtask, as TOML.
const COMMENT: &str = "# xtask:";

impl Language for Ruby {
    fn name(&self) -> &'static str {
        "ruby"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["*.gemspec"]
    }

    fn parse(&self, text: &str) -> std::result::Result<Table, Malformed> {
        specification(text)
    }

    fn unit(&self, found: &Found<'_>) -> Result<Option<Unit>> {
        let mut unit = found.unit(self, &found.required_str("name")?);
        found.own_words(&mut unit, "")?;
        Ok(Some(unit))
    }

    fn plan(&self, planner: &mut Planner<'_>, unit: &Unit, job: Job) -> Result<()> {
        let folder = planner.repo.path(unit);
        let bundled = folder.join("Gemfile.lock").is_file();
        let tool = |argv: &[&str]| {
            let bundle: &[&str] = if bundled { &["bundle", "exec"] } else { &[] };
            Invocation::new(&folder, bundle.iter().chain(argv).copied())
        };
        match job {
            Job::Test => {
                if !folder.join("spec").is_dir() {
                    return Ok(());
                }
                let needed = planner.provide_needs_of(unit)?;
                let task = planner
                    .task(unit, "rspec")
                    .after(needed.needs)
                    .counting(Counts::Rspec)
                    .run(tool(&["rspec"]).envs(needed.env));
                planner.add(task);
            }
            Job::Lint => {
                let task = planner.task(unit, "rubocop").run(tool(&["rubocop"]));
                planner.add(task);
                if folder.join("sig").is_dir() {
                    let check = ["rbs", "-I", "sig", "validate", "--silent"];
                    let task = planner.task(unit, "rbs").run(tool(&check));
                    planner.add(task);
                }
            }
            Job::Fmt => {
                let fix = ["rubocop", "--autocorrect", "--fail-level", "fatal"];
                let task = planner.task(unit, "rubocop").run(tool(&fix));
                planner.add(task);
            }
            Job::Build => {
                let dist = planner
                    .repo
                    .root
                    .join("target/xtask/dist")
                    .join(&unit.folder);
                let gem = dist.join(format!("{}.gem", unit.name));
                let argv = [
                    "gem".to_owned(),
                    "build".to_owned(),
                    "--strict".to_owned(),
                    "--output".to_owned(),
                    gem.display().to_string(),
                    unit.file.clone(),
                ];
                let task = planner
                    .task(unit, "gem-build")
                    .act(Action::Remove { path: dist.clone() })
                    .act(Action::Write {
                        path: dist.join(".keep"),
                        contents: String::new(),
                    })
                    .run(Invocation::new(&folder, argv));
                planner.add(task);
            }
        }
        Ok(())
    }
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
        } else if let Some(name) = assigned_text(line, "name") {
            table.insert("name".to_owned(), Value::String(name.to_owned()));
        }
    }
    Ok(table)
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

#[cfg(test)]
mod tests {
    use super::specification;

    #[test]
    fn a_specification_is_read_without_running_it() {
        let table = specification(
            "# xtask: needs = [\"ops/dev-server\"]\nGem::Specification.new do |spec|\n  spec.name = \"shop\"\n  \
             spec.summary = 'name = \"no\"'\nend\n",
        )
        .unwrap();
        assert_eq!(table["name"].as_str(), Some("shop"));
        assert_eq!(table["needs"][0].as_str(), Some("ops/dev-server"));
        assert!(!specification("s.names = \"x\"")
            .unwrap()
            .contains_key("name"));
    }

    #[test]
    fn a_bad_comment_is_found_with_its_line() {
        assert_eq!(
            specification("\n# xtask: needs = [").unwrap_err().line,
            Some(2)
        );
    }
}
