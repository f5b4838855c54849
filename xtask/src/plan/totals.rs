//! What test tools counted.

use std::ops::Add;

use serde::{Deserialize, Serialize};

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

impl Totals {
    /// Adds up `3 passed, 1 skipped` and the like.
    pub fn counted(text: &str, separator: char) -> Self {
        let mut totals = Self::default();
        for part in text.split(separator) {
            let mut words = part.split_whitespace();
            let (Some(Ok(number)), Some(word)) =
                (words.next().map(str::parse::<u64>), words.next())
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
}

/// How a tool counts: a word for it, which is what keys and `template-tests.toml` know, and what finds the totals in its log.
#[derive(Clone, Copy)]
pub struct Count {
    pub name: &'static str,
    pub read: fn(&str) -> Option<Totals>,
}

/// Without the function's address, which is another one in each process.
impl std::fmt::Debug for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
