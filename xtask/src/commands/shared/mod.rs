//! What several commands share.

pub mod affected;
pub mod check;
mod optimised;
pub mod packages;
pub mod session;
pub mod units;
