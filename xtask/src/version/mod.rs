//! Versions: where each ecosystem keeps them, how they depend on each other, and how they are raised.
//!
//! A change is always the replacement of a few bytes of a file: whatever else is in it, comments and all, stays as it is.

pub mod bump;
pub mod changelog;
pub mod check;
pub mod compatibility;
pub mod drift;
mod find;
pub mod locks;
pub mod notation;
pub mod package;
pub mod pins;
pub mod range;
pub mod sites;

pub use find::packages;
pub use package::{Ecosystem, Locked, Manifest, Package, Parts, Runtime, Site, Use, Versions};
