//! Who is killed when: a plan that a seed and a number of tasks decide, so that a run can be repeated. And what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// One kill for so many tasks.
const TASKS_PER_KILL: u32 = 40;
/// The shortest and the longest time between the return of what was killed and the next kill, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 500..5001;

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The process that executes steps.
    Worker,
    /// `tasker-dev`, and PostgreSQL with it.
    Server,
    /// A process of PostgreSQL, which then ends every session and recovers; the others live on.
    Database,
}

impl Target {
    pub const ALL: [Self; 3] = [Self::Worker, Self::Server, Self::Database];
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Worker => "worker",
            Self::Server => "server",
            Self::Database => "database",
        })
    }
}

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    pub target: Target,
    /// How long everything runs before it.
    pub pause: Duration,
    /// Chooses one of several processes.
    pub pick: u64,
}

/// A kill that was done.
#[derive(Clone, Debug, Serialize)]
pub struct Killed {
    /// When, in milliseconds after the beginning.
    pub at_ms: u64,
    pub target: Target,
    /// What it was, for people.
    pub what: String,
    /// How long it took until it was back, in milliseconds.
    pub back_ms: u64,
}

impl Killed {
    /// `0:07  killed PostgreSQL (process 1234), back after 0.9 s`
    pub fn line(&self) -> String {
        let at = self.at_ms / 1000;
        let back = Duration::from_millis(self.back_ms).as_secs_f64();
        let (minutes, seconds) = (at / 60, at % 60);
        format!(
            "{minutes}:{seconds:02}  killed {}, back after {back:.1} s",
            self.what
        )
    }
}

/// A run in which processes were killed.
#[derive(Debug, Serialize)]
pub struct Havoc {
    pub seed: u64,
    /// How many tasks were created.
    pub tasks: u32,
    /// How many kills there would have been, had the run lasted.
    pub planned: usize,
    pub kills: Vec<Killed>,
    /// Steps, messages and tasks that were recovered, by kind.
    pub recovered: BTreeMap<String, usize>,
}

impl Havoc {
    /// `100 tasks, 3 kills, seed 7; recovered: 4 × worker_lost`
    pub fn summary(&self) -> String {
        let kinds: Vec<String> = self
            .recovered
            .iter()
            .map(|(kind, count)| format!("{count} × {kind}"))
            .collect();
        let recovered = match kinds.is_empty() {
            true => "nothing".to_owned(),
            false => kinds.join(", "),
        };
        let (tasks, seed) = (self.tasks, self.seed);
        let kills = match self.kills.len() {
            all if all == self.planned => format!("{all} kills"),
            some => format!("{some} of {} kills", self.planned),
        };
        format!("{tasks} tasks, {kills}, seed {seed}; recovered: {recovered}")
    }

    /// What nobody has killed, because the tasks had ended before: such a run has not proven much.
    pub fn spared(&self) -> Vec<String> {
        let was_killed = |target| self.kills.iter().any(|killed| killed.target == target);
        let spared = Target::ALL
            .into_iter()
            .filter(|target| !was_killed(*target));
        spared
            .map(|target| format!("all tasks had ended before the {target} was killed; create more of them with --tasks"))
            .collect()
    }
}

/// The kills of a run, in order. Of three in a row, each is of another kind.
pub fn plan(seed: u64, tasks: u32) -> Vec<Kill> {
    let kinds = Target::ALL.len();
    let count = usize::try_from(tasks / TASKS_PER_KILL).unwrap_or(usize::MAX);
    let mut random = Random(seed);
    let mut kills = Vec::new();
    while kills.len() < count.max(kinds) {
        let mut round = Target::ALL;
        for place in (1..kinds).rev() {
            round.swap(place, random.index(place + 1));
        }
        kills.extend(round.map(|target| Kill {
            target,
            pause: Duration::from_millis(random.within(PAUSE_MS)),
            pick: random.next(),
        }));
    }
    kills.truncate(count.max(kinds));
    kills
}

/// A seed for whoever gave none, short enough to be typed again.
pub fn any_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(()) % 1_000_000
}

/// SplitMix64: the same numbers for a seed in every version of everything.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.next() % length as u64).expect("it is less than a length")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{plan, BTreeMap, Duration, Havoc, Killed, Target};

    fn killed(target: Target) -> Killed {
        Killed {
            at_ms: 67_999,
            target,
            what: "PostgreSQL (process 1234)".to_owned(),
            back_ms: 912,
        }
    }

    #[test]
    fn a_kill_is_a_line_and_a_run_is_a_sentence() {
        let line = "1:07  killed PostgreSQL (process 1234), back after 0.9 s";
        assert_eq!(killed(Target::Database).line(), line);
        let havoc = Havoc {
            seed: 7,
            tasks: 100,
            planned: 3,
            kills: vec![killed(Target::Database), killed(Target::Server)],
            recovered: BTreeMap::from([("worker_lost".to_owned(), 4)]),
        };
        let summary = "100 tasks, 2 of 3 kills, seed 7; recovered: 4 × worker_lost";
        assert_eq!(havoc.summary(), summary);
        assert_eq!(havoc.spared(), ["all tasks had ended before the worker was killed; create more of them with --tasks"]);
    }

    #[test]
    fn a_seed_means_the_same_kills_for_ever() {
        let said: Vec<String> = plan(7, 100)
            .iter()
            .map(|kill| format!("{:?} after {:?}", kill.target, kill.pause))
            .collect();
        let wanted = [
            "Server after 3.804s",
            "Database after 533ms",
            "Worker after 771ms",
        ];
        assert_eq!(said, wanted);
    }

    proptest! {
        #[test]
        fn every_kind_is_killed_in_turn(seed: u64, tasks in 0u32..2000) {
            let kills = plan(seed, tasks);
            prop_assert_eq!(&kills, &plan(seed, tasks));
            prop_assert_eq!(kills.len(), usize::max(tasks as usize / 40, 3));
            for round in kills.chunks_exact(3) {
                let kinds: BTreeSet<Target> = round.iter().map(|kill| kill.target).collect();
                prop_assert_eq!(kinds.len(), 3);
            }
            let (least, most) = (Duration::from_millis(500), Duration::from_secs(5));
            prop_assert!(kills.iter().all(|kill| (least..=most).contains(&kill.pause)));
        }
    }

    #[test]
    fn another_seed_means_other_kills() {
        let plans: Vec<_> = (0..20).map(|seed| plan(seed, 500)).collect();
        assert!(plans.windows(2).all(|two| two[0] != two[1]));
    }
}
