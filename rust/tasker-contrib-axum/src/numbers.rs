//! Numbers that came by gRPC: its JSON type has floats alone, so `5` arrives as `5.0`, and nothing reads that as an integer.

use serde_json::Value;

/// Up to here each integer is a float of its own.
const EXACT: i64 = 1 << 53;

/// Makes integers of all floats that are whole.
pub(crate) fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or(f64::NAN);
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            // both are exact within the bounds
            if float.fract() == 0.0 && float.abs() <= EXACT as f64 {
                *value = Value::from(float as i64);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(make_whole),
        Value::Object(values) => values.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// An integer that a float cannot hold.
#[cfg(feature = "grpc")]
pub(crate) fn inexact(value: &Value) -> Option<&Value> {
    match value {
        Value::Number(number) if number.is_f64() => None,
        Value::Number(number) => {
            let exact = number
                .as_i64()
                .is_some_and(|number| number.unsigned_abs() <= EXACT.unsigned_abs());
            (!exact).then_some(value)
        }
        Value::Array(values) => values.iter().find_map(inexact),
        Value::Object(values) => values.values().find_map(inexact),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn whole_floats_become_integers_and_others_stay() {
        let mut value = json!({"a": 5.0, "b": [1.5, -0.0, 1e300], "c": {"d": 7}});
        super::make_whole(&mut value);
        assert_eq!(value, json!({"a": 5, "b": [1.5, 0, 1e300], "c": {"d": 7}}));
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn integers_that_a_float_cannot_hold_are_found() {
        assert!(super::inexact(&json!({"a": [9_007_199_254_740_993_i64]})).is_some());
        assert!(super::inexact(&json!({"a": [u64::MAX]})).is_some());
        assert!(super::inexact(&json!({"a": [9_007_199_254_740_992_i64, 1.5, "x"]})).is_none());
    }
}
