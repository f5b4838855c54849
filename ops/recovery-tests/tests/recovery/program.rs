//! The program: what it says, and what it answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use crate::bed::{wait_for, Bed};

fn command(bed: &Bed, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tasker-recovery-under-test"));
    command
        .args(arguments)
        .env("DATABASE_URL", &bed.database_url)
        .stderr(Stdio::piped());
    command
}

fn run(bed: &Bed, arguments: &[&str]) -> (bool, String) {
    let output = command(bed, arguments).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), text)
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[tokio::test]
async fn it_says_what_it_did_and_what_is_missing() {
    let mut bed = Bed::bare().await;
    let (done, said) = run(&bed, &["status"]);
    assert!(
        !done && said.contains("not installed") && said.contains("tasker-recovery install"),
        "{said}"
    );
    assert!(run(&bed, &["install"]).0);
    let (done, said) = run(&bed, &["status"]);
    assert!(
        done && said.contains("never") && said.contains("Server           listens"),
        "{said}"
    );

    // What a pass would do is said, and not done.
    let task = bed.create("once").await;
    bed.wait_for_step(task, "only", "enqueued").await;
    sqlx::raw_sql("delete from pgmq.q_worker_recovery_queue")
        .execute(&mut bed.sql)
        .await
        .unwrap();
    let sql = &mut bed.sql;
    wait_for("the step to settle", async || {
        sqlx::query_scalar::<_, bool>("select max(created_at) < now() at time zone 'utc' - interval '100 ms' from tasker.workflow_step_transitions")
            .fetch_one(&mut *sql)
            .await
            .unwrap()
            .then_some(())
    })
    .await;
    for _ in 0..2 {
        let (done, said) = run(&bed, &["pass", "--dry-run", "--settle", "100ms"]);
        assert!(
            done && said.contains("step_resent") && said.contains(&task.to_string()),
            "{said}"
        );
    }
    assert!(run(&bed, &["pass", "--settle", "100ms"])
        .1
        .contains("step_resent"));
    let (_, said) = run(&bed, &["pass", "--settle", "100ms"]);
    assert!(said.contains("nothing to recover"), "{said}");
    assert!(run(&bed, &["status"]).1.contains("1 x step_resent"));
    assert!(run(&bed, &["uninstall"]).0);
}

#[tokio::test]
async fn it_answers_probes_and_ends_on_sigterm() {
    let bed = Bed::bare().await;
    let arguments = [
        "run",
        "--install",
        "--interval",
        "50ms",
        "--listen",
        "127.0.0.1:0",
    ];
    let mut running = Running(command(&bed, &arguments).spawn().unwrap());
    let said = BufReader::new(running.0.stderr.take().unwrap());
    let mut lines = said.lines().map_while(Result::ok);
    let address = lines.find_map(|line| Some(line.split_once("http://127.0.0.1:")?.1.to_owned()));
    let port: u16 = address.expect("it says where").trim().parse().unwrap();
    // Somebody must read what it says.
    std::thread::spawn(move || lines.for_each(drop));
    wait_for("it to be ready", async || {
        get(port, "/ready").filter(|answer| answer.contains("200 OK"))
    })
    .await;
    assert!(get(port, "/live").unwrap().contains("200 OK"));
    let metrics = wait_for("the server to be heard", async || {
        get(port, "/metrics").filter(|text| {
            text.contains("tasker_recovery_server_listeners")
                && !text.contains("tasker_recovery_server_listeners -1")
        })
    })
    .await;
    assert!(
        metrics.contains("tasker_recovery_passes_total{outcome=\"done\"}"),
        "{metrics}"
    );
    tasker_recovery::uninstall(&bed.database_url).await.unwrap();
    wait_for("it to notice that its schema is gone", async || {
        get(port, "/ready").filter(|answer| answer.contains("503"))
    })
    .await;
    assert!(
        get(port, "/live").unwrap().contains("200 OK"),
        "a restart would not help"
    );
    let status = Command::new("kill")
        .arg(running.0.id().to_string())
        .status()
        .unwrap();
    assert!(status.success() && running.0.wait().unwrap().success());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let bed = Bed::bare().await;
    let (done, said) = run(
        &bed,
        &[
            "run",
            "--interval",
            "5s",
            "--install",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    assert!(!done && said.contains("at least 15 s"), "{said}");
    let (done, said) = run(&bed, &["pass", "--grace", "soon"]);
    assert!(!done && said.contains("such as 15s"), "{said}");
}

const README: &str = include_str!("../../../recovery/README.md");

#[test]
fn every_command_of_the_readme_is_understood() {
    let rows = README
        .lines()
        .filter_map(|line| line.strip_prefix("| `tasker-recovery "));
    let commands: Vec<&str> = rows.filter_map(|line| line.split('`').next()).collect();
    assert!(commands.len() >= 5);
    for command in commands {
        // Help comes only after everything before it was understood.
        let mut program = Command::new(env!("CARGO_BIN_EXE_tasker-recovery-under-test"));
        let output = program
            .args(command.split_whitespace())
            .arg("--help")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
    let help = Command::new(env!("CARGO_BIN_EXE_tasker-recovery-under-test"))
        .args(["run", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for option in README
        .split('`')
        .filter(|word| word.starts_with("--") && *word != "--dry-run")
    {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[tokio::test]
async fn the_first_lines_of_the_readme_are_what_it_says() {
    let bed = Bed::bare().await;
    let (done, said) = run(&bed, &["install"]);
    assert!(
        done && README.contains(&format!(
            "$ tasker-recovery install\n{said}$ tasker-recovery run\n"
        )),
        "{said}"
    );
}
