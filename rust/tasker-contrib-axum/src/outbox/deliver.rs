//! Creates the task of one row, and says what becomes of the row.

use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use super::OutboxRow;
use crate::{ClientError, ClientErrorKind, NewTask, Task, TaskerClient};

const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A worker that registers the template may start after the application, and Core answers 404 while its database is away, too. With the waits
/// between them these are about a quarter of an hour.
const NOT_FOUND_ATTEMPTS: i32 = 20;
const FIX: &str = "discard the row if that task will do. To run it again, put something unique into the context; \
    `NewTask::idempotent` is content with the other task";

/// What becomes of a row.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// The task exists; none when it is another's, and the row is content with that.
    Created(Option<Box<Task>>),
    /// The row has to wait.
    Later(Duration, String),
    /// All rows have to wait: the server is away, overloaded, or refuses our credentials.
    Pause(Duration, String),
    /// The server will never take this row as it is.
    Dead(String),
}

/// The column `options`: what the server gets beside template and context, and what we do about a conflict.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    initiator: Option<String>,
    source_system: Option<String>,
    reason: Option<String>,
    priority: Option<i32>,
    tags: Option<Vec<String>>,
    parent_correlation_id: Option<Uuid>,
    on_conflict: OnConflict,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnConflict {
    #[default]
    Dead,
    Ignore,
}

/// How long to wait after a number of failures; spread, so that relays do not meet again.
pub(super) fn backoff(failures: u32) -> Duration {
    let exponent = failures.saturating_sub(1).min(10);
    let longest = Duration::from_secs(1 << exponent).min(LONGEST_WAIT);
    let part = Uuid::new_v4().as_bytes()[0];
    longest.mul_f64(0.5 + f64::from(part) / 510.0)
}

/// Creates the task of a row, unless an earlier try did.
pub(super) async fn deliver(client: &TaskerClient, row: &OutboxRow) -> Outcome {
    let options = match serde_json::from_value::<Options>(row.options.clone()) {
        Ok(options) => options,
        // Perhaps of a newer version of the application: another relay may understand the row.
        Err(error) => return later(row, format!("the column options: {error}")),
    };
    let ignores = options.on_conflict == OnConflict::Ignore;
    let task = match client.create_task(new_task(row, options)).await {
        Ok(task) => task,
        Err(error) if ignores && error.kind() == ClientErrorKind::Conflict => {
            return Outcome::Created(None);
        }
        Err(error) => return refused(row, &error),
    };
    if task.correlation_id == Some(row.correlation_id) {
        return Outcome::Created(Some(Box::new(task)));
    }
    if ignores {
        return Outcome::Created(None);
    }
    Outcome::Dead(format!(
        "task {} has the same template and the same context, and was created by somebody else; {FIX}",
        task.task_uuid
    ))
}

fn new_task(row: &OutboxRow, options: Options) -> NewTask {
    let mut task = NewTask::new(&row.namespace, &row.name, &row.context)
        .version(&row.version)
        .correlation_id(row.correlation_id);
    if options.on_conflict == OnConflict::Dead {
        // The existing task tells by its correlation id whether this row created it.
        task = task.idempotent();
    }
    if let Some(initiator) = options.initiator {
        task = task.initiator(initiator);
    }
    if let Some(system) = options.source_system {
        task = task.source_system(system);
    }
    if let Some(reason) = options.reason {
        task = task.reason(reason);
    }
    if let Some(priority) = options.priority {
        task = task.priority(priority);
    }
    if let Some(parent) = options.parent_correlation_id {
        task = task.parent_correlation_id(parent);
    }
    let tags = options.tags.into_iter().flatten();
    tags.fold(task, NewTask::tag)
}

fn refused(row: &OutboxRow, error: &ClientError) -> Outcome {
    let text = error.to_string();
    match error.kind() {
        ClientErrorKind::Unavailable
        | ClientErrorKind::Backpressure
        | ClientErrorKind::Permission => {
            Outcome::Pause(error.retry_after().unwrap_or_default(), text)
        }
        ClientErrorKind::Server | ClientErrorKind::Timeout => later(row, text),
        ClientErrorKind::NotFound if row.attempts + 1 < NOT_FOUND_ATTEMPTS => later(row, text),
        ClientErrorKind::NotFound => Outcome::Dead(format!("{text} ({NOT_FOUND_ATTEMPTS} tries)")),
        ClientErrorKind::Conflict => Outcome::Dead(format!(
            "{text}. It cannot be told whether this row created it; {FIX}"
        )),
        ClientErrorKind::Invalid => Outcome::Dead(text),
    }
}

/// The row failed once more.
pub(super) fn later(row: &OutboxRow, why: String) -> Outcome {
    let failures = u32::try_from(row.attempts).unwrap_or_default() + 1;
    Outcome::Later(backoff(failures), why)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
