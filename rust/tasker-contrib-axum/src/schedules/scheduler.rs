//! Creates the tasks of schedules when they are due.

use std::collections::HashSet;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::file::load;
use super::schedule::{text, Missed, Schedule};
use crate::{ClientError, ClientErrorKind, Error, NewTask, Task, TaskQuery, TaskerClient};

const LONGEST_PAUSE: i64 = 60;
const LOOK_AT_FILE: Duration = Duration::from_secs(5);

/// Creates the task of a schedule for this second, also when it is paused.
///
/// # Errors
///
/// What the server says.
pub async fn create_now(client: &TaskerClient, schedule: &Schedule) -> Result<Task, ClientError> {
    create(client, schedule, now()).await
}

async fn create(
    client: &TaskerClient,
    schedule: &Schedule,
    slot: i64,
) -> Result<Task, ClientError> {
    let mut context = schedule.context.clone();
    context.insert("scheduled_for".to_owned(), Value::String(text(slot)));
    let task = NewTask::new(&schedule.namespace, &schedule.task, context)
        .version(&schedule.version)
        .initiator(initiator(schedule))
        .reason(format!("schedule {}", schedule.name));
    client.create_task(task).await
}

fn initiator(schedule: &Schedule) -> String {
    format!("schedule:{}", schedule.name)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// How far a schedule has come. It is not kept: a new process asks the server.
#[derive(Debug)]
struct Progress {
    schedule: Schedule,
    after: i64,
    /// Slots before the start that have a task. Its context may be another than today's.
    done: Option<HashSet<String>>,
    not_before: Option<i64>,
    failures: u32,
}

/// Creates tasks until it is told to stop; the module has an example. Any number of them may run.
#[derive(Debug)]
pub struct Scheduler {
    client: TaskerClient,
    path: PathBuf,
    stamp: Option<(SystemTime, u64)>,
    progress: Vec<Progress>,
}

impl Scheduler {
    /// Reads a file of schedules. It is read again when it changes.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with every problem of the file.
    pub fn new(client: TaskerClient, path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let mut scheduler = Self {
            stamp: stamp(&path),
            progress: Vec::new(),
            client,
            path,
        };
        let schedules = load(&scheduler.path)?;
        scheduler.take(schedules, now());
        Ok(scheduler)
    }

    /// What the file says now.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.progress.iter().map(|progress| &progress.schedule)
    }

    /// Creates tasks until the future is ready, such as [`shutdown_signal`](crate::shutdown_signal). A call of the server that is under way is
    /// given up then; whether it created its task does not matter to the next scheduler.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let work = async {
            loop {
                let following = self.run_once(now()).await;
                self.refresh(now());
                let wait = following.map_or(LOOK_AT_FILE, |slot| {
                    Duration::from_secs(u64::try_from(slot - now()).unwrap_or(0))
                });
                let wait = wait.clamp(Duration::from_millis(200), LOOK_AT_FILE);
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = stop => {}
        }
    }

    /// Creates what is due; when something is due next.
    async fn run_once(&mut self, now: i64) -> Option<i64> {
        let mut following = None;
        for progress in &mut self.progress {
            if progress.schedule.paused {
                continue;
            }
            let next = advance(&self.client, progress, now).await;
            following = following.into_iter().chain(next).min();
        }
        following
    }

    /// Reads the file again if it has changed. With mistakes in it, the schedules stay as they were.
    fn refresh(&mut self, now: i64) {
        let stamp = stamp(&self.path);
        if stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        match load(&self.path) {
            Ok(schedules) => {
                tracing::info!(file = %self.path.display(), schedules = schedules.len(), "the schedules were read again");
                self.take(schedules, now);
            }
            Err(error) => tracing::error!(%error, "the schedules stay as they were"),
        }
    }

    fn take(&mut self, schedules: Vec<Schedule>, now: i64) {
        let mut old = std::mem::take(&mut self.progress);
        for schedule in schedules {
            let before = old
                .iter()
                .position(|progress| progress.schedule.name == schedule.name)
                .map(|index| old.swap_remove(index));
            let progress = match before {
                None => Progress {
                    after: now - seconds(schedule.window),
                    schedule,
                    done: None,
                    not_before: None,
                    failures: 0,
                },
                Some(mut before) => {
                    // After a pause, or with other times, it goes on with the next slot: nobody wanted those in between.
                    if before.schedule.paused || before.schedule.timing != schedule.timing {
                        before.after = now;
                    }
                    Progress { schedule, ..before }
                }
            };
            self.progress.push(progress);
        }
    }
}

async fn advance(client: &TaskerClient, progress: &mut Progress, now: i64) -> Option<i64> {
    if progress.not_before.is_some_and(|instant| now < instant) {
        return progress.not_before;
    }
    progress.after = progress.after.max(now - seconds(progress.schedule.window));
    for slot in due(&progress.schedule, progress.after, now) {
        if let Err(error) = did(client, progress, slot).await {
            put_off(progress, slot, now, &error);
            return progress.not_before;
        }
        progress.after = slot;
        (progress.not_before, progress.failures) = (None, 0);
    }
    progress.schedule.slots(progress.after.max(now)).next()
}

/// The slots up to now that get a task, oldest first.
fn due(schedule: &Schedule, after: i64, now: i64) -> Vec<i64> {
    let slots = schedule.slots(after).take_while(|slot| *slot <= now);
    match schedule.missed {
        Missed::One => slots.last().into_iter().collect(),
        Missed::Skip | Missed::All => slots.collect(),
    }
}

/// Sees to it that the slot has a task.
async fn did(client: &TaskerClient, progress: &mut Progress, slot: i64) -> Result<(), ClientError> {
    let schedule = &progress.schedule;
    let done = match &mut progress.done {
        Some(done) => done,
        none => none.insert(have_a_task(client, schedule).await?),
    };
    if done.contains(&text(slot)) {
        return Ok(());
    }
    match create(client, schedule, slot).await {
        Ok(task) => {
            tracing::info!(schedule = schedule.name, task_uuid = %task.task_uuid, slot = text(slot), "a scheduled task was created");
            Ok(())
        }
        // Another scheduler was faster.
        Err(error) if error.kind() == ClientErrorKind::Conflict => Ok(()),
        Err(error) => Err(error),
    }
}

/// The slots of the schedule's newest tasks.
async fn have_a_task(
    client: &TaskerClient,
    schedule: &Schedule,
) -> Result<HashSet<String>, ClientError> {
    let query = TaskQuery::default()
        .namespace(&schedule.namespace)
        .initiator(initiator(schedule))
        .per_page(100);
    let page = client.list_tasks(query).await?;
    let slot = |task: &Task| Some(task.context.get("scheduled_for")?.as_str()?.to_owned());
    Ok(page.tasks.iter().filter_map(slot).collect())
}

fn put_off(progress: &mut Progress, slot: i64, now: i64, error: &ClientError) {
    progress.failures += 1;
    let pause = 2_i64.saturating_pow(progress.failures).min(LONGEST_PAUSE);
    progress.not_before = Some(now + pause);
    let until = text(slot + seconds(progress.schedule.window));
    tracing::error!(schedule = progress.schedule.name, slot = text(slot), %error, until, "no task was created; it is tried again");
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX / 4)
}

fn stamp(path: &std::path::Path) -> Option<(SystemTime, u64)> {
    let found = path.metadata().ok()?;
    Some((found.modified().ok()?, found.len()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
