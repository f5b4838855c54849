//! What a run leaves behind and how it ends: folders of logs, JUnit XML, `--fail-fast`, completions.

mod common;
#[path = "reports/json_page.rs"]
mod json_page;

use std::fs;
use std::process::Command;

use common::{is_alive, Fixture, Ran};

#[test]
fn fail_fast_stops_what_runs_and_starts_nothing_more() {
    let fixture = Fixture::new();
    fixture.write("examples/demo/app/tests/HANG", "");
    // It fails when the other one is running.
    let started = "../../examples/demo/app/tests/pids";
    fixture.write("python/greeter/tests/FAIL", started);
    let words = [
        "test",
        "--lang",
        "python",
        "--fail-fast",
        "--jobs",
        "2",
        "--json",
    ];
    let ran = fixture.run(&words);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let outcome = |id: &str| {
        let records = ran.records().into_iter();
        let mut ended = records.filter(|it| it["event"] == "task_finished" && it["id"] == id);
        ended.next().map(|it| it["outcome"].clone())
    };
    assert_eq!(outcome("python/greeter:pytest").unwrap(), "failed");
    assert_eq!(outcome("examples/demo/app:pytest").unwrap(), "interrupted");
    let pids = fs::read_to_string(fixture.root.join("examples/demo/app/tests/pids")).unwrap();
    for pid in pids.lines().map(|pid| pid.parse().unwrap()) {
        assert!(!is_alive(pid), "{pid} was not stopped");
    }
}

#[test]
fn junit_is_xml_that_a_parser_reads() {
    let fixture = Fixture::new();
    fixture.write("python/greeter/tests/FAIL", "");
    let uv = "printf '\\033[31mcolour & <tags>\\033[0m\\n'";
    let ran = fixture.run(&["test", "--lang", "python", "--junit", "out/junit.xml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    // Again, with a log that holds what XML cannot: the failing tool prints colours and markup.
    let pytest = fixture.root.join("python/greeter/.venv/bin/pytest");
    let script = fs::read_to_string(&pytest).unwrap();
    fs::write(&pytest, script.replacen('\n', &format!("\n{uv}\n"), 1)).unwrap();
    fixture.run(&["test", "--lang", "python", "--junit", "out/junit.xml"]);
    let read = "import sys, xml.etree.ElementTree as t\n\
                root = t.parse(sys.argv[1]).getroot()\n\
                print(root.get('tests'), root.get('failures'))\n\
                for suite in root:\n    for case in suite:\n        print(suite.get('name'), case.get('name'), [e.tag for e in case])\n\
                print('colour & <tags>' in root.find('.//failure').text, 'rerun: cargo xtask test' in root.find('.//failure').text)";
    let file = fixture.root.join("out/junit.xml");
    let output = Command::new("python3")
        .args(["-c", read])
        .arg(&file)
        .output()
        .unwrap();
    let said = Ran::from(output);
    assert_eq!(said.err, "");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].ends_with(" 1"), "{said:?}");
    assert!(
        lines.contains(&"python/greeter pytest ['failure']"),
        "{said:?}"
    );
    assert!(lines.contains(&"examples/demo/app pytest []"), "{said:?}");
    assert_eq!(lines.last(), Some(&"True True"), "{said:?}");
}

#[test]
fn each_run_has_a_folder_and_old_ones_go() {
    let fixture = Fixture::new();
    let runs = fixture.root.join("target/xtask/runs");
    for number in 0..25 {
        fs::create_dir_all(runs.join(format!("20200101-0000{number:02}.000-1"))).unwrap();
    }
    fixture.run(&["test", "--unit", "greeter", "--dry-run"]);
    assert_eq!(
        fs::read_dir(&runs).unwrap().count(),
        25,
        "a dry run leaves nothing and removes nothing"
    );
    fixture.run(&["test", "--unit", "greeter"]);
    let mut names: Vec<String> = fs::read_dir(&runs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 20);
    let newest = names.last().unwrap();
    assert!(!newest.starts_with("2020"), "{names:?}");
    assert!(runs
        .join(newest)
        .join("test/python-greeter-pytest.log")
        .is_file());
}

#[test]
fn bash_completes_after_cargo_xtask() {
    let fixture = Fixture::new();
    let script = fixture.run(&["completions", "bash"]);
    assert_eq!(script.code, Some(0));
    fixture.write("completions.bash", &script.out);
    let complete = |words: &str, count: usize| {
        let ask = format!(
            "source completions.bash; COMP_WORDS=({words}); COMP_CWORD={count}; \
             _cargo_or_xtask cargo \"${{COMP_WORDS[$COMP_CWORD]}}\" \"${{COMP_WORDS[$COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash")
            .args(["--norc", "-c", &ask])
            .current_dir(&fixture.root)
            .output()
            .unwrap();
        Ran::from(output).out
    };
    assert_eq!(complete("cargo xtask cod", 2), "codegen\n");
    assert_eq!(complete("cargo xtask test --aff", 3), "--affected\n");
    assert_eq!(complete("cargo xtask ci mat", 3), "matrix\n");
    assert_eq!(
        complete("cargo bui", 1),
        "\n",
        "cargo's own words are not ours"
    );
    for shell in ["zsh", "fish"] {
        assert!(
            fixture.run(&["completions", shell]).out.contains("cargo"),
            "{shell}"
        );
    }
}

#[test]
fn json_is_what_its_page_says() {
    let fixture = Fixture::new();
    fixture.write("python/greeter/tests/FAIL", "");
    let mut records = fixture
        .run(&["test", "--lang", "python", "--json"])
        .records();
    records.extend(
        fixture
            .run(&["build", "--lang", "tasker-plugin", "--json"])
            .records(),
    );
    records.extend(
        fixture
            .run(&["test", "--unit", "nothing", "--json"])
            .records(),
    );
    fixture.write("rust/adder/src/main.rs", "fn main() {}");
    records.extend(
        fixture
            .run(&["build", "--unit", "rust/adder", "--json"])
            .records(),
    );
    let table = fs::read_to_string(fixture.root.join("xtask/tools.toml")).unwrap();
    let row = "\n[host.absent]\ncommand = [\"no-such-program\"]\nminimum = \"1\"\nlanguages = []\noptional = true\nabout = \"x\"\nfix = \"y\"\n";
    fixture.write("xtask/tools.toml", &format!("{table}{row}"));
    records.extend(fixture.run(&["setup", "--json"]).records());
    let documented = json_page::documented();
    let mut seen = std::collections::BTreeSet::new();
    for record in &records {
        let event = record["event"].as_str().unwrap();
        let fields = record.as_object().unwrap().keys().cloned().collect();
        assert_eq!(documented.get(event), Some(&fields), "{event}");
        seen.insert(event.to_owned());
    }
    let expected = [
        "error",
        "message",
        "plan",
        "summary",
        "task_finished",
        "task_started",
    ];
    for event in expected.into_iter().chain(["core"]) {
        assert!(seen.contains(event), "{event} in {seen:?}");
    }
}

#[test]
fn every_record_in_the_sources_is_on_that_page() {
    let documented = json_page::documented();
    let mut events = std::collections::BTreeSet::new();
    for (file, event, fields) in json_page::in_sources() {
        assert_eq!(documented.get(&event), Some(&fields), "{event} in {file}");
        events.insert(event);
    }
    // What is made of an error; the run above has one.
    events.insert("error".to_owned());
    let all: Vec<&String> = documented.keys().collect();
    assert_eq!(events.iter().collect::<Vec<_>>(), all, "the page has more");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_force_them() {
    let fixture = Fixture::new();
    let run = |name: &str, value: &str| {
        let mut command = fixture.xtask(&["test", "--unit", "greeter", "--no-cache"]);
        Ran::from(command.env(name, value).output().unwrap())
    };
    let forced = run("CLICOLOR_FORCE", "1");
    assert!(
        forced
            .out
            .contains("\u{1b}[32m   ok\u{1b}[0m python/greeter:pytest"),
        "{forced:?}"
    );
    for (name, value) in [("CLICOLOR", "1"), ("NO_COLOR", "1")] {
        let plain = run(name, value);
        assert!(!plain.out.contains('\u{1b}'), "{plain:?}");
    }
    let mut mistake = fixture.xtask(&["test", "--unit", "greter"]);
    let mistake = Ran::from(mistake.env("CLICOLOR_FORCE", "1").output().unwrap());
    assert!(
        mistake
            .err
            .starts_with("\u{1b}[31m\u{1b}[1merror:\u{1b}[0m no unit is called"),
        "{mistake:?}"
    );
}

#[test]
fn build_says_where_its_products_are() {
    let fixture = Fixture::new();
    fixture.write("rust/adder/src/main.rs", "fn main() {}");
    let ran = fixture.run(&["build", "--unit", "rust/adder"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.ends_with("\nbuilt: target/debug/adder\n"),
        "{ran:?}"
    );
    let records = fixture
        .run(&["build", "--unit", "rust/adder", "--json"])
        .records();
    let built = records.last().unwrap();
    assert_eq!(built["event"], "built");
    assert_eq!(built["files"][0], "target/debug/adder");
}
