//! What RSpec counts.

use crate::plan::{Count, Totals};

pub const RSPEC: Count = Count {
    name: "rspec",
    read: rspec,
};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rspec_closes_with_one_line() {
        let log = "Finished in 1 second\n12 examples, 1 failure, 2 pending, 1 error occurred outside of examples\n";
        let totals = rspec(log).unwrap();
        assert_eq!((totals.passed, totals.failed, totals.skipped), (9, 2, 2));
        assert!(rspec("no examples found").is_none());
    }
}
