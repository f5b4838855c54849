//! How long to wait for what.

use std::time::Duration;

use crate::Error;

/// Settings of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Time between two passes.
    pub interval: Duration,
    /// A worker without a session for this long is dead. At least three times `interval`.
    pub grace: Duration,
    /// A step or task that has not moved for this long is compared with the queues.
    pub settle: Duration,
    /// A step that its living worker has not answered for `timeout_seconds` and this long is given to a worker again.
    pub margin: Duration,
    /// The same for a step without `timeout_seconds` whose template has no `lifecycle.max_steps_in_process_minutes` either. Core fails such
    /// tasks after 30 minutes.
    pub lease: Duration,
    /// A step that has lost its worker, or its answer, more often than this ends as failed.
    pub max_losses: u32,
    /// Messages that PGMQ has archived are deleted after this time; `None` keeps them.
    pub keep_archives: Option<Duration>,
    /// How long a pass looks at tasks before it leaves the others to the next one.
    pub budget: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            grace: Duration::from_secs(10),
            settle: Duration::from_secs(15),
            margin: Duration::from_secs(30),
            lease: Duration::from_secs(25 * 60),
            max_losses: 3,
            keep_archives: Some(Duration::from_secs(7 * 24 * 60 * 60)),
            budget: Duration::from_millis(8),
        }
    }
}

impl Settings {
    /// # Errors
    /// [`Error::Setting`] if passes are so rare that every one would begin a new grace.
    pub fn check(&self) -> Result<(), Error> {
        if self.grace < 3 * self.interval {
            return Err(Error::Setting(format!(
                "--grace {} s is too short for --interval {} s: a worker is taken for dead when several passes have not seen it.\n\
                 fix: use a grace of at least {} s, or a shorter interval.",
                self.grace.as_secs_f64(),
                self.interval.as_secs_f64(),
                (3 * self.interval).as_secs_f64()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Settings;

    #[test]
    fn a_grace_that_no_pass_could_watch_is_refused() {
        let settings = Settings {
            interval: Duration::from_secs(5),
            ..Settings::default()
        };
        let said = settings.check().unwrap_err().to_string();
        assert!(said.contains("at least 15 s"), "{said}");
        Settings::default().check().unwrap();
    }
}
