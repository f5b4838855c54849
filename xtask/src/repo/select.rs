//! `--lang` and `--unit`: which units a command works on.

use super::Repo;
use crate::error::{closest, Error, Result};
use crate::unit::{Reader, Unit};

/// What the user asked for; empty lists mean everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub languages: Vec<String>,
    /// Names or folders of units.
    pub units: Vec<String>,
}

impl Selection {
    /// Whether nothing was left out.
    pub fn is_everything(&self) -> bool {
        self.languages.is_empty() && self.units.is_empty()
    }

    /// The selected units, in the repository's order.
    pub fn of<'a>(&self, repo: &'a Repo) -> Result<Vec<&'a Unit>> {
        check(&self.languages, &repo.languages)?;
        let mut folders = Vec::new();
        for wanted in &self.units {
            let named: Vec<&Unit> = repo
                .units
                .iter()
                .filter(|unit| is_called(unit, wanted))
                .collect();
            if named.is_empty() {
                return Err(unknown_unit(repo, wanted));
            }
            for unit in named {
                folders.push(&unit.folder);
                folders.extend(&unit.parts);
            }
        }
        Ok(repo
            .units
            .iter()
            .filter(|unit| {
                self.languages.is_empty() || self.languages.iter().any(|name| name == unit.language)
            })
            .filter(|unit| self.units.is_empty() || folders.contains(&&unit.folder))
            .collect())
    }
}

/// Fails if one of these is no language.
pub fn check_languages(names: &[String], readers: &[&dyn Reader]) -> Result<()> {
    let known: Vec<&str> = readers.iter().map(|reader| reader.name()).collect();
    check(names, &known)
}

fn check(names: &[String], known: &[&str]) -> Result<()> {
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(wanted) => Err(Error::UnknownLanguage {
            wanted: wanted.clone(),
            suggestion: closest(wanted, known.iter().copied()),
            known: known.iter().map(|name| (*name).to_owned()).collect(),
        }),
    }
}

fn is_called(unit: &Unit, wanted: &str) -> bool {
    let folder = wanted.trim_start_matches("./").trim_end_matches('/');
    // The repository itself is the empty folder, which a command line calls `.`.
    unit.name == wanted || unit.folder == if folder == "." { "" } else { folder }
}

fn unknown_unit(repo: &Repo, wanted: &str) -> Error {
    let names = repo
        .units
        .iter()
        .flat_map(|unit| [unit.name.as_str(), unit.folder.as_str()]);
    let mut known: Vec<String> = repo.units.iter().map(|unit| unit.folder.clone()).collect();
    known.sort();
    known.dedup();
    Error::UnknownUnit {
        wanted: wanted.to_owned(),
        suggestion: closest(wanted, names),
        known,
    }
}
