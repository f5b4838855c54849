//! Chromium without a window, driven over WebDriver (the W3C's protocol, which ChromeDriver speaks).

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{bail, Context as _};
use base64::engine::{general_purpose::STANDARD, Engine as _};
use serde_json::{json, Value};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// No sandbox, because test machines run as root; nothing that looks for other hosts.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/// A cold Chromium on a busy machine takes seconds.
const START: Duration = Duration::from_secs(60);

pub struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
}

impl Browser {
    /// Starts ChromeDriver on a port of its choice, and Chromium through it, within a minute.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_within("chromedriver", START).await
    }

    async fn start_within(program: &str, limit: Duration) -> anyhow::Result<Self> {
        // What was started ends with the future that is given up.
        tokio::time::timeout(limit, Self::start_driver(program))
            .await
            .unwrap_or_else(|_| {
                bail!(
                    "{program} and Chromium did not start within {} s; run `{program} --verbose` to see why",
                    limit.as_secs_f64()
                )
            })
    }

    async fn start_driver(program: &str) -> anyhow::Result<Self> {
        let started = Command::new(program)
            .args(["--port=0", "--log-level=SEVERE"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "this scenario needs a browser: `chromedriver` is not in PATH; install Chromium and ChromeDriver, on Debian by `apt-get install chromium chromium-driver`"
            ),
            Err(error) => return Err(error).context("chromedriver cannot be started"),
        };
        let out = driver.stdout.take().context("the output of chromedriver")?;
        let mut lines = BufReader::new(out).lines();
        let port = loop {
            let line = lines
                .next_line()
                .await?
                .context("chromedriver ended before it listened")?;
            if let Some((_, port)) = line.rsplit_once("started successfully on port ") {
                break port.trim_end_matches('.').parse::<u16>()?;
            }
        };
        // What else it prints is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let http = reqwest::Client::new();
        let base = format!("http://127.0.0.1:{port}/session");
        let wanted =
            json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": ARGUMENTS}}}});
        let session = value(http.post(&base).json(&wanted))
            .await
            .context("Chromium does not start")?;
        let id = session["sessionId"].as_str().context("a session")?;
        Ok(Self {
            driver,
            http,
            session: format!("{base}/{id}"),
        })
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        let asked = self
            .http
            .post(format!("{}/url", self.session))
            .json(&json!({"url": url}));
        value(asked).await.map(|_| ())
    }

    /// Runs the body of a function in the page.
    pub async fn run(&self, script: &str) -> anyhow::Result<Value> {
        let asked = self
            .http
            .post(format!("{}/execute/sync", self.session))
            .json(&json!({"script": script, "args": []}));
        value(asked).await
    }

    /// Clicks on what a CSS selector finds.
    pub async fn click(&self, selector: &str) -> anyhow::Result<()> {
        let asked = self
            .http
            .post(format!("{}/element", self.session))
            .json(&json!({"using": "css selector", "value": selector}));
        let found = value(asked).await?;
        let element = found
            .as_object()
            .and_then(|found| found.values().next()?.as_str());
        let element = element.with_context(|| format!("nothing in the page is {selector}"))?;
        value(
            self.http
                .post(format!("{}/element/{element}/click", self.session))
                .json(&json!({})),
        )
        .await
        .map(|_| ())
    }

    /// Writes what the page looks like as a PNG file; the browser's window is as high as the page for it.
    pub async fn picture(&self, file: &Path) -> anyhow::Result<()> {
        let height = self
            .run("return document.documentElement.scrollHeight")
            .await?;
        let window = json!({"width": 900, "height": height.as_i64().unwrap_or(800) + 160});
        value(
            self.http
                .post(format!("{}/window/rect", self.session))
                .json(&window),
        )
        .await?;
        let picture = value(self.http.get(format!("{}/screenshot", self.session))).await?;
        let picture = picture.as_str().context("a picture")?;
        std::fs::write(file, STANDARD.decode(picture)?)
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Ends both programs.
    pub async fn close(mut self) {
        let _ = self.http.delete(&self.session).send().await;
        let _ = self.driver.kill().await;
    }
}

async fn value(asked: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let mut answer: Value = asked.send().await?.json().await?;
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(error) => bail!("{error}: {}", value["message"].as_str().unwrap_or_default()),
        None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, Instant};

    use super::Browser;

    #[tokio::test]
    async fn a_driver_that_never_listens_is_given_up_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("silent-driver");
        std::fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let began = Instant::now();
        let started =
            Browser::start_within(program.to_str().unwrap(), Duration::from_millis(200)).await;
        let error = started.err().expect("it cannot start").to_string();
        assert!(error.contains("did not start within 0.2 s"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
