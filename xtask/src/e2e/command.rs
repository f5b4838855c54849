//! A command of the app that drives a scenario or checks what came of it.

use std::io::Read as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::app::Surroundings;
use super::spec::App;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::process::{describe, ChildGroup, Output};

const POLL: Duration = Duration::from_millis(20);
/// A moment for a command to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a command to its end and reads the JSON that it prints; what it prints to standard error is in the app's log.
///
/// `meanwhile` is called again and again until the end. What the command did wrong is the inner error, in a sentence.
pub fn run(
    argv: &[String],
    app: &App,
    around: &Surroundings,
    limit: Duration,
    interrupt: &Interrupt,
    meanwhile: &mut dyn FnMut() -> Result<()>,
) -> Result<std::result::Result<Value, String>> {
    let invocation = around.invocation(app, argv)?;
    let line = invocation.command_line();
    let log = around.app_log();
    let mut child = ChildGroup::spawn(&around.unit, &invocation, &Output::PipeAndLog(&log))?;
    let mut pipe = child.take_stdout();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.as_mut().map(|pipe| pipe.read_to_string(&mut text));
        text
    });
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait() {
            break Some(status);
        }
        if interrupt.is_set() {
            child.stop(GRACE);
            return Err(Error::Interrupted);
        }
        if Instant::now() > deadline {
            child.stop(GRACE);
            break None;
        }
        meanwhile()?;
        std::thread::sleep(POLL);
    };
    let text = reader.join().unwrap_or_default();
    Ok(match status {
        None => Err(format!(
            "`{line}` had not ended after {} s",
            limit.as_secs()
        )),
        Some(status) if !status.success() => Err(format!(
            "`{line}` failed with {}: {}",
            describe(status),
            text.trim()
                .lines()
                .last()
                .unwrap_or("it printed nothing; its standard error is in app.log")
        )),
        Some(_) => serde_json::from_str(&text)
            .map_err(|why| format!("`{line}` printed no JSON ({why}): {}", text.trim())),
    })
}
