//! What recovery has done meanwhile, from the log of the stack: each recovered thing is a line of it.

use std::collections::BTreeMap;

/// How many of each kind.
pub fn count(log: &str) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for kind in log.lines().filter_map(kind) {
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

fn kind(line: &str) -> Option<&str> {
    let (_, said) = line.split_once(" tasker_recovery: recovered: ")?;
    let (_, kind) = said.rsplit_once(" kind=")?;
    kind.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn lines_of_recovery_are_counted_by_kind() {
        let log = "2026-01-31T12:05:00.1Z  WARN tasker_recovery: recovered: worker tkw:a:1:x died with this step kind=worker_lost task=1 step=2\n\
                   2026-01-31T12:05:00.2Z  WARN tasker_recovery: no pass: the database is away\n\
                   2026-01-31T12:05:00.3Z ERROR tasker_orchestration: kind=worker_lost\n\
                   2026-01-31T12:05:02.1Z  WARN tasker_recovery: recovered: worker tkw:a:1:x died with this step kind=worker_lost task=3 step=4\n\
                   2026-01-31T12:05:17.1Z  WARN tasker_recovery: recovered: enqueuing_steps -> steps_in_process kind=task_moved task=5 step=-\n";
        let said: Vec<_> = count(log).into_iter().collect();
        assert_eq!(
            said,
            [("task_moved".to_owned(), 1), ("worker_lost".to_owned(), 2)]
        );
    }
}
