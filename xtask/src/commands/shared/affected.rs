//! `--affected`: the units that changes can affect.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::session::Session;
use crate::cache::Looked;
use crate::error::{Error, Result};
use crate::git::{default_base, Asked, Changes, Files};
use crate::repo::affected::{affected, Affected};
use crate::repo::inputs::Inputs;
use crate::repo::{Repo, Selection};
use std::collections::BTreeSet;

/// Restricts a command to what changed.
#[derive(Debug, clap::Args)]
pub struct AffectedArgs {
    /// Only units that changes since BASE can affect; uncommitted and untracked files count [default BASE: the branch a pull
    /// request goes to, else the main branch of origin].
    #[arg(long, value_name = "BASE", num_args = 0..=1, default_missing_value = "")]
    pub affected: Option<String>,
    /// Run nothing; say why this unit is affected, from the changed file on.
    #[arg(long, value_name = "UNIT", requires = "affected")]
    pub why: Option<String>,
    /// Fail if xtask cannot tell what changed, instead of running everything.
    #[arg(long, requires = "affected")]
    pub strict: bool,
}

/// What `--affected` compares with, for people.
pub struct Since {
    /// The base.
    pub base: String,
    /// Whether no file differs from it.
    pub is_unchanged: bool,
}

impl Since {
    /// None if everything runs.
    pub fn of(root: &Path, args: &AffectedArgs, changes: Option<&Changes>) -> Option<Self> {
        let paths = changes?.paths()?;
        Some(Self {
            base: base(root, args)?,
            is_unchanged: paths.is_empty(),
        })
    }
}

fn base(root: &Path, args: &AffectedArgs) -> Option<String> {
    args.affected.as_ref().map(|base| match base.as_str() {
        "" => default_base(root),
        base => base.to_owned(),
    })
}

/// The files that count and, if only what changes affect is wanted, what changed. Both are found out at the same time.
pub fn look(root: &Path, args: &AffectedArgs) -> Result<(Option<Arc<Files>>, Option<Changes>)> {
    let base = base(root, args);
    let asked = base.map(|base| Asked::since(root, base));
    let files = Files::of(root).map(Arc::new);
    let changes = asked.map(|asked| asked.changes(files.as_deref()));
    Ok((files, changes.transpose()?))
}

/// The units that changes since the base can affect; none if everything is wanted, because nobody restricts it or because nobody knows.
///
/// `test`, `lint`, `build` and `ci matrix` all decide here.
pub fn affected_units(
    session: &mut Session,
    repo: &Repo,
    inputs: &Inputs,
    args: &AffectedArgs,
    changes: Option<Changes>,
) -> Result<Option<Affected>> {
    let Some(changes) = changes else {
        return Ok(None);
    };
    match changes {
        Changes::Since(paths) => {
            let paths: Vec<_> = paths
                .iter()
                .map(|path| String::from_utf8_lossy(path))
                .collect();
            Ok(Some(affected(
                repo,
                inputs,
                paths.iter().map(AsRef::as_ref),
            )))
        }
        Changes::Unknown { why, fix } if args.strict => Err(Error::NoMergeBase { why, fix }),
        Changes::Unknown { why, fix } => {
            session
                .report
                .warn(&format!("{why}, so everything runs; to compare: {fix}"));
            Ok(None)
        }
    }
}

/// The affected units if only those are wanted. Nothing at all if the question was `--why`, which is answered then.
#[allow(clippy::option_option, reason = "the outer one says whether to go on")]
pub fn choose(
    session: &mut Session,
    repo: &Repo,
    inputs: &Inputs,
    args: &AffectedArgs,
    changes: Option<Changes>,
) -> Result<Option<Option<Affected>>> {
    let only = affected_units(session, repo, inputs, args, changes)?;
    let Some(unit) = &args.why else {
        return Ok(Some(only));
    };
    let selection = Selection {
        languages: Vec::new(),
        units: vec![unit.clone()],
    };
    let asked: Vec<&str> = selection
        .of(repo)?
        .iter()
        .map(|unit| unit.folder.as_str())
        .collect();
    for (place, unit) in repo
        .units
        .iter()
        .enumerate()
        .filter(|(_, unit)| asked.contains(&unit.folder.as_str()))
    {
        let lines = match &only {
            None => vec![format!(
                "{}: xtask cannot tell what changed, so everything runs",
                unit.folder
            )],
            Some(only) => match only.why(repo, place) {
                lines if lines.is_empty() => vec![format!("{} is not affected", unit.folder)],
                lines => lines,
            },
        };
        session.report.tell(
            &lines,
            &json!({"event": "why", "unit": unit.folder, "reasons": lines}),
        );
    }
    Ok(None)
}

/// What an answer about this repository depends on besides files that count.
pub fn looked(repo: &Repo, places: Vec<(PathBuf, bool)>) -> Looked {
    let units = repo.units.iter();
    let languages: BTreeSet<&str> = units.clone().map(|unit| unit.language).collect();
    let variables: BTreeSet<&String> = units.flat_map(|unit| &unit.env).collect();
    Looked {
        languages: languages.into_iter().map(str::to_owned).collect(),
        variables: variables.into_iter().cloned().collect(),
        places,
    }
}
