//! HTTP through `curl`: it speaks TLS, knows proxies and `.netrc`, and xtask stays small.
//!
//! A token goes through curl's standard input, so that no list of processes shows it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

#[derive(Debug)]
pub struct Answer {
    /// The status; 0 if there was none.
    pub status: u16,
    pub body: Vec<u8>,
    /// The headers, as they came.
    pub headers: String,
    /// Why there was no answer.
    pub trouble: String,
}

impl Answer {
    /// The body as a text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the status says success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What happened, for an error message.
    pub fn describe(&self) -> String {
        if self.status == 0 {
            return self.trouble.clone();
        }
        let text = self.text();
        let line = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("");
        format!(
            "status {} {}",
            self.status,
            line.chars().take(200).collect::<String>()
        )
        .trim_end()
        .to_owned()
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    method: &'a str,
    url: &'a str,
    headers: Vec<String>,
    token: Option<String>,
    upload: Option<&'a Path>,
}

impl<'a> Request<'a> {
    pub fn get(url: &'a str) -> Self {
        Self {
            method: "GET",
            url,
            headers: Vec::new(),
            token: None,
            upload: None,
        }
    }

    /// PUT of a file.
    pub fn put(url: &'a str, file: &'a Path) -> Self {
        Self {
            method: "PUT",
            upload: Some(file),
            ..Self::get(url)
        }
    }

    /// POST of nothing, to see what a server says before it looks at anything.
    pub fn post_nothing(url: &'a str) -> Self {
        Self {
            method: "POST",
            ..Self::get(url)
        }
    }

    /// Adds a header that is no secret.
    #[must_use]
    pub fn header(mut self, header: &str) -> Self {
        self.headers.push(header.to_owned());
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    pub fn send(&self) -> Result<Answer> {
        let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
        let (body, headers) = (scratch.path().join("body"), scratch.path().join("headers"));
        let mut command = self.command();
        command
            .arg("--output")
            .arg(&body)
            .arg("--dump-header")
            .arg(&headers)
            .arg(self.url);
        let cannot = |error: std::io::Error| Error::CannotStart {
            unit: "release".into(),
            command: "curl".into(),
            why: match error.kind() {
                std::io::ErrorKind::NotFound => "`curl` is not installed".into(),
                _ => error.to_string(),
            },
        };
        let mut child = command.spawn().map_err(cannot)?;
        if let (Some(mut stdin), Some(token)) = (child.stdin.take(), &self.token) {
            let token = token.replace(['"', '\\', '\n', '\r'], "");
            // curl that ended early says why itself.
            let _ =
                stdin.write_all(format!("header = \"Authorization: Bearer {token}\"\n").as_bytes());
        }
        let ended = child.wait_with_output().map_err(cannot)?;
        let status = String::from_utf8_lossy(&ended.stdout).trim().parse();
        Ok(Answer {
            // What was cut in the middle is no answer.
            status: status.ok().filter(|_| ended.status.success()).unwrap_or(0),
            body: std::fs::read(&body).unwrap_or_default(),
            headers: std::fs::read_to_string(&headers).unwrap_or_default(),
            trouble: String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
        })
    }

    /// curl with everything but where its answer goes and where it asks. It reads the token from its standard input.
    fn command(&self) -> Command {
        let mut command = Command::new("curl");
        command
            .args([
                "--silent",
                "--show-error",
                "--location",
                "--netrc-optional",
                "--max-time",
                "120",
                "--retry",
                "0",
            ])
            .args([
                "--write-out",
                "%{http_code}",
                "--request",
                self.method,
                "--config",
                "-",
            ]);
        if is_loopback(self.url) {
            command.args(["--noproxy", "*"]);
        }
        for header in &self.headers {
            command.args(["--header", header]);
        }
        if let Some(file) = self.upload {
            command.arg("--upload-file").arg(file);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or("");
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

/// The host of an address, with its port.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or("")
}
