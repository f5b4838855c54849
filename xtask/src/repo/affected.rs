//! `--affected`: the units whose results changed files can change, and why. `run` and `ci matrix` both decide here.

use std::collections::BTreeMap;

use super::inputs::{Because, Inputs, Reach, Use};
use super::Repo;

/// Why a unit is affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A changed file is its own input.
    File {
        path: String,
        /// How it is one.
        because: Because,
    },
    /// A changed file is everybody's input.
    Everything { path: String },
    /// A unit that it uses is affected.
    Through {
        /// That unit, by its place in the repository.
        unit: usize,
        /// How it uses that one.
        how: Use,
    },
}

/// The affected units, by their place in the repository, each with the first reason found: the shortest way from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected(pub BTreeMap<usize, Reason>);

/// Decides. More files never give fewer units.
pub fn affected<'a>(
    repo: &Repo,
    inputs: &Inputs,
    changed: impl IntoIterator<Item = &'a str>,
) -> Affected {
    let mut reasons: BTreeMap<usize, Reason> = BTreeMap::new();
    let mut for_all: Option<&str> = None;
    for path in changed {
        match inputs.reach(path) {
            Reach::Everything => {
                for_all.get_or_insert(path);
            }
            Reach::Units(units) => {
                for (unit, because) in units {
                    reasons.entry(unit).or_insert_with(|| Reason::File {
                        path: path.to_owned(),
                        because,
                    });
                }
            }
        }
    }
    if let Some(path) = for_all {
        for unit in 0..repo.units.len() {
            reasons.entry(unit).or_insert_with(|| Reason::Everything {
                path: path.to_owned(),
            });
        }
    }
    let mut users: Vec<Vec<(usize, Use)>> = vec![Vec::new(); repo.units.len()];
    for unit in 0..repo.units.len() {
        for (used, how) in inputs.uses(unit) {
            users[*used].push((unit, *how));
        }
    }
    let mut level: Vec<usize> = reasons.keys().copied().collect();
    while !level.is_empty() {
        let mut next = Vec::new();
        for unit in level {
            for (user, how) in &users[unit] {
                reasons.entry(*user).or_insert_with(|| {
                    next.push(*user);
                    Reason::Through { unit, how: *how }
                });
            }
        }
        level = next;
    }
    Affected(reasons)
}

impl Affected {
    /// Whether the unit in this folder is affected.
    pub fn contains(&self, repo: &Repo, folder: &str) -> bool {
        repo.places(folder).any(|unit| self.0.contains_key(&unit))
    }

    /// The way from a changed file to a unit, one line a step; empty if the unit is not affected.
    pub fn why(&self, repo: &Repo, unit: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut unit = unit;
        while let Some(reason) = self.0.get(&unit) {
            let folder = &repo.units[unit].folder;
            lines.push(match reason {
                Reason::File { path, because } => match because {
                    Because::Inside => format!("{folder}: {path} changed"),
                    Because::Around => format!("{folder}: {path} changed, in a unit around it"),
                    Because::Listed => format!("{folder}: {path} changed, which its manifest lists as an input"),
                    Because::Shared => format!("{folder}: {path} changed, which all {} units share", repo.units[unit].language),
                },
                Reason::Everything { path } => {
                    format!("{folder}: {path} changed, which belongs to no unit and therefore counts for all")
                }
                Reason::Through { unit: used, how } => {
                    let line = format!("{folder} {} {}", how.words(), repo.units[*used].folder);
                    unit = *used;
                    lines.push(line);
                    continue;
                }
            });
            break;
        }
        lines
    }
}
