//! Programs of the application, each in a process of its own as in production.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::stack::Stack;
use crate::support::{program, until};

pub struct Process {
    pub url: String,
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    reading: Option<JoinHandle<()>>,
}

pub fn command(stack: &Stack, words: &[&str]) -> Command {
    let mut command = program();
    command.args(words);
    command.envs(stack.environment.iter().map(|(name, value)| (name, value)));
    // The templates are found from here.
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// Runs a command of a deployment.
pub fn run(stack: &Stack, words: &[&str], input: &str) -> Output {
    let mut child = command(stack, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

impl Process {
    /// Starts a program, and waits until it is ready.
    pub async fn start(stack: &Stack, program: &str) -> Self {
        let mut child = command(stack, &[program])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = lines.clone();
        let reading = std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("every line is JSON");
                written.lock().unwrap().push(line);
            }
        });
        let mut process = Self {
            url: String::new(),
            child,
            lines,
            reading: Some(reading),
        };
        process.url = until(&format!("{program} listens"), || {
            let url = process.url();
            std::future::ready(url)
        })
        .await;
        until(&format!("{program} is ready"), || process.readiness()).await;
        process
    }

    fn url(&mut self) -> Option<String> {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {:?}", self.lines());
        self.lines().iter().find_map(|line| {
            let url = line["message"].as_str()?.strip_prefix("listening at ")?;
            Some(url.to_owned())
        })
    }

    async fn readiness(&self) -> Option<()> {
        let answer = reqwest::get(format!("{}/tasker/ready", self.url)).await;
        answer.ok()?.status().is_success().then_some(())
    }

    /// Everything that it has written.
    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// SIGTERM; the exit code, and everything that it has written.
    pub fn stop(mut self) -> (Option<i32>, Vec<Value>) {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        let code = self.child.wait().unwrap().code();
        self.reading.take().unwrap().join().unwrap();
        (code, self.lines())
    }
}

/// A failed test leaves none.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
