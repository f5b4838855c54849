//! Ratios of what criterion has measured, printed.

/// Mean nanoseconds of a benchmark of this run.
pub fn mean(group: &str, name: &str) -> f64 {
    let target = std::env::var("CARGO_TARGET_DIR").map_or_else(
        |_| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        Into::into,
    );
    let path = target.join(format!("criterion/{group}/{name}/new/estimates.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let estimates: serde_json::Value = serde_json::from_str(&text).expect("criterion's estimates");
    estimates["mean"]["point_estimate"]
        .as_f64()
        .expect("a mean")
}
