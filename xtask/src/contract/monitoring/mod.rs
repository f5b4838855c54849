//! Dashboards, rules and monitors from the catalogue in `ops/monitoring/catalogue`.

mod catalogue;
mod datadog;
mod grafana;
mod pages;
mod prometheus;

use std::path::Path;

use catalogue::Catalogue;

use crate::error::Result;

/// A path below the repository's root, and what stands in the file.
pub type File = (String, String);

/// Every file that is generated from the catalogue; none without one.
pub fn outputs(root: &Path) -> Result<Vec<File>> {
    if !root.join(catalogue::FOLDER).is_dir() {
        return Ok(Vec::new());
    }
    let catalogue = Catalogue::read(root)?;
    let mut outputs = vec![
        output(
            "ops/monitoring/prometheus-rules/tasker.rules.yml",
            prometheus::rules(&catalogue),
        ),
        output(
            "ops/monitoring/postgres-exporter/queries.yaml",
            prometheus::queries(&catalogue),
        ),
        output(
            "ops/monitoring/datadog-monitors/openmetrics.yaml",
            datadog::openmetrics(&catalogue),
        ),
        output("docs/reference/metrics.md", pages::metrics(&catalogue)),
        output("docs/runbooks/README.md", pages::runbooks(&catalogue)),
    ];
    for dashboard in &catalogue.dashboards {
        let path = format!("ops/monitoring/grafana-dashboards/{}.json", dashboard.uid);
        outputs.push(output(&path, grafana::dashboard(&catalogue, dashboard)));
    }
    for alert in &catalogue.alerts {
        if let Some(monitor) = datadog::monitor(&catalogue, alert) {
            outputs.push(output(
                &format!("ops/monitoring/datadog-monitors/{}.json", alert.name),
                monitor,
            ));
        }
    }
    Ok(outputs)
}

fn output(path: &str, contents: String) -> File {
    (path.to_owned(), contents)
}
