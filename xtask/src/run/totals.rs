//! Reading what a test tool counted from the closing lines of its log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Add;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::plan::Counts;

/// What test tools counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Totals {
    /// Tests that passed, expected failures included.
    pub passed: u64,
    /// Tests that failed, errors in their set-up included.
    pub failed: u64,
    /// Tests that did not run: skipped, ignored.
    pub skipped: u64,
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// The totals of a log, if its tool counted anything.
pub fn read(counts: Counts, log: &Path) -> Option<Totals> {
    if counts == Counts::None {
        return None;
    }
    let text = String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned();
    match counts {
        Counts::None => None,
        Counts::CargoTest => cargo_test(&text),
        Counts::Pytest => pytest(&text),
        Counts::Rspec => rspec(&text),
        Counts::BunTest => bun_test(&text),
    }
}

/// Adds up `test result: ok. 3 passed; 0 failed; 1 ignored; …`; cargo prints one per test binary.
fn cargo_test(text: &str) -> Option<Totals> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("test result: "))
        .filter_map(|line| {
            line.split_once(". ")
                .map(|(_, counts)| counted(counts, ';'))
        })
        .reduce(|sum, next| sum + next)
}

/// The last `==== 3 passed, 1 skipped in 0.12s ====`; with `-q` the line has no frame.
fn pytest(text: &str) -> Option<Totals> {
    text.lines()
        .rev()
        .map(|line| line.trim_matches(|c| c == '=' || c == ' '))
        .find(|line| line.contains(" in ") && line.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|line| line.split_once(" in "))
        .map(|(counts, _)| counted(counts, ','))
}

/// The last `12 examples, 1 failure, 2 pending`; what failed and what is pending are among the examples. An error outside of them
/// is a failure, too.
fn rspec(text: &str) -> Option<Totals> {
    let line = text
        .lines()
        .rev()
        .find(|line| line.contains(" example") && line.contains(" failure"))?;
    let number = |word: &str| {
        line.split(", ")
            .find(|part| part.contains(word))
            .and_then(|part| part.split_whitespace().next())
            .and_then(|number| number.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let (failed, skipped) = (number("failure"), number("pending"));
    Some(Totals {
        passed: number("example").saturating_sub(failed + skipped),
        failed: failed + number("error"),
        skipped,
    })
}

/// The lines ` 3 pass`, ` 1 skip`, ` 0 fail` at the end.
fn bun_test(text: &str) -> Option<Totals> {
    let number = |wanted: &str| {
        text.lines().rev().find_map(|line| {
            let (number, word) = line.trim().split_once(' ')?;
            (word == wanted).then(|| number.parse::<u64>().ok())?
        })
    };
    Some(Totals {
        passed: number("pass")?,
        failed: number("fail")?,
        skipped: number("skip").unwrap_or(0) + number("todo").unwrap_or(0),
    })
}

fn counted(text: &str, separator: char) -> Totals {
    let mut totals = Totals::default();
    for part in text.split(separator) {
        let mut words = part.split_whitespace();
        let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<u64>), words.next())
        else {
            continue;
        };
        match word {
            "passed" | "xfailed" => totals.passed += number,
            "failed" | "error" | "errors" | "xpassed" => totals.failed += number,
            "skipped" | "ignored" => totals.skipped += number,
            _ => {}
        }
    }
    totals
}

/// The last line with text in it, without reading a large log from its start.
pub fn last_line(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(2048)))
        .ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    String::from_utf8_lossy(&end)
        .lines()
        .rev()
        .map(|line| line.trim().to_owned())
        .find(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bun_closes_with_a_line_for_each_count() {
        let log = "tests/a.test.ts:\n(pass) 3 pass a test [1.00ms]\n\n 12 pass\n 2 skip\n 1 fail\n 30 expect() calls\nRan 15 tests";
        let totals = bun_test(log).unwrap();
        assert_eq!((totals.passed, totals.failed, totals.skipped), (12, 1, 2));
        assert!(bun_test("error: no tests").is_none());
    }

    #[test]
    fn cargo_prints_one_result_per_test_binary() {
        let log = "running 3 tests\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                   test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.0s\n";
        assert_eq!(
            cargo_test(log),
            Some(Totals {
                passed: 4,
                failed: 2,
                skipped: 1
            })
        );
        assert_eq!(cargo_test("error: could not compile"), None);
    }

    #[test]
    fn pytest_closes_with_one_line_framed_or_not() {
        let framed =
            "collected 4 items\n===== 1 failed, 2 passed, 1 skipped, 3 warnings in 0.12s =====\n";
        assert_eq!(
            pytest(framed),
            Some(Totals {
                passed: 2,
                failed: 1,
                skipped: 1
            })
        );
        let quiet = "....\n4 passed, 1 xfailed, 2 errors in 61.20s (0:01:01)\n";
        assert_eq!(
            pytest(quiet),
            Some(Totals {
                passed: 5,
                failed: 2,
                skipped: 0
            })
        );
        assert_eq!(pytest("usage: pytest [options]\n"), None);
    }
}
