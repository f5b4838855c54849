//! What the tests of releases share.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod github;
pub mod http;
pub mod provision;
pub mod proxy;
pub mod registries;
pub mod server;
pub mod world;
