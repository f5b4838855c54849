//! When each step of a task ran, from the times that Core keeps.

use serde::Serialize;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::expect::error_of;

/// How wide the bars are.
const WIDTH: usize = 32;

/// One step of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub name: String,
    pub state: String,
    /// How often it was tried.
    pub attempts: u64,
    /// The attempts before the last one, as far as Core has kept them.
    pub earlier: Vec<Attempt>,
    /// When its last attempt began, in seconds after the task was created.
    pub begin: Option<f64>,
    pub end: Option<f64>,
    /// The message of its failure.
    pub error: Option<String>,
}

/// One attempt of a step, in seconds after the task was created.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// When it began.
    pub begin: f64,
    /// When it ended.
    pub end: f64,
    /// Whether it succeeded.
    pub ok: bool,
}

impl Step {
    /// Every attempt with its times, the last one included.
    pub fn tries(&self) -> Vec<Attempt> {
        let mut tries = self.earlier.clone();
        if let (Some(begin), Some(end)) = (self.begin, self.end) {
            tries.push(Attempt {
                begin,
                end: end.max(begin),
                ok: self.state != "error",
            });
        }
        tries
    }

    /// Why there is no bar; none if there is one.
    pub fn without_times(&self) -> Option<&'static str> {
        match (self.begin, self.end, self.state.as_str()) {
            (Some(_), Some(_), _) => None,
            (None, _, "complete" | "resolved_manually") => Some("the app has told no times"),
            (Some(_), None, _) => Some("had not ended when the app was asked"),
            (None, _, _) => Some("never started"),
        }
    }
}

/// The attempts before the last one, from what Core has kept of each result (`GET …/workflow_steps/{step}/audit`).
pub fn earlier(task: &Value, audit: &Value) -> Vec<Attempt> {
    let Some(created) = instant(&task["created_at"]) else {
        return Vec::new();
    };
    let attempt = |row: &Value| {
        let end = (instant(&row["recorded_at"])? - created)
            .as_seconds_f64()
            .max(0.0);
        let took = row["execution_time_ms"].as_f64().unwrap_or(0.0) / 1000.0;
        Some(Attempt {
            begin: (end - took).max(0.0),
            end,
            ok: row["success"].as_bool().unwrap_or(false),
        })
    };
    let rows = audit.as_array().into_iter().flatten();
    let mut attempts: Vec<Attempt> = rows.filter_map(attempt).collect();
    attempts.sort_by(|a, b| a.end.total_cmp(&b.end));
    attempts.pop();
    attempts
}

/// The steps of a task in the order in which they ran.
pub fn of(task: &Value, steps: &[Value]) -> Vec<Step> {
    let created = instant(&task["created_at"]);
    let after = |value: &Value| Some((instant(value)? - created?).as_seconds_f64().max(0.0));
    let mut timeline: Vec<Step> = steps
        .iter()
        .map(|step| Step {
            name: text(&step["name"]),
            state: text(&step["current_state"]),
            attempts: step["attempts"].as_u64().unwrap_or(0),
            earlier: Vec::new(),
            begin: after(&step["last_attempted_at"]),
            end: after(&step["completed_at"]).or_else(|| after(&step["last_failure_at"])),
            error: error_of(step).filter(|_| step["current_state"] == "error"),
        })
        .collect();
    let key = |step: &Step| (step.begin.unwrap_or(f64::MAX), step.end.unwrap_or(f64::MAX));
    timeline.sort_by(|a, b| {
        key(a)
            .partial_cmp(&key(b))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    timeline
}

/// When the last step ended, in seconds after the task was created.
pub fn length(steps: &[Step]) -> f64 {
    steps.iter().filter_map(|step| step.end).fold(0.0, f64::max)
}

/// One line a step, with a bar that shows when it ran.
pub fn lines(steps: &[Step]) -> Vec<String> {
    let whole = length(steps).max(0.001);
    let name = steps
        .iter()
        .map(|step| step.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for step in steps {
        let bar = bar(step, whole);
        let took = match (step.begin, step.end) {
            (Some(begin), Some(end)) => format!("{:>7.3} s", (end - begin).max(0.0)),
            _ => "        -".to_owned(),
        };
        let tries = if step.attempts > 1 {
            format!("  {} attempts", step.attempts)
        } else {
            String::new()
        };
        lines.push(format!(
            "{:name$}  {bar}  {took}  {}{tries}",
            step.name, step.state
        ));
        if let Some(error) = &step.error {
            lines.push(format!("{:name$}  {}", "", first_line(error)));
        }
    }
    lines
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn bar(step: &Step, whole: f64) -> String {
    let column = |seconds: f64| ((seconds / whole * WIDTH as f64).round() as usize).min(WIDTH);
    let mut bar = vec!['·'; WIDTH];
    let tries = step.tries();
    for (place, attempt) in tries.iter().enumerate() {
        let from = column(attempt.begin).min(WIDTH - 1);
        let to = column(attempt.end).max(from + 1);
        let is_last = place + 1 == tries.len();
        bar[from..to].fill(if is_last { '█' } else { '▒' });
    }
    bar.into_iter().collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// Core writes some times with a zone and some without; the latter are UTC.
fn instant(value: &Value) -> Option<OffsetDateTime> {
    let text = value.as_str()?;
    OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| {
        let zoned = format!("{text}Z");
        OffsetDateTime::parse(&zoned, &Rfc3339).ok().or_else(|| {
            PrimitiveDateTime::parse(
                text,
                &time::format_description::well_known::Iso8601::DEFAULT,
            )
            .ok()
            .map(PrimitiveDateTime::assume_utc)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{earlier, lines, of};
    use serde_json::json;

    #[test]
    fn earlier_attempts_come_from_the_results_that_core_has_kept() {
        let task = json!({"created_at": "2026-01-01T00:00:00Z"});
        let row = |at: &str, ok: bool| json!({"recorded_at": at, "execution_time_ms": 250, "success": ok});
        let audit = json!([
            row("2026-01-01T00:00:04", true),
            row("2026-01-01T00:00:01", false),
            row("2026-01-01T00:00:02.5Z", false),
        ]);
        let found: Vec<_> = earlier(&task, &audit)
            .into_iter()
            .map(|attempt| (attempt.begin, attempt.end, attempt.ok))
            .collect();
        assert_eq!(found, [(0.75, 1.0, false), (2.25, 2.5, false)]);
        let mut steps = of(
            &task,
            &[
                json!({"name": "flaky", "current_state": "complete", "attempts": 3,
                "last_attempted_at": "2026-01-01T00:00:03Z", "completed_at": "2026-01-01T00:00:04Z"}),
            ],
        );
        steps[0].earlier = earlier(&task, &audit);
        assert_eq!(
            lines(&steps),
            ["flaky  ······▒▒··········▒▒····████████    1.000 s  complete  3 attempts"]
        );
    }

    #[test]
    fn steps_come_in_the_order_in_which_they_ran_with_bars_to_scale() {
        let task = json!({"created_at": "2026-01-01T00:00:00Z"});
        let steps = [
            json!({"name": "second", "current_state": "error", "attempts": 3, "last_attempted_at": "2026-01-01T00:00:01.000Z",
                   "completed_at": null, "last_failure_at": "2026-01-01T00:00:02", "results": {"error": {"message": "gone\nfor good"}}}),
            json!({"name": "first", "current_state": "complete", "attempts": 1, "last_attempted_at": "2026-01-01T00:00:00Z",
                   "completed_at": "2026-01-01T00:00:01Z"}),
            json!({"name": "never", "current_state": "pending", "attempts": 0, "created_at": "2026-01-01T00:00:00Z"}),
        ];
        let timeline = of(&task, &steps);
        let text = lines(&timeline).join("\n");
        assert_eq!(
            text,
            "first   ████████████████················    1.000 s  complete\n\
             second  ················████████████████    1.000 s  error  3 attempts\n        gone\n\
             never   ································          -  pending"
        );
    }
}
