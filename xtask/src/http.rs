//! The few HTTP calls that running an example needs: JSON over loopback.
//!
//! `ureq` without TLS, because it is blocking like everything here and brings no runtime.

use std::time::Duration;

use serde_json::Value;

/// Calls that never leave the machine; a proxy from the environment must not get between.
pub struct Http {
    agent: ureq::Agent,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// The body: as JSON if it is JSON, else as a text.
    pub body: Value,
}

impl Answer {
    /// Whether the status says success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Http {
    /// A client that waits at most `timeout` for an answer.
    pub fn new(timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self {
            agent: config.into(),
        }
    }

    pub fn get(&self, url: &str) -> Result<Answer, String> {
        self.agent
            .get(url)
            .call()
            .map_err(|error| error.to_string())
            .and_then(read)
    }

    /// POST of a JSON body.
    pub fn post(&self, url: &str, body: &Value) -> Result<Answer, String> {
        self.agent
            .post(url)
            .header("content-type", "application/json")
            .send(body.to_string())
            .map_err(|error| error.to_string())
            .and_then(read)
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer, String> {
    let status = answer.status().as_u16();
    let text = answer
        .body_mut()
        .read_to_string()
        .map_err(|error| error.to_string())?;
    Ok(Answer {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    })
}
