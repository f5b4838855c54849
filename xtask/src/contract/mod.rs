//! The contract tables and the files generated from them.
//!
//! Names that several packages share (configuration keys, events, metrics …) live once, in `xtask/contract/*.toml`. Each
//! package gets them as constants of its own language: [`outputs`] computes every generated file, `cargo xtask codegen`
//! writes them, and `codegen --check` compares. The result depends on the tables alone, byte for byte.

pub mod check;
mod docs;
mod monitoring;
mod outputs;

pub use outputs::Output;
