//! Every way a command can fail, as a sentence for the person who has to fix it.
//!
//! An error says what failed, where (file and line, unit, command, log), why, and what to do about it. The fix is a
//! field of its own so that reporters can set it apart.

use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with its fix; see the module documentation.
#[derive(Debug, Error)]
pub enum Error {
    /// The command was started outside the repository.
    #[error("no repository found: no parent folder of {start} contains `xtask/tools.toml`")]
    NotInRepository {
        /// Where the search began.
        start: PathBuf,
    },
    /// `--unit` names nothing.
    #[error("no unit is called `{wanted}`{}", did_you_mean(.suggestion))]
    UnknownUnit {
        /// What the user wrote.
        wanted: String,
        /// The closest existing name.
        suggestion: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// `--lang` or `setup LANG` names nothing.
    #[error("no language is called `{wanted}`{}", did_you_mean(.suggestion))]
    UnknownLanguage {
        /// What the user wrote.
        wanted: String,
        /// The closest existing name.
        suggestion: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// A file that xtask reads is missing, malformed, or says something impossible.
    #[error("{}{}: {why}", .file.display(), line_suffix(*.line))]
    BadFile {
        /// The file, relative to the repository where possible.
        file: PathBuf,
        /// The 1-based line, where known.
        line: Option<usize>,
        /// What is wrong with it.
        why: String,
        /// What to do.
        fix: Option<String>,
    },
    /// Units need each other in a circle.
    #[error("dependency cycle: {}", .units.join(" → "))]
    Circle {
        /// The units, in order, first one repeated at the end.
        units: Vec<String>,
    },
    /// A tool of the machine is missing or too old.
    #[error("{tool} {wanted} or newer is required ({about}); {}", or_not_found(.found))]
    HostTool {
        /// Its name in `xtask/tools.toml`.
        tool: String,
        /// What it is for.
        about: String,
        /// The least version.
        wanted: String,
        /// The version found, if any.
        found: Option<String>,
        /// The command that installs it.
        fix: String,
    },
    /// A pinned tool has no package for this machine.
    #[error("{tool} {version} has no pinned package for {platform}")]
    NoPackage {
        /// Its name in `xtask/tools.toml`.
        tool: String,
        /// Its version.
        version: String,
        /// The machine, as `os-arch`.
        platform: String,
    },
    /// Downloaded bytes are not the pinned ones.
    #[error(
        "checksum mismatch for {tool} {version}: {file} has sha256 {found}, but xtask/tools.toml pins {wanted}; nothing was installed"
    )]
    Checksum {
        /// Its name in `xtask/tools.toml`.
        tool: String,
        /// Its version.
        version: String,
        /// The archive's name.
        file: String,
        /// Pinned sums.
        wanted: String,
        /// The actual sum.
        found: String,
    },
    /// A pinned tool could not be fetched or unpacked.
    #[error("cannot install {tool} {version}: {why}")]
    Install {
        /// Its name in `xtask/tools.toml`.
        tool: String,
        /// Its version.
        version: String,
        /// What went wrong.
        why: String,
        /// What to do.
        fix: String,
    },
    /// A pinned tool is absent and the command may not install it.
    #[error("missing: {}", .missing.join(", "))]
    NotSetUp {
        /// Names of the tools.
        missing: Vec<String>,
        /// Commands that help, one a line.
        fix: String,
    },
    /// A command of a unit's own tool failed.
    #[error("{unit}: `{command}` failed with {status}")]
    CommandFailed {
        /// The unit it ran for.
        unit: String,
        /// The command line.
        command: String,
        /// Exit code or signal, in words.
        status: String,
        /// Where its output went.
        log: Option<PathBuf>,
    },
    /// A command could not even start.
    #[error("{unit}: cannot start `{command}`: {why}")]
    CannotStart {
        /// The unit it ran for.
        unit: String,
        /// The command line.
        command: String,
        /// The system's reason.
        why: String,
    },
    /// A check that xtask makes itself found problems.
    #[error("{unit}: {} problem{} found", .problems.len(), if .problems.len() == 1 { "" } else { "s" })]
    CheckFailed {
        /// The unit.
        unit: String,
        /// One line each, already with file names.
        problems: Vec<String>,
    },
    /// Generated files are not what the tables say.
    #[error("out of date with xtask/contract: {}", .files.join(", "))]
    Drift {
        /// The files, relative to the repository.
        files: Vec<String>,
    },
    /// The chosen Tasker Core cannot be used.
    #[error("Tasker Core: {why}")]
    Core {
        /// What is wrong with it.
        why: String,
        /// What to do.
        fix: String,
    },
    /// Docker cannot be used, or not for this.
    #[error("{why}")]
    Docker {
        /// What is missing or wrong.
        why: String,
        /// What to do.
        fix: String,
    },
    /// Options of a command contradict each other.
    #[error("{why}")]
    Options {
        /// Which ones, and why.
        why: String,
        /// What to do.
        fix: String,
    },
    /// Some tasks failed; their logs have been shown.
    #[error("{failed} of {total} tasks failed")]
    TasksFailed {
        /// How many failed.
        failed: usize,
        /// How many there were.
        total: usize,
    },
    /// An option names a thing that does not exist.
    #[error("no {kind} is called `{wanted}`{}", did_you_mean(.suggestion))]
    Unknown {
        /// What kind of thing.
        kind: &'static str,
        /// What the user wrote.
        wanted: String,
        /// The closest existing name.
        suggestion: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// A process that was needed failed or ended.
    #[error("{what} {why}{}", last_words(.tail))]
    Ended {
        /// The process, in words.
        what: String,
        /// What happened, as the rest of the sentence.
        why: String,
        /// The end of its log.
        tail: Vec<String>,
        /// Its whole log.
        log: PathBuf,
    },
    /// Scenarios of examples did not end as they must; what differs has been shown.
    #[error("{failed} of {total} scenarios failed")]
    ScenariosFailed {
        /// How many failed.
        failed: usize,
        /// How many there were.
        total: usize,
    },
    /// Plugins were not tried, because tools are missing; which and why has been said.
    #[error("skipped, because tools are missing: {}", .plugins.join(", "))]
    NotTried {
        /// Folders of the plugins.
        plugins: Vec<String>,
    },
    /// Versions cannot be raised as asked.
    #[error("{why}")]
    Version {
        /// One line.
        why: String,
        /// What to do.
        fix: String,
    },
    /// A registry or a store of files gives no answer that can be understood.
    #[error("{unit}: no usable answer from {asked}: {why}")]
    Registry {
        /// The unit that was asked about.
        unit: String,
        /// The address, or the client.
        asked: String,
        /// What it said.
        why: String,
    },
    /// Versions, ranges or lock files do not fit together; what has been said.
    #[error("{count} version problem{} found", if *.count == 1 { "" } else { "s" })]
    VersionDrift {
        /// How many places.
        count: usize,
    },
    /// Several units could not be released.
    #[error("{first}{}", others(.more))]
    Release {
        /// The first failure.
        first: Box<Error>,
        /// The others, as sentences.
        more: Vec<String>,
    },
    /// Credentials are missing; nothing was uploaded.
    #[error("nothing was uploaded: {}", .missing.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>().join("; "))]
    Credentials {
        /// What is missing, and what to do about it.
        missing: Vec<(String, String)>,
    },
    /// git did not answer.
    #[error("cannot {doing}: git {}", if .why.is_empty() { "failed" } else { .why })]
    Git {
        /// A verb phrase such as `list changed files`.
        doing: String,
        /// What it said, or why it did not start.
        why: String,
    },
    /// What changed is not known, and `--strict` allows no guess.
    #[error("{why}")]
    NoMergeBase {
        /// One line.
        why: String,
        /// The command that helps.
        fix: String,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted; every started process was stopped")]
    Interrupted,
    /// The file system said no.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// A verb phrase such as `read`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Error {
    /// Wraps a system error; for `map_err`.
    pub fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// A name that is none of the known ones.
    pub fn unknown(
        kind: &'static str,
        wanted: &str,
        suggestion: Option<String>,
        known: &[&str],
    ) -> Self {
        Self::Unknown {
            kind,
            wanted: wanted.to_owned(),
            suggestion,
            known: known.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// A process that failed or ended, with the end of its log.
    pub fn ended(what: impl Into<String>, why: impl Into<String>, log: &std::path::Path) -> Self {
        let text = std::fs::read(log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        Self::Ended {
            what: what.into(),
            why: why.into(),
            tail: lines[lines.len().saturating_sub(SHOWN_WORDS)..]
                .iter()
                .map(|line| (*line).to_owned())
                .collect(),
            log: log.to_owned(),
        }
    }

    /// What the user can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::NotInRepository { .. } => Some("run it inside a clone of the repository, or pass --root DIR".into()),
            Self::UnknownUnit { known, .. } => Some(format!("choose one of: {}", known.join(", "))),
            Self::UnknownLanguage { known, .. } => Some(format!("choose one of: {}", known.join(", "))),
            Self::BadFile { fix, .. } => fix.clone(),
            Self::Circle { .. } => {
                Some("remove one of these path dependencies, or one `needs` entry, from its manifest".into())
            }
            Self::HostTool { fix, .. } | Self::Install { fix, .. } | Self::NotSetUp { fix, .. } => Some(fix.clone()),
            Self::NoPackage { tool, .. } => {
                Some(format!("add a row for this platform under [tool.{tool}.platforms] in xtask/tools.toml"))
            }
            Self::Checksum { .. } => Some(
                "fetch again (a proxy may have changed the bytes); if the pin is wrong, correct it in xtask/tools.toml"
                    .into(),
            ),
            Self::Drift { .. } => Some("cargo xtask codegen".into()),
            Self::Core { fix, .. } | Self::Docker { fix, .. } | Self::Options { fix, .. } => Some(fix.clone()),
            Self::CannotStart { .. } => Some("cargo xtask doctor".into()),
            Self::CommandFailed { log, .. } => log.as_ref().map(|log| format!("read {}", log.display())),
            Self::Unknown { known, .. } => Some(format!("choose one of: {}", known.join(", "))),
            Self::Ended { log, .. } => Some(format!("read {}", log.display())),
            Self::NotTried { .. } => Some("install the tools named above, or leave out --strict".into()),
            Self::Git { .. } => Some("run it in a git clone, with git in PATH".into()),
            Self::Release { first, .. } => first.fix(),
            Self::Registry { .. } => Some("check the registry, then run the same command again: it continues where it stopped".into()),
            Self::Credentials { missing } => Some(missing.iter().map(|(_, fix)| fix.as_str()).collect::<Vec<_>>().join("; and ")),
            Self::NoMergeBase { fix, .. } | Self::Version { fix, .. } => Some(fix.clone()),
            Self::VersionDrift { .. } | Self::ScenariosFailed { .. } | Self::CheckFailed { .. } | Self::TasksFailed { .. } | Self::Interrupted | Self::Io { .. } => None,
        }
    }

    /// The exit code of the program: 2 for a mistake in what was asked, 130 after Ctrl-C, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotInRepository { .. }
            | Self::UnknownUnit { .. }
            | Self::UnknownLanguage { .. }
            | Self::Unknown { .. }
            | Self::BadFile { .. }
            | Self::Core { .. }
            | Self::Options { .. }
            | Self::Version { .. }
            | Self::Credentials { .. }
            | Self::Circle { .. } => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// The same facts for `--json`.
    pub fn to_record(&self) -> ErrorRecord {
        ErrorRecord {
            event: "error",
            message: self.to_string(),
            fix: self.fix(),
            exit_code: self.exit_code(),
        }
    }
}

/// An error as one line of JSON.
#[derive(Debug, Serialize)]
pub struct ErrorRecord {
    event: &'static str,
    message: String,
    fix: Option<String>,
    exit_code: u8,
}

/// The closest of `known` to what the user wrote, if it is close enough to be a slip of the keyboard.
pub fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}

/// How much of a log an error quotes.
const SHOWN_WORDS: usize = 25;

fn last_words(tail: &[String]) -> String {
    if tail.is_empty() {
        return String::new();
    }
    format!("; last log lines:\n  {}", tail.join("\n  "))
}

/// `found 6.14.4` or `not found`.
pub fn or_not_found(found: &Option<String>) -> String {
    found
        .as_ref()
        .map_or_else(|| "not found".to_owned(), |found| format!("found {found}"))
}

fn others(more: &[String]) -> String {
    if more.is_empty() {
        return String::new();
    }
    format!("\nand {}", more.join("\nand "))
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion
        .as_ref()
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

fn line_suffix(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}
