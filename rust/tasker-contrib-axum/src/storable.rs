//! The character NUL, which PostgreSQL stores in no text: the server fails on it, and the step that sent it would hang for ever.

use serde_json::Value;

/// The path of the first text or key with a NUL, such as `rows.2.name`.
pub(crate) fn find(value: &Value) -> Option<String> {
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

    use super::find;

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
}
