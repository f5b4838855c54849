//! The report as a page that needs nothing but itself, and the pictures that lie beside it.

use std::fmt::Write as _;

use super::scenario::{Outcome, Task};
use super::timeline::{length, Step};
use super::Report;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1c2430}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin:2rem 0 .25rem}.about,.facts{color:#5a6675}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td{padding:.15rem .5rem .15rem 0;white-space:nowrap;font-size:.9rem}
.lane{width:50%}.track{position:relative;height:.9rem;background:#eef1f5;border-radius:3px}
.bar{position:absolute;height:100%;min-width:3px;border-radius:3px;background:#3b7dd8}.bar.error{background:#cf3f3f}
.ok{color:#1d7f45}.bad{color:#b3261e}.bad li{white-space:pre-wrap}code{font-size:.85rem}\
img{max-width:100%;border:1px solid #c8d0da}";

pub fn render(report: &Report) -> String {
    let mut page = String::new();
    let title = escape(&report.example);
    // Writing into a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title} · {framework}</title>\n<style>\n{STYLE}\n</style>\n\
         <h1>{title} on {framework}</h1>\n<p class=\"about\">{summary}</p>\n\
         <p class=\"facts\">Tasker Core {core}, PostgreSQL {postgres}, PGMQ {pgmq}. {ok} of {all} scenarios as expected.</p>\n",
        framework = escape(&report.framework),
        summary = escape(&report.summary),
        core = escape(&report.stack.core_version),
        postgres = escape(&report.stack.postgres_version),
        pgmq = escape(&report.stack.pgmq_version),
        ok = report.scenarios.len() - report.failed(),
        all = report.scenarios.len(),
    );
    for scenario in &report.scenarios {
        one_scenario(&mut page, scenario);
    }
    page.push_str("</html>\n");
    page
}

fn one_scenario(page: &mut String, scenario: &Outcome) {
    let (class, word) = if scenario.is_ok() {
        ("ok", "as expected")
    } else {
        ("bad", "not as expected")
    };
    let _ = write!(
        page,
        "<h2>{} <span class=\"{class}\">{word}</span></h2>\n<p class=\"about\">{}</p>\n",
        escape(&scenario.name),
        escape(&scenario.about)
    );
    if !scenario.is_ok() {
        page.push_str("<ul class=\"bad\">\n");
        for difference in &scenario.differences {
            let _ = writeln!(page, "<li>{}</li>", escape(difference));
        }
        page.push_str("</ul>\n");
    }
    for task in &scenario.tasks {
        one_task(page, task);
    }
    for name in &scenario.pictures {
        let name = escape(name);
        let _ = writeln!(
            page,
            "<p><img src=\"{name}\" alt=\"{name}\" loading=\"lazy\"></p>"
        );
    }
}

fn one_task(page: &mut String, task: &Task) {
    let whole = length(&task.steps).max(0.001);
    let _ = write!(
        page,
        "<p class=\"facts\"><code>{}</code> {} in {whole:.3} s</p>\n<table>\n",
        escape(&task.task_uuid),
        escape(&task.status)
    );
    for step in &task.steps {
        one_step(page, step, whole);
    }
    page.push_str("</table>\n");
}

fn one_step(page: &mut String, step: &Step, whole: f64) {
    let (bar, took) = match (step.begin, step.end) {
        (Some(begin), Some(end)) => {
            let class = if step.state == "complete" {
                "bar"
            } else {
                "bar error"
            };
            let left = begin / whole * 100.0;
            let width = (end - begin).max(0.0) / whole * 100.0;
            (
                format!(
                    "<div class=\"{class}\" style=\"left:{left:.2}%;width:{width:.2}%\"></div>"
                ),
                format!("{:.3} s", (end - begin).max(0.0)),
            )
        }
        _ => (String::new(), String::new()),
    };
    let attempts = if step.attempts > 1 {
        format!("{} attempts", step.attempts)
    } else {
        String::new()
    };
    let error = step.error.as_deref().map(escape).unwrap_or_default();
    let _ = writeln!(
        page,
        "<tr><td>{}<td class=\"lane\"><div class=\"track\">{bar}</div><td>{took}<td>{}<td>{attempts}<td title=\"{error}\">{}</tr>",
        escape(&step.name),
        escape(&step.state),
        escape(&step.error.as_deref().unwrap_or_default().chars().take(60).collect::<String>()),
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_steps_say_cannot_become_markup() {
        assert_eq!(
            escape("<b title=\"x\">&"),
            "&lt;b title=&quot;x&quot;&gt;&amp;"
        );
    }
}
