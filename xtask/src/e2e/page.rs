//! The report as a page that needs nothing but itself, and the pictures and logs that lie beside it.

use std::fmt::Write as _;

use super::chaos::Havoc;
use super::scenario::{Answered, Outcome, Task};
use super::timeline::{length, Attempt, Step};
use super::Report;

/// Narrow screens get a step's bar below its name; colours follow the reader's light or dark setting.
const STYLE: &str = include_str!("page.css");
/// At most so many marks on the axis.
const MARKS: f64 = 6.0;

pub fn render(report: &Report) -> String {
    let mut page = String::new();
    let title = format!(
        "{} on {}",
        escape(&report.example),
        escape(&report.framework)
    );
    // Writing into a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n<main>\n\
         <h1>{title}</h1>\n<p class=\"about\">{}</p>\n",
        escape(&report.summary),
    );
    facts(&mut page, report);
    for scenario in &report.scenarios {
        one_scenario(&mut page, scenario);
    }
    page.push_str("</main>\n</html>\n");
    page
}

/// The result, when and on what it ran, how long each phase took, and where the logs are.
fn facts(page: &mut String, report: &Report) {
    let (all, failed) = (report.scenarios.len(), report.failed());
    let (class, result) = match failed {
        0 => ("ok", format!("all {all} scenarios passed")),
        _ => ("bad", format!("{failed} of {all} scenarios failed")),
    };
    let phases = &report.phases_ms;
    let phases = [
        ("provision", phases.provision),
        ("stack", phases.stack),
        ("prepare", phases.prepare),
        ("app", phases.app),
        ("scenarios", phases.scenarios),
        ("teardown", phases.teardown),
    ];
    let phases: Vec<String> = phases
        .iter()
        .map(|(name, ms)| format!("{name} {}", seconds(thousandths(*ms))))
        .collect();
    let logs: Vec<String> = report
        .logs
        .iter()
        .map(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            format!("<a href=\"{}\">{}</a>", escape(path), escape(name))
        })
        .collect();
    let rows = [
        (
            "Result",
            format!("<strong class=\"{class}\">{result}</strong>"),
        ),
        (
            "Date",
            format!(
                "{}, {}",
                escape(&report.date),
                seconds(thousandths(report.duration_ms))
            ),
        ),
        ("Phases", phases.join(", ")),
        (
            "Stack",
            format!(
                "Tasker Core {}, PostgreSQL {}, PGMQ {}",
                escape(&report.stack.core_version),
                escape(&report.stack.postgres_version),
                escape(&report.stack.pgmq_version)
            ),
        ),
        ("Logs", logs.join(", ")),
    ];
    page.push_str("<dl>\n");
    for (name, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
        let _ = writeln!(page, "<dt>{name}<dd>{text}");
    }
    page.push_str("</dl>\n");
}

fn one_scenario(page: &mut String, scenario: &Outcome) {
    let (class, word) = if scenario.is_ok() {
        ("ok", "passed")
    } else {
        ("bad", "failed")
    };
    let _ = write!(
        page,
        "<section>\n<h2>{} <span class=\"{class}\">{word}</span> <small>{}</small></h2>\n<p class=\"about\">{}</p>\n",
        escape(&scenario.name),
        seconds(thousandths(scenario.duration_ms)),
        escape(&scenario.about)
    );
    if !scenario.is_ok() {
        page.push_str("<ul class=\"differences\">\n");
        for difference in &scenario.differences {
            let _ = writeln!(page, "<li>{}", escape(difference));
        }
        page.push_str("</ul>\n");
    }
    if let Some(havoc) = &scenario.chaos {
        one_havoc(page, havoc);
    }
    for task in &scenario.tasks {
        one_task(page, task);
    }
    for answer in &scenario.answers {
        one_answer(page, answer);
    }
    for name in &scenario.pictures {
        let name = escape(name);
        let _ = writeln!(
            page,
            "<p><img src=\"{name}\" alt=\"{name}\" loading=\"lazy\">"
        );
    }
    page.push_str("</section>\n");
}

fn one_havoc(page: &mut String, havoc: &Havoc) {
    let _ = writeln!(page, "<p>{}\n<ul>", escape(&havoc.summary()));
    for killed in &havoc.kills {
        let _ = writeln!(page, "<li>{}", escape(&killed.line()));
    }
    page.push_str("</ul>\n");
}

fn one_task(page: &mut String, task: &Task) {
    let whole = length(&task.steps).max(0.001);
    let _ = writeln!(
        page,
        "<p class=\"facts\">task <code>{}</code> {} after {}",
        escape(&task.task_uuid),
        escape(&task.status),
        seconds(whole)
    );
    let mark = mark(whole);
    let _ = writeln!(
        page,
        "<div class=\"steps\" style=\"--mark:{:.3}%\">",
        mark / whole * 100.0
    );
    axis(page, whole, mark);
    for step in &task.steps {
        one_step(page, step, whole);
    }
    page.push_str("</div>\n");
}

/// The distance of the marks on the axis: 1, 2 or 5 times a power of ten.
fn mark(whole: f64) -> f64 {
    let least = whole / MARKS;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|mark| *mark >= least * 0.999)
        .unwrap_or(whole)
}

fn axis(page: &mut String, whole: f64, mark: f64) {
    page.push_str("<div class=\"axis\">");
    let mut at = 0.0;
    // A mark at the very end would hang over.
    while at <= whole * 0.93 {
        let _ = write!(
            page,
            "<span style=\"left:{:.2}%\">{}</span>",
            at / whole * 100.0,
            seconds(at)
        );
        at += mark;
    }
    page.push_str("</div>\n");
}

fn one_step(page: &mut String, step: &Step, whole: f64) {
    let tries = step.tries();
    let mut bars: String = tries.iter().map(|attempt| bar(attempt, whole)).collect();
    if let (Some(begin), None) = (step.begin, step.end) {
        let left = (begin / whole * 100.0).min(99.5);
        let _ = write!(
            bars,
            "<i class=\"bar open\" style=\"left:{left:.2}%;right:0\"></i>"
        );
    }
    let state = match step.state.as_str() {
        "complete" => "ok",
        "error" => "bad",
        _ => "other",
    };
    let took = match (step.without_times(), tries.last()) {
        (None, Some(last)) => seconds(last.end - last.begin),
        (Some(why), _) if step.begin.is_none() => why.to_owned(),
        _ => String::new(),
    };
    let _ = writeln!(
        page,
        "<div class=\"step\"><div class=\"name\">{}</div><div class=\"state {state}\">{} <small>{took}</small></div><div class=\"track\">{bars}</div>",
        escape(&step.name),
        escape(&step.state)
    );
    if let Some(why) = step.without_times().filter(|_| step.begin.is_some()) {
        let _ = writeln!(page, "<p class=\"note\">{why}");
    }
    if step.attempts > 1 {
        let _ = writeln!(page, "<p class=\"note\">{}", attempts(step, &tries));
    }
    if let Some(error) = &step.error {
        let _ = writeln!(page, "<pre class=\"note bad\">{}</pre>", escape(error));
    }
    page.push_str("</div>\n");
}

fn bar(attempt: &Attempt, whole: f64) -> String {
    let class = if attempt.ok { "" } else { " failed" };
    // A bar always shows, also one that begins at the very end.
    let left = (attempt.begin / whole * 100.0).min(99.5);
    let width = ((attempt.end - attempt.begin) / whole * 100.0).clamp(0.0, 100.0 - left);
    format!("<i class=\"bar{class}\" style=\"left:{left:.2}%;width:{width:.2}%\"></i>")
}

/// `3 attempts: failed at 0.120 s, failed at 0.310 s, succeeded at 0.700 s`
fn attempts(step: &Step, tries: &[Attempt]) -> String {
    let each: Vec<String> = tries
        .iter()
        .map(|attempt| {
            let word = if attempt.ok { "succeeded" } else { "failed" };
            format!("{word} at {}", seconds(attempt.end))
        })
        .collect();
    format!("{} attempts: {}", step.attempts, each.join(", "))
}

fn one_answer(page: &mut String, answer: &Answered) {
    let body = match &answer.body {
        serde_json::Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    let _ = writeln!(
        page,
        "<details><summary>GET {} answered {}</summary><pre>{}</pre></details>",
        escape(&answer.path),
        answer.status,
        escape(&body)
    );
}

#[allow(clippy::cast_precision_loss)]
fn thousandths(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// As short as it stays exact enough: `0 s`, `0.012 s`, `1.5 s`, `75 s`.
fn seconds(seconds: f64) -> String {
    let digits = match seconds {
        long if long >= 60.0 => 0,
        some if some >= 10.0 => 1,
        some if some >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{seconds:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} s")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{escape, mark, one_step, seconds};
    use crate::e2e::timeline::{Attempt, Step};

    #[test]
    fn what_steps_say_cannot_become_markup() {
        assert_eq!(
            escape("<b title=\"x\">&"),
            "&lt;b title=&quot;x&quot;&gt;&amp;"
        );
    }

    #[test]
    fn the_axis_has_round_marks() {
        for (whole, expected) in [
            (1.0, 0.2),
            (0.043, 0.01),
            (7.3, 2.0),
            (61.0, 20.0),
            (2.6, 0.5),
        ] {
            assert!(
                (mark(whole) - expected).abs() < 1e-9,
                "{whole}: {}",
                mark(whole)
            );
        }
        assert_eq!(
            [0.0, 0.0125, 1.5, 20.0, 75.4].map(seconds),
            ["0 s", "0.013 s", "1.5 s", "20 s", "75 s"].map(str::to_owned)
        );
    }

    fn step(state: &str) -> Step {
        Step {
            name: "load".to_owned(),
            state: state.to_owned(),
            attempts: 1,
            earlier: Vec::new(),
            begin: Some(1.0),
            end: Some(2.0),
            error: None,
        }
    }

    fn drawn(step: &Step) -> String {
        let mut page = String::new();
        one_step(&mut page, step, 2.0);
        page
    }

    #[test]
    fn every_attempt_is_a_bar_of_its_own_and_an_error_is_shown_in_full() {
        let mut retried = step("error");
        retried.attempts = 3;
        let failed = |begin, end| Attempt {
            begin,
            end,
            ok: false,
        };
        retried.earlier = vec![failed(0.0, 0.5), failed(0.6, 0.7)];
        let long = "the source is gone: ".repeat(50);
        retried.error = Some(long.clone());
        let page = drawn(&retried);
        assert_eq!(page.matches("class=\"bar failed\"").count(), 3, "{page}");
        assert!(
            page.contains("3 attempts: failed at 0.5 s, failed at 0.7 s, failed at 2 s"),
            "{page}"
        );
        assert!(page.contains(&long) && !page.contains("title="), "{page}");
    }

    #[test]
    fn a_step_without_times_says_why() {
        let mut never = step("pending");
        (never.begin, never.end) = (None, None);
        assert!(drawn(&never).contains("never started"));
        let mut open = step("in_progress");
        open.end = None;
        let page = drawn(&open);
        assert!(page.contains("had not ended when the app was asked") && page.contains("bar open"));
        assert!(!drawn(&step("complete")).contains("class=\"note\""));
    }
}
