//! What a schedule is, and when it is due.

use std::time::Duration;

// croner: MIT, and with jiff it treats changes of the clock as the shared cases want it.
use croner::parser::{CronParser, Seconds};
use croner::Cron;
use jiff::tz::TimeZone;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Which slots are made up for when no scheduler ran, or the server was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// None of them.
    Skip,
    /// The last one.
    One,
    /// All of them.
    All,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Timing {
    Cron(Box<Cron>, TimeZone),
    Every(Duration),
}

/// One recurring task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Schedule {
    /// Its key in the file.
    pub name: String,
    /// The template's namespace.
    pub namespace: String,
    /// The template's name.
    pub task: String,
    /// The template's version.
    pub version: String,
    /// Of each task; the slot is added as `scheduled_for`.
    pub context: Map<String, Value>,
    /// What happens to slots that were missed.
    pub missed: Missed,
    /// How old a slot may be when its task is created.
    pub window: Duration,
    /// No task is created.
    pub paused: bool,
    pub(super) timing: Timing,
}

impl Schedule {
    /// The slots after an instant, which is in seconds since the epoch, as those are.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("schedules.yaml");
    /// # std::fs::write(&path, "tick: {task: ops/tick, every: 15m}")?;
    /// let schedules = tasker_contrib_axum::schedules::load(&path)?;
    /// assert_eq!(schedules[0].slots(0).take(2).collect::<Vec<_>>(), [900, 1800]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn slots(&self, after: i64) -> impl Iterator<Item = i64> + '_ {
        std::iter::successors(self.following(after), |slot| self.following(*slot))
    }

    fn following(&self, after: i64) -> Option<i64> {
        match &self.timing {
            Timing::Every(every) => {
                let every = i64::try_from(every.as_secs()).ok()?;
                (after.div_euclid(every) + 1).checked_mul(every)
            }
            Timing::Cron(cron, zone) => {
                let after = Timestamp::from_second(after).ok()?.to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&after, false).ok()?;
                Some(next.timestamp().as_second())
            }
        }
    }
}

/// A line of five fields.
pub(super) fn cron(line: &str) -> Result<Cron, String> {
    if line.split_whitespace().count() != 5 {
        return Err(format!(
            "`{line}` must have five fields: minute, hour, day of month, month, day of week"
        ));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    let cron = parser
        .parse(line)
        .map_err(|error| format!("`{line}` is not a cron line: {error}"))?;
    let epoch = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    match cron.find_next_occurrence(&epoch, false) {
        Ok(_) => Ok(cron),
        Err(_) => Err(format!("`{line}` is never due")),
    }
}

/// `90s`, `15m`, `6h` or `2d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let seconds = units.into_iter().find_map(|(letter, unit)| {
        let digits = text.strip_suffix(letter)?;
        let is_number = digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| is_number)?;
        (number > 0).then_some(number * unit)
    });
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is not a time span; write for example 90s, 15m, 6h or 2d"))
}

/// A slot as it is in the context: `2026-12-01T06:00:00Z`.
pub(super) fn text(slot: i64) -> String {
    Timestamp::from_second(slot).map_or_else(|_| slot.to_string(), |slot| slot.to_string())
}
