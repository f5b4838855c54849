//! Dashboards of Grafana, in its own JSON.

use serde_json::{json, Value};

use super::catalogue::{Catalogue, Dashboard, Panel, Shown};

/// Where a panel without an alert sends its reader.
const GUIDE: &str = "monitor-tasker.md";
const ROW: u32 = 24;
const SOURCE: &str = "${datasource}";

/// A dashboard as Grafana imports it.
pub fn dashboard(catalogue: &Catalogue, dashboard: &Dashboard) -> String {
    let (mut x, mut y, mut row_height) = (0, 0, 0);
    let mut panels = Vec::new();
    for (index, panel) in dashboard.panels.iter().enumerate() {
        let height = if panel.kind == "stat" { 5 } else { 8 };
        if x + panel.width > ROW {
            (x, y, row_height) = (0, y + row_height, 0);
        }
        let place = json!({ "x": x, "y": y, "w": panel.width, "h": height });
        panels.push(drawn(catalogue, panel, index + 1, place));
        x += panel.width;
        row_height = row_height.max(height);
    }
    let whole = json!({
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["tasker"],
        "schemaVersion": 41,
        "version": 1,
        "editable": false,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": { "from": "now-3h", "to": "now" },
        "timezone": "browser",
        "links": [{
            "title": "Tasker", "type": "dashboards", "tags": ["tasker"], "asDropdown": true, "includeVars": true, "keepTime": true,
            "icon": "external link", "targetBlank": false, "tooltip": "", "url": ""
        }],
        "templating": { "list": variables(dashboard) },
        "annotations": { "list": [] },
        "panels": panels,
    });
    format!("{whole:#}\n")
}

fn variables(dashboard: &Dashboard) -> Vec<Value> {
    let source = json!({
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "hide": 0,
        "current": {}, "options": [], "regex": "", "multi": false, "includeAll": false
    });
    let queried = |name: &String| {
        let (label, query) = match name.as_str() {
            "namespace" => (
                "Namespace",
                "label_values(tasker_tasks_ended_5m{cluster=~\"$cluster\"}, tasker_namespace)",
            ),
            "worker_pool" => (
                "Worker pool",
                "label_values(up{job=\"tasker-worker\",cluster=~\"$cluster\"}, worker_pool)",
            ),
            _ => (
                "Cluster",
                "label_values(up{job=\"tasker-server\"}, cluster)",
            ),
        };
        json!({
            "name": name, "label": label, "type": "query", "datasource": source_of(), "query": { "query": query, "refId": name },
            "definition": query, "refresh": 2, "sort": 1, "hide": 0, "multi": true, "includeAll": true, "allValue": ".*",
            "current": { "text": "All", "value": "$__all" }, "options": [], "regex": ""
        })
    };
    std::iter::once(source)
        .chain(dashboard.variables.iter().map(queried))
        .collect()
}

fn source_of() -> Value {
    json!({ "type": "prometheus", "uid": SOURCE })
}

fn drawn(catalogue: &Catalogue, panel: &Panel, id: usize, place: Value) -> Value {
    let runbooks = &catalogue.settings.runbooks;
    let link = match &panel.alert {
        Some(alert) => {
            json!({ "title": format!("Runbook of {alert}"), "url": format!("{runbooks}/{alert}.md"), "targetBlank": true })
        }
        None => {
            json!({ "title": "Monitor Tasker", "url": runbooks.replace("runbooks", &format!("guides/{GUIDE}")), "targetBlank": true })
        }
    };
    let options = if panel.kind == "stat" {
        json!({ "colorMode": "value", "graphMode": "area", "textMode": panel.shows, "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false } })
    } else {
        json!({ "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true }, "tooltip": { "mode": "multi", "sort": "desc" } })
    };
    json!({
        "id": id, "title": panel.title, "type": panel.kind, "description": panel.description, "datasource": source_of(),
        "gridPos": place, "links": [link], "options": options,
        "fieldConfig": { "defaults": defaults(catalogue, panel), "overrides": [] },
        "targets": panel.queries.iter().enumerate().map(|(index, shown)| target(panel, index, shown)).collect::<Vec<_>>(),
    })
}

/// The unit, and the alert's threshold as a line.
fn defaults(catalogue: &Catalogue, panel: &Panel) -> Value {
    let mut defaults = json!({ "unit": panel.unit });
    let Some(alert) = panel
        .alert
        .as_deref()
        .filter(|_| panel.line)
        .and_then(|name| catalogue.alert(name))
    else {
        return defaults;
    };
    // Below `<`, everything from the threshold on is well; otherwise everything up to it.
    let (low, high) = if alert.op.starts_with('<') {
        ("red", "green")
    } else {
        ("green", "red")
    };
    defaults["thresholds"] = json!({ "mode": "absolute", "steps": [{ "color": low, "value": null }, { "color": high, "value": alert.threshold }] });
    if panel.kind == "timeseries" {
        defaults["custom"] = json!({ "thresholdsStyle": { "mode": "dashed" } });
    }
    defaults
}

fn target(panel: &Panel, index: usize, shown: &Shown) -> Value {
    let letter = char::from(b'A' + u8::try_from(index).unwrap_or_default());
    json!({
        "refId": letter.to_string(), "datasource": source_of(), "expr": shown.expr, "legendFormat": shown.legend,
        "editorMode": "code", "range": panel.kind != "stat", "instant": panel.kind == "stat"
    })
}
