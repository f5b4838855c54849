//! Every generated file.

use super::{docs, monitoring};
use crate::error::Result;
use crate::lang;
use crate::tables::{Contract, Target};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Relative to the repository.
    pub path: PathBuf,
    pub contents: String,
}

/// Pages of the documentation; what packages get is in the ecosystems' folders.
const PAGES: [&Target; 3] = [&docs::CONFIGURATION, &docs::NAMES, &docs::COMPATIBILITY];

/// Every generated file of this repository, or for each the reason why it cannot be generated.
pub fn outputs(root: &Path) -> Result<Vec<Result<Output>>> {
    let contract = Contract::new(root);
    let monitoring = match monitoring::outputs(root) {
        Ok(files) => files
            .into_iter()
            .map(|(path, contents)| {
                Ok(Output {
                    path: path.into(),
                    contents,
                })
            })
            .collect(),
        Err(problem) => vec![Err(problem)],
    };
    Ok(lang::constants()
        .chain(PAGES)
        .filter(|target| root.join(target.manifest).is_file())
        .map(|target| {
            Ok(Output {
                path: target.path.into(),
                contents: (target.render)(&contract)?,
            })
        })
        .chain(monitoring)
        .collect())
}
