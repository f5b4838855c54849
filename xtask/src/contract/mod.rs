//! The contract tables and the files generated from them.
//!
//! Names that several packages share (configuration keys, events, metrics …) live once, in `xtask/contract/*.toml`. Each
//! package gets them as constants of its own language: [`outputs`] computes every generated file, `cargo xtask codegen`
//! writes them, and `codegen --check` compares. The result depends on the tables alone, byte for byte.

mod python;
mod rust;
mod tables;

use std::path::{Path, PathBuf};

use crate::error::Result;

pub use tables::{ConfigKey, Contract, Default, Metric, Name, OptionalSection, Pattern, Setting};

/// The folder of the tables, relative to the repository.
pub const FOLDER: &str = "xtask/contract";

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Relative to the repository.
    pub path: PathBuf,
    /// All of it.
    pub contents: String,
}

struct Target {
    /// Generated only if this file exists: the manifest of the package that gets the file.
    manifest: &'static str,
    path: &'static str,
    render: fn(&Contract) -> Result<String>,
}

const TARGETS: [Target; 2] = [
    Target {
        manifest: "ops/dev-server/Cargo.toml",
        path: "ops/dev-server/src/contract.rs",
        render: rust::render,
    },
    Target {
        manifest: "python/tasker-contrib-fastapi/pyproject.toml",
        path: "python/tasker-contrib-fastapi/src/tasker_contrib_fastapi/_internal/_contract.py",
        render: python::render,
    },
];

/// Every generated file of this repository, or for each the reason why it cannot be generated.
pub fn outputs(root: &Path) -> Result<Vec<Result<Output>>> {
    let contract = Contract::new(root);
    Ok(TARGETS
        .iter()
        .filter(|target| root.join(target.manifest).is_file())
        .map(|target| {
            Ok(Output {
                path: target.path.into(),
                contents: (target.render)(&contract)?,
            })
        })
        .collect())
}
