//! What `cargo test` counts.

use crate::plan::{Count, Totals};

pub const CARGO_TEST: Count = Count {
    name: "cargo-test",
    read: cargo_test,
};

/// Adds up `test result: ok. 3 passed; 0 failed; 1 ignored; …`; cargo prints one per test binary.
fn cargo_test(text: &str) -> Option<Totals> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("test result: "))
        .filter_map(|line| {
            line.split_once(". ")
                .map(|(_, counts)| Totals::counted(counts, ';'))
        })
        .reduce(|sum, next| sum + next)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
