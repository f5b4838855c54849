//! What pytest counts.

use crate::plan::{Count, Totals};

pub const PYTEST: Count = Count {
    name: "pytest",
    read: pytest,
};

/// The last `==== 3 passed, 1 skipped in 0.12s ====`; with `-q` the line has no frame.
fn pytest(text: &str) -> Option<Totals> {
    text.lines()
        .rev()
        .map(|line| line.trim_matches(|c| c == '=' || c == ' '))
        .find(|line| line.contains(" in ") && line.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|line| line.split_once(" in "))
        .map(|(counts, _)| Totals::counted(counts, ','))
}

#[cfg(test)]
mod tests {
    use super::*;

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
