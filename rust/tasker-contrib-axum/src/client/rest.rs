//! The server's REST API.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, AUTHORIZATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use super::call::{details, Call, Failure};
use super::endpoint::Endpoint;
use super::{ClientError, ClientErrorKind};
use crate::retry_after::retry_after;
use crate::Error;

const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Rest {
    http: reqwest::Client,
    base: Url,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "REST at {}", self.shown())
    }
}

impl Rest {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let wrong = |text: String| Error::Config(vec![format!("orchestration.url: {text}")]);
        let base = Url::parse(&endpoint.url)
            .map_err(|error| wrong(format!("`{}` is not a URL ({error})", endpoint.url)))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong(format!(
                "must begin with http:// or https://, not `{}:`",
                base.scheme()
            )));
        }
        let mut http = reqwest::Client::builder()
            .default_headers(credentials(endpoint)?)
            .timeout(endpoint.timeout);
        if is_this_machine(&base) {
            // A proxy of the environment is for other machines.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { http, base })
    }

    /// The URL without what may be a secret.
    fn shown(&self) -> String {
        let mut url = self.base.clone();
        let _ = url.set_password(None);
        url.set_query(None);
        url.to_string()
    }

    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    pub(super) async fn call(&self, call: &Call) -> Result<Value, Failure> {
        let request = match call {
            Call::Create(body) => self.http.post(self.url(&["v1", "tasks"])).json(body),
            Call::Get(task) => self.http.get(self.url(&["v1", "tasks", &task.to_string()])),
            Call::Cancel(task) => self
                .http
                .delete(self.url(&["v1", "tasks", &task.to_string()])),
            Call::Steps(task) => {
                self.http
                    .get(self.url(&["v1", "tasks", &task.to_string(), "workflow_steps"]))
            }
            Call::Operate(operation) => {
                let parts: Vec<&str> = operation.path.iter().map(String::as_str).collect();
                let request = self
                    .http
                    .request(operation.method.clone(), self.url(&parts))
                    .query(&operation.query);
                match &operation.body {
                    Some(body) => request.json(body),
                    None => request,
                }
            }
            Call::Health => self.http.get(self.url(&["health"])).timeout(HEALTH_TIMEOUT),
            Call::List(query) => {
                let mut url = self.url(&["v1", "tasks"]);
                let (page, per_page) = (query.page.unwrap_or(1), query.per_page.unwrap_or(25));
                let mut pairs = url.query_pairs_mut();
                pairs.append_pair("page", &page.to_string());
                pairs.append_pair("per_page", &per_page.to_string());
                for (key, value) in [
                    ("namespace", &query.namespace),
                    ("status", &query.status),
                    ("initiator", &query.initiator),
                ] {
                    if let Some(value) = value {
                        pairs.append_pair(key, value);
                    }
                }
                drop(pairs);
                self.http.get(url)
            }
        };
        let creates = matches!(call, Call::Create(_));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Err(self.unreachable(error, creates)),
        };
        if answer.status().is_success() {
            let body = answer.bytes().await;
            let body = body.map_err(|error| self.unreachable(error, creates))?;
            return serde_json::from_slice(&body).map_err(|_| self.not_json(creates));
        }
        Err(refused(answer, creates).await)
    }

    /// A success that is none of Tasker's: a page of a proxy or of another service. It will not be another one in the next try.
    fn not_json(&self, creates: bool) -> Failure {
        let text = format!(
            "{} answered with something that is not JSON; is orchestration.url (TASKER_ORCHESTRATION_URL) the address of Tasker's REST API?",
            self.shown()
        );
        Failure {
            error: ClientError::new(ClientErrorKind::Server, text),
            again: false,
            lost: creates,
        }
    }

    /// No answer at all, or half of one.
    fn unreachable(&self, error: reqwest::Error, creates: bool) -> Failure {
        let lost = creates && !error.is_connect();
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            reason = next.to_string();
            cause = next.source();
        }
        let text = format!(
            "the orchestration server at {} cannot be reached: {reason}; is it running, and is orchestration.url \
             (TASKER_ORCHESTRATION_URL) right?",
            self.shown()
        );
        Failure {
            error: ClientError::new(ClientErrorKind::Unavailable, text),
            again: true,
            lost,
        }
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn credentials(endpoint: &Endpoint) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    let (setting, name, value) = match (&endpoint.token, &endpoint.api_key) {
        (Some(token), _) => (
            "orchestration.token",
            AUTHORIZATION,
            format!("Bearer {token}"),
        ),
        (None, Some((header, key))) => {
            let name = HeaderName::try_from(header.as_str()).map_err(|_| {
                let text = format!("orchestration.api_key_header: `{header}` is not a header name");
                Error::Config(vec![text])
            })?;
            ("orchestration.api_key", name, key.clone())
        }
        (None, None) => return Ok(headers),
    };
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        Error::Config(vec![format!(
            "{setting}: has characters that a header cannot carry"
        )])
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

/// An answer that is not a success.
async fn refused(answer: Response, creates: bool) -> Failure {
    let status = answer.status();
    let after = retry_after(answer.headers().get(RETRY_AFTER));
    let body = answer.text().await.unwrap_or_default();
    let (code, message) = details(&body);
    // The server's own framework answers some errors as plain text.
    let message = message.unwrap_or_else(|| match body.trim() {
        "" => status.canonical_reason().unwrap_or("no reason").to_owned(),
        text => text.chars().take(500).collect(),
    });
    let kind = match status {
        StatusCode::NOT_FOUND => ClientErrorKind::NotFound,
        StatusCode::CONFLICT => ClientErrorKind::Conflict,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ClientErrorKind::Permission,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            ClientErrorKind::Backpressure
        }
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => ClientErrorKind::Unavailable,
        StatusCode::REQUEST_TIMEOUT => ClientErrorKind::Server,
        status if status.is_server_error() => ClientErrorKind::Server,
        _ => ClientErrorKind::Invalid,
    };
    // The server answers 500 when creations exhaust its pool, a gateway 504 when it did not wait: nobody knows whether this one was stored.
    // The context tells, so trying again is safe.
    let doubtful = matches!(status.as_u16(), 408 | 500 | 502 | 504);
    let passes = matches!(
        kind,
        ClientErrorKind::Backpressure | ClientErrorKind::Unavailable
    );
    Failure {
        error: ClientError::new(kind, format!("{message} (HTTP {})", status.as_u16()))
            .with_code(code)
            .with_retry_after(after),
        again: passes || (creates && doubtful),
        lost: creates && doubtful,
    }
}
