//! What xtask needs to know of a `Chart.yaml`: helm itself reads the rest, and says what is wrong with it.

use toml::{Table, Value};

/// The key of the places of a chart's dependencies.
pub const REPOSITORIES: &str = "repositories";

/// The plain texts at the top of the file, and where its dependencies come from.
pub fn table(text: &str) -> Table {
    let mut table = Table::new();
    let mut repositories = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.split(" #").next().unwrap_or_default().trim();
        let value = value.trim_matches(['"', '\'']).to_owned();
        if !line.starts_with([' ', '-', '#']) && !value.is_empty() {
            table.insert(key.to_owned(), Value::String(value));
        } else if key.trim_start_matches([' ', '-']) == "repository" {
            repositories.push(Value::String(value));
        }
    }
    table.insert(REPOSITORIES.to_owned(), Value::Array(repositories));
    table
}

#[cfg(test)]
mod tests {
    use super::{table, REPOSITORIES};
    use crate::unit::{text_at, words};

    #[test]
    fn a_chart_has_a_name_and_places_of_its_dependencies() {
        let table = table(
            "# Of names: none.\nname: \"shop\" # ours\ndependencies:\n  - name: worker\n    repository: file://../worker\n  - repository: oci://example/other\n    name: other\n",
        );
        assert_eq!(text_at(&table, "name").as_deref(), Some("shop"));
        assert_eq!(
            words(&table, REPOSITORIES),
            ["file://../worker", "oci://example/other"]
        );
    }
}
