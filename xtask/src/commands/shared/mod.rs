//! What several commands share.

pub mod affected;
pub mod chaos;
pub mod check;
pub mod images;
mod optimised;
pub mod packages;
pub mod session;
pub mod units;
