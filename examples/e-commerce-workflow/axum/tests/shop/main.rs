//! The shop's steps, workflows and API. Whole orders with a worker are the scenarios of `example.toml`.

mod api;
mod relay;
mod stack;
mod steps;
mod workflow;
