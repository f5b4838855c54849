//! What releases are made with: the context of a run, addresses and credentials, the store of files, and the trait of release channels.
//!
//! The channels themselves are in `lang`, a file in each ecosystem's folder; what order things are done in is in `release`.

mod channel;
mod context;
pub mod curl;
pub mod secrets;
pub mod store;
pub mod sums;
mod targets;

pub use channel::{
    puzzled, smoke, source, Channel, Component, Missing, Packed, Remote, Trial, Unit, Upload,
};
pub use context::{Context, Head, May};
pub use targets::{Programs, Targets};
