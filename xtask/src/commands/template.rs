//! `template list`, `template test` and `template new`.

mod new;

use serde_json::json;

use super::shared::session::Session;
use crate::cache::{Common, Passed, Subject};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::lang::{self};
use crate::plan::Outcome;
use crate::plugin::spec::Spec;
use crate::plugin::{profile, rules, Plugin};
use crate::prove::plan::{add, read_spec};
use crate::prove::Choice;

use crate::repo::Repo;
use crate::report::fix_line;
use crate::run::Options;

/// List the templates of the tasker-ctl plugins, generate and test them with the language's own tools, or start a project.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask template list\n  cargo xtask template test --plugin python/tasker-cli-plugin\n  cargo xtask template test --strict\n  cargo xtask template new fastapi ../claims-desk"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List plugins, templates and parameters.
    #[command(
        after_help = "Examples:\n  cargo xtask template list\n  cargo xtask template list --plugin python/tasker-cli-plugin --json\n  cargo xtask template list --profile ci\n  cargo xtask template list --profile published --config > .config/tasker.toml"
    )]
    List(ListArgs),
    /// Generate every template with several sets of parameters, compare with the snapshots, then format check, lint, type check and tests.
    #[command(
        after_help = "Examples:\n  cargo xtask template test\n  cargo xtask template test --plugin python/tasker-cli-plugin --template step_handler\n  cargo xtask template test --update"
    )]
    Test(TestArgs),
    /// Make a project from a framework's application template, with the packages of this repository.
    #[command(
        after_help = "Examples:\n  cargo xtask template new fastapi ../claims-desk\n  cargo xtask template new bun ../claims-desk"
    )]
    New(new::Args),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only what this profile of .config/tasker-cli.toml has, in versions that it allows.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Print the profile as a .config/tasker.toml, which tasker-ctl understands, and nothing else.
    #[arg(long, requires = "profile", conflicts_with = "plugins")]
    config: bool,
    /// Only this plugin, by name or folder; may be repeated.
    #[arg(long = "plugin", value_name = "PLUGIN")]
    plugins: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// Only this plugin, by name or folder; may be repeated.
    #[arg(long = "plugin", value_name = "PLUGIN")]
    plugins: Vec<String>,
    /// Only this template; may be repeated.
    #[arg(long = "template", value_name = "NAME")]
    templates: Vec<String>,
    /// Fail if a plugin is skipped because a tool of its language is missing.
    #[arg(long)]
    strict: bool,
    /// Write the snapshots instead of comparing with them; read the diff afterwards.
    #[arg(long)]
    update: bool,
    /// Test plugins even if nothing has changed since they passed.
    #[arg(long)]
    no_cache: bool,
    /// Print what would be run.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match &args.what {
        What::List(args) => list(session, args),
        What::Test(args) => test(session, args),
        What::New(args) => new::run(session, args),
    }
}

fn list(session: &mut Session, args: &ListArgs) -> Result<()> {
    let choice = Choice {
        plugins: args.plugins.clone(),
        templates: Vec::new(),
    };
    let Some(name) = &args.profile else {
        for plugin in choice.of(&lang::discover(&session.root)?)? {
            say(session, &plugin);
        }
        return Ok(());
    };
    let resolved = profile::resolve(&session.root, name, &profile::cache())?;
    if args.config {
        session.report.tell(
            &[resolved.config.trim_end().to_owned()],
            &json!({"event": "config", "profile": name, "text": resolved.config}),
        );
        return Ok(());
    }
    for plugin in choice.pick(resolved.plugins)? {
        say(session, &plugin);
    }
    if let Some(line) = resolved.not_fetched {
        session.report.say(&line);
    }
    Ok(())
}

/// One plugin with its templates and their parameters.
fn say(session: &mut Session, plugin: &Plugin) {
    let about = &plugin.manifest.plugin;
    let mut lines = vec![format!(
        "{} {} ({})",
        about.name, about.version, plugin.folder
    )];
    let width = plugin
        .templates
        .iter()
        .map(|(_, template)| template.name.len())
        .max()
        .unwrap_or(0);
    for (_, template) in &plugin.templates {
        let parameters: Vec<String> = template
            .parameters
            .iter()
            .map(|parameter| match (&parameter.default, parameter.required) {
                (_, true) => parameter.name.clone(),
                (Some(value), _) => format!("[{}={value}]", parameter.name),
                (None, _) => format!("[{}]", parameter.name),
            })
            .collect();
        lines.push(format!(
            "  {:width$}  {}  {}",
            template.name,
            template.description,
            parameters.join(" ")
        ));
    }
    let templates: Vec<_> = plugin
        .templates
        .iter()
        .map(|(_, template)| {
            let parameters: Vec<_> = template
                .parameters
                .iter()
                .map(|it| json!({"name": it.name, "required": it.required, "default": it.default, "description": it.description}))
                .collect();
            json!({"name": template.name, "description": template.description, "parameters": parameters})
        })
        .collect();
    let record = json!({
        "event": "plugin", "name": about.name, "version": about.version, "language": about.language,
        "framework": about.framework, "folder": plugin.folder, "templates": templates,
    });
    session.report.tell(&lines, &record);
}

/// A plugin that this run proves, and what would be noted of it.
struct Candidate {
    plugin: Plugin,
    spec: Spec,
    key: Option<String>,
}

/// What a plugin's result depends on.
fn subject<'a>(plugin: &'a Plugin, spec: &'a Spec) -> Subject<'a> {
    let needs = spec.checks.iter().flat_map(|check| &check.needs);
    let units = spec.package.iter().chain(needs);
    Subject {
        folder: &plugin.folder,
        what: plugin.template_names().join(","),
        units: units.map(String::as_str).collect(),
        files: &spec.copies,
    }
}

/// What a run does with a plugin.
enum Verdict {
    Prove(Box<Candidate>),
    /// It passed, and nothing is different.
    Unchanged,
    /// A tool of its language is missing.
    Missing,
}

fn test(session: &mut Session, args: &TestArgs) -> Result<()> {
    let repo = lang::discover(&session.root)?;
    let choice = Choice {
        plugins: args.plugins.clone(),
        templates: args.templates.clone(),
    };
    let environment = Environment::ours();
    let common = Common::new(&environment, &session.core.source_id()?);
    let tools = session.tools.clone();
    let passed = Passed {
        repo: &repo,
        tools: &tools,
        environment: &environment,
        common: &common,
    };
    let mut subjects = Vec::new();
    let mut missing = Vec::new();
    let mut unchanged = 0;
    for plugin in choice.of(&repo)? {
        let folder = plugin.folder.clone();
        match judge(session, &passed, plugin, args)? {
            Verdict::Prove(subject) => subjects.push(*subject),
            Verdict::Unchanged => unchanged += 1,
            Verdict::Missing => missing.push(folder),
        }
    }
    if !subjects.is_empty() {
        prove(session, &passed, &subjects, args)?;
    }
    let (proven, all) = (subjects.len(), subjects.len() + unchanged + missing.len());
    if !args.dry_run {
        session.report.tell(
            &[format!("plugins: {proven} tested, {unchanged} unchanged, {} skipped of {all}", missing.len())],
            &json!({"event": "plugins", "proven": proven, "unchanged": unchanged, "missing": missing}),
        );
    }
    if args.strict && !missing.is_empty() {
        return Err(Error::NotTried { plugins: missing });
    }
    Ok(())
}

/// Decides what is done with a plugin, and tells it if that is nothing.
fn judge(
    session: &mut Session,
    passed: &Passed<'_>,
    plugin: Plugin,
    args: &TestArgs,
) -> Result<Verdict> {
    let problems = rules::problems(&plugin.path);
    if !problems.is_empty() {
        return Err(Error::CheckFailed {
            unit: plugin.folder,
            problems,
        });
    }
    let spec = read_spec(&plugin)?;
    // A key takes the versions of tools, and a dry run starts nothing.
    let key = (!args.dry_run)
        .then(|| passed.key(&subject(&plugin, &spec)))
        .flatten();
    let is_all = args.no_cache || args.update || args.dry_run;
    let is_known = (key.as_ref()).is_some_and(|key| passed.has(&subject(&plugin, &spec), key));
    if !is_all && is_known {
        session.report.tell(
            &[format!("unchanged {}", plugin.folder)],
            &json!({"event": "plugin_result", "folder": plugin.folder, "outcome": "unchanged", "why": null, "fix": null}),
        );
        return Ok(Verdict::Unchanged);
    }
    let lacking = if args.dry_run {
        None
    } else {
        lacks(session, passed.repo, &spec)?
    };
    let Some(tool) = lacking else {
        return Ok(Verdict::Prove(Box::new(Candidate { plugin, spec, key })));
    };
    session.report.tell(
        &[format!("missing {}: {tool}", plugin.folder), fix_line(&tool.fix().unwrap_or_default())],
        &json!({"event": "plugin_result", "folder": plugin.folder, "outcome": "missing", "why": tool.to_string(), "fix": tool.fix()}),
    );
    Ok(Verdict::Missing)
}

/// The first tool of the machine that the checks need and that is not there.
fn lacks(session: &Session, repo: &Repo, spec: &Spec) -> Result<Option<Error>> {
    let Some(unit) = spec.package.as_ref().and_then(|folder| repo.unit(folder)) else {
        return Ok(None);
    };
    for tool in session.tools.host_for(&[unit.language.to_owned()]) {
        match tool.require(&session.root, &session.interrupt) {
            Err(error @ Error::HostTool { .. }) => return Ok(Some(error)),
            other => other?,
        }
    }
    Ok(None)
}

fn prove(
    session: &mut Session,
    passed: &Passed<'_>,
    subjects: &[Candidate],
    args: &TestArgs,
) -> Result<()> {
    let scratch = tempfile::Builder::new()
        .prefix("xtask-templates-")
        .tempdir()
        .map_err(Error::io("create", std::env::temp_dir()))?;
    let logs = session.logs("template");
    let mut planner = lang::planner(
        passed.repo,
        &session.tools,
        &session.core,
        "template test",
        &logs,
    );
    for subject in subjects {
        let folder = crate::process::quote(&subject.plugin.folder);
        planner.rerun = Some(format!("template test --plugin {folder}"));
        add(
            &mut planner,
            &subject.plugin,
            &subject.spec,
            scratch.path(),
            args.update,
        )?;
    }
    let plan = planner.plan;
    if args.dry_run {
        return session.execute("template test", &plan, true).map(drop);
    }
    let summary = session.run_plan("template test", &plan, &Options::default())?;
    for subject in subjects.iter().filter(|_| !args.update) {
        let mut own = summary
            .tasks
            .iter()
            .filter(|task| task.unit == subject.plugin.folder)
            .peekable();
        if own.peek().is_some() && own.all(|task| task.outcome == Outcome::Ok) {
            if let Some(key) = &subject.key {
                passed.note(&self::subject(&subject.plugin, &subject.spec), key)?;
            }
        }
    }
    let ran = Session::success(&summary);
    if let Err(error @ Error::TasksFailed { .. }) = ran {
        session.report.say(&format!(
            "the generated projects are in {}",
            scratch.keep().display()
        ));
        return Err(error);
    }
    ran
}
