//! The shop's steps, workflows and API. Whole orders with a worker are the scenarios of `example.toml`.

mod api;
mod stack;
mod steps;
mod tasks;
mod watch;
mod workflow;
