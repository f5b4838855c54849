//! What `bun test` counts.

use crate::plan::{Count, Totals};

pub const BUN_TEST: Count = Count {
    name: "bun-test",
    read: bun_test,
};

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
}
