//! Short names for things that must be rebuilt when any of their ingredients changes.

use sha2::{Digest as _, Sha256};

/// Sixteen hexadecimal digits that differ when any of the parts differs.
pub fn of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn moving_text_from_one_part_to_the_next_changes_the_name() {
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["a"]).len(), 16);
    }
}
