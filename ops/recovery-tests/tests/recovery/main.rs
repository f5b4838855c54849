//! Recovery against a real server on a real PostgreSQL. One program for all, because linking is the slowest part of these tests.

mod bed;
mod guards;
mod install;
mod program;
mod random;
mod states;
mod workers;
