//! Tests that need nothing but Rust: `cargo test --lib --test unit`.

#[path = "../support/mod.rs"]
mod support;

mod auth;
mod content;
mod documents;
mod logs;
mod settings;
mod start;
mod store;
mod web;
mod workflow;
