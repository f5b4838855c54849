//! Runs the real program against a real PostgreSQL. One program for all, because linking is the slowest part of these tests.

mod data;
mod guides;
mod harness;
mod life_and_death;
mod migrate;
mod readme;
mod recovery;
mod refusals;
mod surroundings;
