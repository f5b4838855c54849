//! xtask itself.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// The program that passed its arguments on: some benchmarks run it.
pub fn xtask() -> Result<PathBuf> {
    std::env::var_os("XTASK")
        .map(PathBuf::from)
        .context("the variable XTASK is not set\n  fix: start benchmarks with `cargo xtask bench`")
}
