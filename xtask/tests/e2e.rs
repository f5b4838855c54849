//! `e2e` on the real local stack, with an app that does as it is told: what is compared, what is reported, and that nothing remains.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{copy, wait_until, Fixture, Guard, Ran};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

/// A repository with the example, whose stack is the real `tasker-dev`.
struct Served {
    fixture: Fixture,
    scratch: tempfile::TempDir,
}

/// Building the real one again in each fixture would take minutes, so the unit there is a launcher that becomes it.
const LAUNCHER: &str = r#"fn main() {
    use std::os::unix::process::CommandExt;
    let real = std::env::var_os("REAL_TASKER_DEV").expect("the test says where the program is");
    panic!("{}", std::process::Command::new(real).args(std::env::args_os().skip(1)).exec());
}
"#;

impl Served {
    fn new() -> Self {
        let fixture = Fixture::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/served");
        copy(&source, &fixture.root.join("examples/served"));
        fixture.write("ops/dev-server/src/main.rs", LAUNCHER);
        fixture.write(
            "ops/dev-server/Cargo.toml",
            "[package]\nname = \"tasker-dev\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        );
        fixture.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"ops/dev-server\"]\nexclude = [\"rust\"]\n",
        );
        fixture.write(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"tasker-dev\"\nversion = \"0.1.0\"\n",
        );
        // PostgreSQL's unprivileged user has to pass.
        let scratch = tempfile::Builder::new()
            .prefix("xtask-e2e-test-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir()
            .unwrap();
        Self { fixture, scratch }
    }

    fn xtask(&self, more: &[&str]) -> Command {
        let mut args = vec!["e2e", "examples/served"];
        args.extend(more);
        let mut command = self.fixture.xtask(&args);
        let real = std::env::var_os("TASKER_DEV_BIN").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/tasker-dev"),
            PathBuf::from,
        );
        assert!(
            real.is_file(),
            "{} is not there\n  fix: cargo build --package tasker-dev, or set TASKER_DEV_BIN",
            real.display()
        );
        command
            .env("REAL_TASKER_DEV", real)
            .env("TMPDIR", self.scratch.path());
        command
    }

    fn run(&self, more: &[&str]) -> Ran {
        Ran::from(self.xtask(more).output().unwrap())
    }

    /// Processes of runs here: all of them have our temporary directory in their environment.
    fn processes(&self) -> Vec<PathBuf> {
        let needle = self.scratch.path().to_str().unwrap();
        let is_ours = |path: &Path| {
            let text = |name| {
                fs::read(path.join(name)).map(|text| String::from_utf8_lossy(&text).into_owned())
            };
            let command = text("cmdline").unwrap_or_default();
            !command.is_empty()
                && (command.contains(needle)
                    || text("environ").unwrap_or_default().contains(needle))
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| is_ours(path))
            .collect()
    }

    fn assert_nothing_remains(&self) {
        wait_until("every process ends", || self.processes().is_empty());
        let left: Vec<_> = fs::read_dir(self.scratch.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("tasker-dev-"))
            .collect();
        assert!(left.is_empty(), "left in the temporary directory: {left:?}");
    }
}

/// The page and its links.
fn check_report(report: &Path, json: &serde_json::Value) {
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    assert!(
        page.contains("1 of 2 scenarios failed")
            && page.contains("task: expected complete, found error")
    );
    assert!(
        page.contains("GET /seen/complete answered 200"),
        "what the app answered"
    );
    assert!(
        json["date"].as_str().unwrap().ends_with(" UTC") && json["duration_ms"].as_u64() > Some(0)
    );
    let logs: Vec<&str> = json["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| log.as_str().unwrap())
        .collect();
    assert_eq!(logs.len(), 3, "{logs:?}");
    for log in logs {
        assert!(
            report.join(log).is_file(),
            "{log} is relative to the report"
        );
        assert!(page.contains(&format!("<a href=\"{log}\">")), "{log}");
    }
}

#[test]
fn scenarios_are_compared_and_reported() {
    let served = Served::new();
    let report = served.scratch.path().with_extension("report");
    let ran = served.run(&[
        "--scenario",
        "good",
        "--scenario",
        "bad",
        "--report",
        report.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("  ok good") && ran.out.contains("FAIL bad"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("not as expected: task: expected complete, found error"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.ends_with("scenarios: 1 passed, 1 failed\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("error: 1 of 2 scenarios failed"),
        "{}",
        ran.err
    );
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(report.join("report.json")).unwrap()).unwrap();
    assert_eq!(
        json["scenarios"][0]["tasks"].as_array().unwrap().len(),
        2,
        "`repeat = 2` makes two tasks"
    );
    assert_eq!(
        json["scenarios"][1]["differences"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    check_report(&report, &json);
    fs::remove_dir_all(report).unwrap();
    served.assert_nothing_remains();
}

#[test]
fn a_wrong_result_a_wrong_check_and_an_endless_task_are_found() {
    let served = Served::new();
    served.fixture.write(
        "examples/served/expected/steps.json",
        r#"{"work": {"result": {"rows": 3}}}"#,
    );
    served
        .fixture
        .write("examples/served/expected/seen.json", r#"{"created": 9}"#);
    let ran = served.run(&["--scenario", "good", "--scenario", "endless"]);
    assert_eq!(ran.code, Some(1));
    for line in [
        "step work: result.rows: expected 3, found 2",
        "GET /seen/complete: .created: expected 9, found 2",
        "task: expected complete, found steps_in_process after 1 s",
    ] {
        assert!(ran.out.contains(line), "{line} is not in {}", ran.out);
    }
    served.assert_nothing_remains();
}

#[test]
fn a_command_drives_a_scenario_while_a_process_is_replaced() {
    let served = Served::new();
    let ran = served.run(&["--scenario", "driven"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("  ok driven"), "{}", ran.out);
    served.assert_nothing_remains();
}

#[test]
fn without_a_name_the_app_itself_is_replaced() {
    let served = Served::new();
    let place = served.fixture.root.join("examples/served/example.toml");
    let example = fs::read_to_string(place).unwrap();
    let changed = example.replace("process = \"helper\"\n", "").replace(
        "\"drive\", \"{work}\", \"{port:helper}\"",
        "\"await\", \"{work}\"",
    );
    assert!(changed.len() + 30 < example.len(), "{changed}");
    served
        .fixture
        .write("examples/served/example.toml", &changed);
    // One helper, which nobody ended; of the app the first one.
    let counted = r#"{"started": 1, "ended": 1}"#;
    served
        .fixture
        .write("examples/served/expected/count.json", counted);
    let ran = served.run(&["--scenario", "driven"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    served.assert_nothing_remains();
}

#[test]
fn what_a_command_and_a_replaced_process_do_wrong_is_found() {
    let served = Served::new();
    let expect = |served: &Served, words: &str| {
        let ran = served.run(&["--scenario", "driven"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains(words), "{words} is not in {said}");
        served.assert_nothing_remains();
    };
    let example =
        fs::read_to_string(served.fixture.root.join("examples/served/example.toml")).unwrap();
    let with = |from: &str, to: &str| {
        let changed = example.replace(from, to);
        assert_ne!(changed, example);
        served
            .fixture
            .write("examples/served/example.toml", &changed);
    };
    with(
        "answer = \"expected/driven",
        "pictures = [\"page.png\"]\nanswer = \"expected/driven",
    );
    expect(&served, "the picture page.png is not in {logs}");
    served.fixture.write(
        "examples/served/expected/driven.json",
        r#"{"answered": ["first"]}"#,
    );
    expect(&served, "answer.answered: expected 1 items, found 2");
    served
        .fixture
        .write("examples/served/expected/driven.json", "{}");
    served
        .fixture
        .write("examples/served/expected/count.json", r#"{"ended": 2}"#);
    expect(&served, "serve.py count");
    with("\"drive\", \"{work}\"", "\"refuse\"");
    expect(&served, "failed with exit code 1");
    with(
        "timeout_seconds = 30\n\n[scenarios.restart]\nprocess = \"helper\"\nwhen = \"/helped\"",
        "timeout_seconds = 1\n\n[scenarios.restart]\nprocess = \"helper\"\nwhen = \"/never\"",
    );
    expect(&served, "GET /never never answered 200");
    expect(&served, "had not ended after 1 s");
    with(
        "ready = \"/ready\"\n",
        "ready = \"/ready\"\nenv = { BAD_END = \"3\" }\n",
    );
    expect(
        &served,
        "the app's process `helper` ended with exit code 3 after SIGTERM",
    );
}

#[test]
fn everything_is_killed_and_comes_back_while_a_command_goes_on() {
    let served = Served::new();
    let example =
        fs::read_to_string(served.fixture.root.join("examples/served/example.toml")).unwrap();
    served.fixture.write(
        "examples/served/example.toml",
        &example.replace(
            "ready = \"/ready\"\n",
            "ready = \"/ready\"\nenv = { WITH_CHILD = \"1\" }\n",
        ),
    );
    let report = served.scratch.path().with_extension("report");
    let to_report = report.to_str().unwrap();
    let chaos = [
        "--chaos", "--tasks", "90", "--seed", "7", "--report", to_report,
    ];
    let ran = served.run(&chaos);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let again = "cargo xtask e2e examples/served --framework plain --chaos --tasks 90 --seed 7\n";
    for words in [
        again,
        "  killed the server, back after ",
        "  killed PostgreSQL (process ",
        "  killed the process `helper`, back after ",
        "90 tasks, 3 kills, seed 7; recovered: nothing",
        "scenarios: 1 passed, 0 failed\n",
    ] {
        assert!(ran.out.contains(words), "{words} is not in {}", ran.out);
    }
    let text = fs::read(report.join("report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let kills = json["scenarios"][0]["chaos"]["kills"].as_array().unwrap();
    let targets: Vec<_> = kills.iter().map(|kill| kill["target"].as_str()).collect();
    assert_eq!(targets, ["server", "database", "worker"].map(Some));
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    assert_eq!(page.matches("  killed ").count(), 3, "{page}");
    fs::remove_dir_all(report).unwrap();
    served.assert_nothing_remains();
}

#[test]
fn after_ctrl_c_nothing_remains() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let served = Served::new();
        let mut command = served.xtask(&["--scenario", "good", "--keep", "--json"]);
        let mut running = Guard(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let out = std::io::BufReader::new(running.0.stdout.take().unwrap());
        let mut lines = std::io::BufRead::lines(out).map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("\"kept\"")),
            "it never said that everything keeps running"
        );
        let held = std::time::Instant::now();
        assert!(served.processes().len() > 3, "stack, app and xtask run");
        let held = held.elapsed().as_millis();
        kill(Pid::from_raw(running.0.id().try_into().unwrap()), signal).unwrap();
        wait_until("xtask ends", || running.0.try_wait().unwrap().is_some());
        let report = lines.find(|line| line.contains("\"event\":\"report\""));
        let report: serde_json::Value = serde_json::from_str(&report.unwrap()).unwrap();
        let kept = report["phases_ms"]["kept"].as_u64().unwrap();
        assert!(
            u128::from(kept) >= held,
            "{kept} ms of at least {held} ms are told apart from the teardown"
        );
        served.assert_nothing_remains();
    }
}

#[test]
fn ctrl_c_in_the_middle_of_a_scenario_ends_everything() {
    let served = Served::new();
    let example =
        fs::read_to_string(served.fixture.root.join("examples/served/example.toml")).unwrap();
    served.fixture.write(
        "examples/served/example.toml",
        &example.replace("timeout_seconds = 1\n", "timeout_seconds = 600\n"),
    );
    let mut command = served.xtask(&["--scenario", "good", "--scenario", "endless"]);
    let mut running = Guard(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let out = std::io::BufReader::new(running.0.stdout.take().unwrap());
    let reached = std::io::BufRead::lines(out)
        .map_while(Result::ok)
        .find(|line| line.contains("ok good"));
    if reached.is_none() {
        let mut words = String::new();
        let mut stderr = running.0.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stderr, &mut words).unwrap();
        panic!("it never came to the first scenario: {words}");
    }
    kill(
        Pid::from_raw(running.0.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    wait_until("xtask ends", || running.0.try_wait().unwrap().is_some());
    assert_eq!(running.0.wait().unwrap().code(), Some(130));
    served.assert_nothing_remains();
}

#[test]
fn two_runs_side_by_side_do_not_meet() {
    let served = Served::new();
    // The first run makes the environment, so that the two only share what is finished.
    assert_eq!(served.run(&["--scenario", "good"]).code, Some(0));
    let spawn = || {
        Guard(
            served
                .xtask(&["--scenario", "good"])
                .stdout(Stdio::null())
                .stderr(Stdio::inherit())
                .spawn()
                .unwrap(),
        )
    };
    let mut both = [spawn(), spawn()];
    for run in &mut both {
        assert_eq!(run.0.wait().unwrap().code(), Some(0));
    }
    let logs = served.fixture.root.join("target/xtask/e2e/served-plain");
    assert_eq!(
        fs::read_dir(logs).unwrap().count(),
        3,
        "each run has its own logs"
    );
    served.assert_nothing_remains();
}

#[test]
fn what_an_app_imports_is_compiled_once() {
    let served = Served::new();
    let app = served.fixture.root.join("examples/served/app");
    let program = fs::read_to_string(app.join("serve.py")).unwrap();
    let importing = program.replacen("import json\n", "import imported\nimport json\n", 1);
    assert_ne!(importing, program);
    served
        .fixture
        .write("examples/served/app/serve.py", &importing);
    served.fixture.write("examples/served/app/imported.py", "");
    let mut command = served.xtask(&["--scenario", "good"]);
    let ran = Ran::from(
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(app.join("__pycache__").is_dir());
}

#[test]
fn an_app_that_does_not_start_is_quoted() {
    let served = Served::new();
    let ran = Ran::from(served.xtask(&[]).env("REFUSE", "1").output().unwrap());
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .contains("error: the app ended with exit code 1; last log lines:"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("refusing to start because REFUSE is set")
            && ran.err.contains("fix: read "),
        "{}",
        ran.err
    );
    served.assert_nothing_remains();
}

#[test]
fn a_file_of_the_users_own_reaches_the_app() {
    let served = Served::new();
    served.fixture.write("mine.csv", "a,b\n");
    let ran = served.run(&["--input", "mine.csv"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .contains("ok good  mine.csv; only the end state is compared"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("GET /seen/complete answered 200") && ran.out.contains("\"created\": 2"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.ends_with("scenarios: 1 passed, 0 failed\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_dry_run_changes_nothing_and_starts_nothing() {
    let served = Served::new();
    let before = served.fixture.tree();
    let ran = served.run(&["--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("scenario good: ends as it must")
            && ran.out.contains("python3 serve.py serve"),
        "{}",
        ran.out
    );
    assert_eq!(served.fixture.tree(), before);
    assert!(
        served
            .fixture
            .calls()
            .iter()
            .all(|call| call.contains("--version")),
        "{:?}",
        served.fixture.calls()
    );
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of cases")]
fn mistakes_get_one_message_with_the_fix() {
    let served = Served::new();
    let example =
        fs::read_to_string(served.fixture.root.join("examples/served/example.toml")).unwrap();
    let check = |args: &[&str], words: &[&str]| {
        let ran = Ran::from(served.fixture.xtask(args).output().unwrap());
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            words.iter().all(|word| ran.err.contains(word)),
            "{words:?} in {}",
            ran.err
        );
    };
    check(
        &["e2e", "examples/served", "--scenario", "god"],
        &["no scenario is called `god`", "did you mean `good`?"],
    );
    check(
        &["e2e", "examples/served", "--framework", "rails"],
        &["no framework is called `rails`", "plain"],
    );
    check(
        &["e2e", "examples/nothing"],
        &["examples/nothing/example.toml", "no such file"],
    );
    check(
        &["e2e", "examples/served", "--input", "gone.csv"],
        &["gone.csv", "is not a file"],
    );
    check(
        &["e2e", "examples/served", "--chaos", "--stack", "docker"],
        &[
            "--chaos kills the stack",
            "--stack docker",
            "leave out --stack",
        ],
    );
    for other in [&["--scenario", "good"][..], &["--input", "x"], &["--keep"]] {
        let words = [&["e2e", "examples/served", "--chaos"][..], other].concat();
        check(&words, &["cannot be used with"]);
    }
    let (before, behind) = example.split_once("[chaos]").unwrap();
    let (_, behind) = behind.split_once("\n\n").unwrap();
    served
        .fixture
        .write("examples/served/example.toml", &format!("{before}{behind}"));
    check(
        &["e2e", "examples/served", "--chaos"],
        &[
            "examples/served/example.toml: served has no [chaos]",
            "leave out --chaos",
        ],
    );
    served.fixture.write(
        "examples/served/example.toml",
        &example.replace("timeout_seconds = 1\n", "timeout = 1\n"),
    );
    check(
        &["e2e", "examples/served"],
        &["examples/served/example.toml:", "unknown field `timeout`"],
    );
    for (from, to, words) in [
        (
            "body = \"expected/bad.json\"\n",
            "",
            "scenario `bad` needs `body`, a file to POST, or `run`",
        ),
        (
            "answer = \"expected/driven",
            "body = \"expected/bad.json\"\nanswer = \"expected/driven",
            "scenario `driven` has `body` and `run`",
        ),
        (
            "answer = \"expected/driven",
            "pictures = [\"../page.png\"]\nanswer = \"expected/driven",
            "`../page.png` in `pictures` is not a file name",
        ),
        (
            "process = \"helper\"\nwhen",
            "process = \"helpers\"\nwhen",
            "the app `plain` has no process of that name",
        ),
        (
            "run = [\"python3\", \"serve.py\", \"count\", \"{work}\"]\n",
            "",
            "a check that is neither",
        ),
        ("\"{tasks}\"", "\"100\"", "`chaos.run` has no {tasks}"),
        (
            "process = \"helper\"\nready",
            "process = \"helpers\"\nready",
            "`chaos.process` is `helpers`, but the app `plain` has no process",
        ),
        (
            "scenario = \"good\"",
            "scenario = \"driven\"",
            "names no scenario with a `body`",
        ),
    ] {
        let changed = example.replace(from, to);
        assert_ne!(changed, example, "{from}");
        served
            .fixture
            .write("examples/served/example.toml", &changed);
        check(
            &["e2e", "examples/served"],
            &["examples/served/example.toml:", words],
        );
    }
    served.fixture.write(
        "examples/served/example.toml",
        &example.replace("name = \"bad\"", "name = \"good\""),
    );
    check(
        &["e2e", "examples/served"],
        &["two scenarios are called `good`"],
    );
}
