//! `bench delivery`: how steps reach worker processes, and whether one of them ran twice.

use anyhow::Result;
use xtask::commands::shared::session::Session;

use crate::python::{measure, FASTAPI};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ways of delivery.
    #[arg(long, num_args = 1.., default_values = ["PollingOnly", "Hybrid"])]
    delivery: Vec<String>,
    /// Numbers of worker processes.
    #[arg(long, num_args = 1.., default_values_t = [1, 2, 4])]
    processes: Vec<u16>,
    /// Tasks one after the other, for the time of a task.
    #[arg(long, default_value_t = 20)]
    alone: u32,
    /// Tasks eight at a time, for steps a second.
    #[arg(long, default_value_t = 80)]
    tasks: u32,
}

pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    let mut script = vec!["benchmarks/delivery.py".to_owned(), "--delivery".to_owned()];
    script.extend(args.delivery.iter().cloned());
    script.push("--processes".to_owned());
    script.extend(args.processes.iter().map(u16::to_string));
    script.extend(["--alone".to_owned(), args.alone.to_string()]);
    script.extend(["--tasks".to_owned(), args.tasks.to_string()]);
    measure(session, &FASTAPI, [script])
}
