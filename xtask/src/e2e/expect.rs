//! Comparison of what came out with what must come out, as a list of differences that can be read.

use serde_json::{Map, Value};

/// Sums of floating point numbers depend on their order in the last digits.
const TOLERANCE: f64 = 1e-9;

/// Differences between what must be contained and what is there; `place` begins each line.
///
/// Objects may have more keys than expected, lists must have the same length, numbers may differ in the last digits.
pub fn differences(place: &str, expected: &Value, actual: &Value) -> Vec<String> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => expected
            .iter()
            .flat_map(|(key, value)| {
                let place = format!("{place}.{key}");
                match actual.get(key) {
                    Some(found) => differences(&place, value, found),
                    None => vec![format!(
                        "{place}: expected {}, but it is missing",
                        short(value)
                    )],
                }
            })
            .collect(),
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                return vec![format!(
                    "{place}: expected {} items, found {}",
                    expected.len(),
                    actual.len()
                )];
            }
            expected
                .iter()
                .zip(actual)
                .enumerate()
                .flat_map(|(index, (one, other))| {
                    differences(&format!("{place}[{index}]"), one, other)
                })
                .collect()
        }
        (Value::Number(one), Value::Number(other)) if close(one.as_f64(), other.as_f64()) => {
            Vec::new()
        }
        _ if expected == actual => Vec::new(),
        _ => vec![format!(
            "{place}: expected {}, found {}",
            short(expected),
            short(actual)
        )],
    }
}

fn close(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= TOLERANCE * one.abs().max(other.abs()),
        _ => false,
    }
}

/// Differences of steps: `expected` maps names to `state`, `attempts`, `result` (contained), `error` (part of the message) or `absent`.
pub fn step_differences(expected: &Map<String, Value>, steps: &[Value]) -> Vec<String> {
    expected
        .iter()
        .flat_map(|(name, wanted)| one_step(name, wanted, steps))
        .collect()
}

fn one_step(name: &str, wanted: &Value, steps: &[Value]) -> Vec<String> {
    let place = format!("step {name}");
    let found = steps.iter().find(|step| step["name"] == name);
    match (wanted["absent"].as_bool().unwrap_or(false), found) {
        (true, None) => Vec::new(),
        (true, Some(step)) => vec![format!(
            "{place}: must not exist, but is {}",
            step["current_state"]
        )],
        (false, None) => vec![format!("{place}: does not exist")],
        (false, Some(step)) => compare_step(&place, wanted, step),
    }
}

fn compare_step(place: &str, wanted: &Value, step: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (key, actual) in [
        ("state", &step["current_state"]),
        ("attempts", &step["attempts"]),
        ("result", &step["results"]["result"]),
    ] {
        if let Some(expected) = wanted.get(key) {
            found.extend(differences(&format!("{place}: {key}"), expected, actual));
        }
    }
    if let Some(part) = wanted["error"].as_str() {
        let message = error_of(step).unwrap_or_default();
        if !message.contains(part) {
            found.push(format!(
                "{place}: the error must contain {part:?}, but is {message:?}"
            ));
        }
    }
    found
}

/// The message of a step's last failure.
pub fn error_of(step: &Value) -> Option<String> {
    let error = &step["results"]["error"];
    error["message"]
        .as_str()
        .or(error.as_str())
        .map(str::to_owned)
}

/// A value on one line, cut where it stops helping.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 120 {
        return text;
    }
    text.chars().take(117).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::{differences, step_differences};
    use serde_json::{json, Value};

    #[test]
    fn more_keys_are_fine_and_less_are_not() {
        assert!(differences("x", &json!({"a": 1}), &json!({"a": 1, "b": 2})).is_empty());
        assert_eq!(
            differences("x", &json!({"a": 1, "b": 2}), &json!({"a": 1})),
            ["x.b: expected 2, but it is missing"]
        );
    }

    #[test]
    fn numbers_may_differ_in_the_last_digits_only() {
        assert!(differences("x", &json!(0.1 + 0.2), &json!(0.3)).is_empty());
        assert_eq!(differences("x", &json!(3), &json!(4)).len(), 1);
        assert_eq!(differences("x", &json!(1.0), &json!(1.00001)).len(), 1);
        assert_eq!(differences("x", &json!(1), &json!("1")).len(), 1);
    }

    #[test]
    fn a_list_has_to_have_the_same_length() {
        assert_eq!(
            differences("x", &json!([1]), &json!([1, 2])),
            ["x: expected 1 items, found 2"]
        );
        assert_eq!(
            differences("x", &json!([1, {"a": 2}]), &json!([1, {"a": 3}])),
            ["x[1].a: expected 2, found 3"]
        );
    }

    #[test]
    fn steps_are_compared_by_state_attempts_result_and_error() {
        let steps = [json!({
            "name": "load", "current_state": "error", "attempts": 2,
            "results": {"result": {"rows": 5}, "error": {"message": "the source is gone (410)"}},
        })];
        let check = |expected: Value| step_differences(expected.as_object().unwrap(), &steps);
        assert!(check(json!({"load": {"state": "error", "attempts": 2, "result": {"rows": 5}, "error": "gone"}})).is_empty());
        assert_eq!(check(json!({"load": {"state": "complete"}})).len(), 1);
        assert_eq!(check(json!({"load": {"attempts": 1}})).len(), 1);
        assert_eq!(check(json!({"load": {"result": {"rows": 6}}})).len(), 1);
        assert_eq!(check(json!({"load": {"error": "timeout"}})).len(), 1);
        assert_eq!(check(json!({"load": {"absent": true}})).len(), 1);
        assert_eq!(
            check(json!({"publish": {"state": "complete"}})),
            ["step publish: does not exist"]
        );
        assert!(check(json!({"publish": {"absent": true}})).is_empty());
    }
}
