//! Numbers of repeated measurements: median, least and greatest, by phase.

use std::collections::BTreeMap;

use serde::Serialize;

/// What several measurements of one thing say together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the measurements are below.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// Measurements by name, in the order of their names.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<String, Vec<f64>>);

impl Samples {
    /// Notes one measurement.
    pub fn add(&mut self, name: impl Into<String>, value: f64) {
        self.0.entry(name.into()).or_default().push(value);
    }

    /// The spread of each name.
    pub fn spreads(&self) -> BTreeMap<&str, Spread> {
        self.0
            .iter()
            .filter_map(|(name, values)| Some((name.as_str(), spread(values)?)))
            .collect()
    }
}

/// The spread of measurements, if there are any.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = match sorted.len() {
        0 => return None,
        even if even % 2 == 0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    };
    Some(Spread {
        median,
        min: sorted[0],
        max: sorted[sorted.len() - 1],
    })
}

#[cfg(test)]
mod tests {
    use super::{spread, Spread};

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let expected = Spread {
            median: 2.5,
            min: 1.0,
            max: 4.0,
        };
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), Some(expected));
        assert_eq!(spread(&[7.0]).map(|one| one.median), Some(7.0));
        assert_eq!(spread(&[]), None);
    }
}
