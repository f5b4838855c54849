//! Generated handlers and subscribers.

pub mod handlers;
pub mod subscribers;
