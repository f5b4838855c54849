//! The contract tables: names and limits that packages of several ecosystems share, from `xtask/contract/*.toml`.

mod contract;
mod names;

pub use contract::{ConfigKey, Contract, Default, Target, FOLDER};
pub use names::{camel_case, Column, Event, Field, Metric, Row};
