//! The contract tables and the files generated from them.
//!
//! Names that several packages share (configuration keys, events, metrics …) live once, in `xtask/contract/*.toml`. Each
//! package gets them as constants of its own language: [`outputs`] computes every generated file, `cargo xtask codegen`
//! writes them, and `codegen --check` compares. The result depends on the tables alone, byte for byte.

mod axum;
pub mod check;
mod docs;
mod names;
mod python;
mod ruby;
mod rust;
mod tables;
mod typescript;

use std::path::{Path, PathBuf};

use crate::error::Result;

pub use names::{
    camel_case, Component, Ecosystem, ErrorType, Event, Field, HealthField, Metric, Row,
};
pub use tables::{ConfigKey, Contract, Default, OptionalSection, Pattern, Setting};

/// The page that says what each package works with, relative to the repository.
pub const COMPATIBILITY: &str = "docs/reference/compatibility.md";

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

/// A file that is generated: what one package gets.
pub struct Target {
    /// Generated only if this file exists: the manifest of the package that gets the file.
    pub manifest: &'static str,
    /// Relative to the repository.
    pub path: &'static str,
    /// The whole file.
    pub render: fn(&Contract) -> Result<String>,
}

/// Every target. A new ecosystem adds one file beside this one, with its target, and one line here.
const TARGETS: [&Target; 8] = [
    &rust::DEV_SERVER,
    &axum::AXUM,
    &python::FASTAPI,
    &ruby::RAILS,
    &typescript::BUN,
    &docs::CONFIGURATION,
    &docs::NAMES,
    &docs::COMPATIBILITY,
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
