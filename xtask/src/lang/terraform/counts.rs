//! What the script counts that tests a cloud's modules.

use crate::plan::{Count, Totals};

pub const CHECK: Count = Count {
    name: "terraform",
    read: closing,
};

/// The last `tests: 66 passed, 0 failed`.
fn closing(text: &str) -> Option<Totals> {
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("tests: "))?;
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Totals {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
        skipped: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_closes_with_one_line() {
        let log = "Success! 41 passed, 0 failed.\npolicy: minimal makes 45 resources; 12 rules apply\ntests: 64 passed, 2 failed\n";
        let totals = closing(log).unwrap();
        assert_eq!((totals.passed, totals.failed, totals.skipped), (64, 2, 0));
        assert!(closing("Success! 41 passed, 0 failed.\n").is_none());
    }
}
