//! What Core cannot store: the character NUL, which PostgreSQL has in no text, and what its JSON reader finds nested too deep. The server fails on
//! both, and the step that sent them would hang for ever.

use serde_json::Value;

/// Levels of a value. Core reads 128 with what it puts around.
pub(crate) const LEVELS: usize = 100;

/// Why a value cannot be stored, to be said after its name.
pub(crate) fn problem(value: &Value) -> Option<String> {
    if too_deep(value, LEVELS) {
        return Some(format!("is nested in more than {LEVELS} levels"));
    }
    let path = find(value)?;
    Some(format!(
        "has a NUL character at `{path}`, which PostgreSQL cannot store; remove it, or encode the value (Base64)"
    ))
}

fn too_deep(value: &Value, levels: usize) -> bool {
    let below = levels.checked_sub(1);
    match value {
        Value::Array(values) => {
            below.is_none_or(|levels| values.iter().any(|value| too_deep(value, levels)))
        }
        Value::Object(values) => {
            below.is_none_or(|levels| values.values().any(|value| too_deep(value, levels)))
        }
        _ => false,
    }
}

/// The path of the first text or key with a NUL, such as `rows.2.name`.
fn find(value: &Value) -> Option<String> {
    fn below(value: &Value, path: &mut Vec<String>) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(values) => {
                let mut numbered = values.iter().enumerate();
                numbered.any(|(number, value)| at(value, number.to_string(), path))
            }
            Value::Object(values) => values
                .iter()
                .any(|(key, value)| key.contains('\0') || at(value, key.clone(), path)),
            _ => false,
        }
    }
    fn at(value: &Value, name: String, path: &mut Vec<String>) -> bool {
        path.push(name);
        let found = below(value, path);
        if !found {
            path.pop();
        }
        found
    }
    let mut path = Vec::new();
    below(value, &mut path).then(|| match path.is_empty() {
        true => "(the value itself)".to_owned(),
        false => path.join("."),
    })
}

/// A text that can be stored: the replacement character stands for each NUL.
pub(crate) fn replaced(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{find, problem, LEVELS};

    #[test]
    fn it_is_found_in_texts_and_keys() {
        assert_eq!(
            find(&json!({"a": ["x", {"b": "y\0"}]})).as_deref(),
            Some("a.1.b")
        );
        assert_eq!(find(&json!({"a": {"k\0": 1}})).as_deref(), Some("a"));
        assert_eq!(find(&json!("\0")).as_deref(), Some("(the value itself)"));
        assert_eq!(find(&json!({"a": ["\\u0000", 0, null]})), None);
    }

    #[test]
    fn levels_are_counted_from_the_value_itself() {
        let nested = |levels| (1..levels).fold(json!({}), |inner, _| json!([inner]));
        assert_eq!(problem(&nested(LEVELS)), None);
        assert!(problem(&nested(LEVELS + 1)).unwrap().contains("100 levels"));
    }
}
