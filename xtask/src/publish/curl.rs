//! HTTP through `curl`: it speaks TLS, knows proxies and `.netrc`, and xtask stays small.
//!
//! A token goes through curl's standard input, so that no list of processes shows it.

use std::path::Path;

use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::process::{ChildGroup, Invocation};

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

    /// Asks, and waits for the answer; curl does not outlive us, so that nothing is uploaded behind the back of the next run.
    pub fn send(&self, interrupt: &Interrupt) -> Result<Answer> {
        let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
        let file = |name: &str| scratch.path().join(name);
        let read = |name: &str| std::fs::read(file(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).trim().to_owned();
        let curl = self.invocation(scratch.path());
        let mut child = ChildGroup::spawn_with_input(
            "release",
            &curl,
            &self.secrets(),
            &file("status"),
            &file("trouble"),
        )?;
        let status = child.wait(interrupt)?;
        Ok(Answer {
            // What was cut in the middle is no answer.
            status: text("status")
                .parse()
                .ok()
                .filter(|_| status.success())
                .unwrap_or(0),
            body: read("body"),
            headers: String::from_utf8_lossy(&read("headers")).into_owned(),
            trouble: text("trouble"),
        })
    }

    /// What curl reads from its standard input.
    fn secrets(&self) -> String {
        let Some(token) = &self.token else {
            return String::new();
        };
        let token = token.replace(['"', '\\', '\n', '\r'], "");
        format!("header = \"Authorization: Bearer {token}\"\n")
    }

    /// curl, which puts its answer into files in `scratch`.
    fn invocation(&self, scratch: &Path) -> Invocation {
        let file = |name: &str| scratch.join(name).display().to_string();
        let mut argv: Vec<String> = [
            "curl",
            "--silent",
            "--show-error",
            "--location",
            "--netrc-optional",
            "--max-time",
            "120",
            "--retry",
            "0",
            "--request",
            self.method,
            "--config",
            "-",
            "--write-out",
            "%{http_code}",
        ]
        .map(str::to_owned)
        .to_vec();
        argv.extend(["--output".into(), file("body")]);
        argv.extend(["--dump-header".into(), file("headers")]);
        if is_loopback(self.url) {
            argv.extend(["--noproxy".into(), "*".into()]);
        }
        for header in &self.headers {
            argv.extend(["--header".into(), header.clone()]);
        }
        if let Some(upload) = self.upload {
            argv.extend(["--upload-file".into(), upload.display().to_string()]);
        }
        argv.push(self.url.to_owned());
        Invocation::new(scratch, argv)
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

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    fn listen() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        (listener, url)
    }

    #[test]
    fn an_answer_has_its_status_its_headers_and_its_body_and_the_token_was_sent() {
        let (listener, url) = listen();
        let server = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("a client");
            let mut asked = [0; 4096];
            let length = client.read(&mut asked).expect("a request");
            let answer =
                "HTTP/1.1 404 Not Found\r\nX-Reason: none\r\nContent-Length: 4\r\n\r\ngone";
            client.write_all(answer.as_bytes()).expect("to answer");
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let answer = Request::get(&url)
            .token(Some("s3cret".to_owned()))
            .send(&Interrupt::default())
            .expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (404, "gone"));
        assert!(answer.headers.contains("X-Reason: none"));
        let asked = server.join().expect("a server");
        assert!(asked.contains("Authorization: Bearer s3cret"), "{asked}");
    }

    #[test]
    fn an_interrupt_ends_a_request_that_nobody_answers() {
        let (listener, url) = listen();
        let interrupt = Interrupt::default();
        let asked = interrupt.clone();
        let server = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("a client");
            asked.set();
            // Ends when curl has gone.
            client.read_to_end(&mut Vec::new())
        });
        let refused = Request::get(&url).send(&interrupt);
        assert!(matches!(refused, Err(Error::Interrupted)), "{refused:?}");
        let _ = server.join().expect("a server");
    }
}
