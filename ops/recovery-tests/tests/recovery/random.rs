//! Whatever is killed whenever: a task that has not ended is one that a pass moves, or that somebody works on.

use uuid::Uuid;

use crate::bed::{beside, task_state, Bed};

/// A small generator of our own: the seed of a failure must mean the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[tokio::test]
async fn kills_at_random_leave_no_task_behind() {
    let seed = std::env::var("RECOVERY_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| {
            u64::try_from(
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap()
                    .as_nanos()
                    & 0xffff_ffff,
            )
            .unwrap()
                | 1
        });
    eprintln!("RECOVERY_SEED={seed}");
    let mut dice = Dice(seed);
    let mut bed = Bed::new().await;
    let mut tasks: Vec<Uuid> = Vec::new();
    for _ in 0..12 {
        tasks.push(bed.create("chain").await);
    }
    for number in 0..30 {
        kill_somewhere(&mut bed, &mut dice, number).await;
    }
    let mut worker = bed.worker("tkw:test:host:99:last").await;
    let url = bed.database_url.clone();
    let ended = worker.work_until("all tasks to end", async |sql| {
        for task in &tasks {
            if task_state(sql, *task).await != "complete" {
                return false;
            }
        }
        true
    });
    beside(&url, ended).await;
}

/// A worker claims what waits and dies somewhere on its way, or a message is lost as if the server had died.
async fn kill_somewhere(bed: &mut Bed, dice: &mut Dice, number: u64) {
    let waiting: Vec<String> = sqlx::query_scalar(
        "select message->>'step_uuid' from pgmq.q_worker_recovery_queue order by 1",
    )
    .fetch_all(&mut bed.sql)
    .await
    .unwrap();
    if waiting.is_empty() {
        bed.pass().await;
        tokio::task::yield_now().await;
        return;
    }
    let step: Uuid = waiting[usize::try_from(dice.roll(waiting.len() as u64)).unwrap()]
        .parse()
        .unwrap();
    let mut worker = bed.worker(&format!("tkw:test:host:{number}:dies")).await;
    match dice.roll(6) {
        0 => {
            let lost = format!(
                "delete from pgmq.q_worker_recovery_queue where message->>'step_uuid' = '{step}'"
            );
            sqlx::raw_sql(&lost).execute(&mut bed.sql).await.unwrap();
        }
        // An old message of a step that another took: refused.
        _ if worker.claim(step).await.is_err() => {}
        1 | 2 => {}
        3 => worker.answer_without_message(step).await.unwrap(),
        4 => {
            worker.answer(step).await.unwrap();
            let lost = format!("delete from pgmq.q_orchestration_step_results where message->>'step_uuid' = '{step}'");
            sqlx::raw_sql(&lost).execute(&mut bed.sql).await.unwrap();
        }
        _ => worker.answer(step).await.unwrap(),
    }
}
