//! Document intake: upload, virus scan, extraction, a look by a person where it is needed, publication.

pub mod database;
pub mod documents;
pub mod handlers;
pub mod logs;
pub mod programs;
pub mod settings;
pub mod tasks;
pub mod telemetry;
pub mod users;
pub mod web;
