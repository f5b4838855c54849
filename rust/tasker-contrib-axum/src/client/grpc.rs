//! The server's gRPC API, through Core's client.
//!
//! Both lose much on the way, which [`super::TaskerClientBuilder::connect_grpc`] tells its users. What can be made good is made good here.

use serde::Serialize;
use serde_json::Value;
use tasker_client::grpc_clients::{GrpcAuthConfig, GrpcClientConfig, OrchestrationGrpcClient};
use tasker_client::ClientError as CoreError;
use tasker_shared::models::core::task_request::TaskRequest;
use uuid::Uuid;

use super::call::{Call, Failure};
use super::endpoint::Endpoint;
use super::{ClientError, ClientErrorKind, TaskQuery};
use crate::numbers;
use crate::Error;

/// gRPC's number, which Core gives as a status.
const ALREADY_EXISTS: u16 = 6;

#[derive(Debug)]
pub(super) struct Grpc(OrchestrationGrpcClient);

impl Grpc {
    pub(super) async fn connect(endpoint: &Endpoint) -> Result<Self, Error> {
        let mut config = GrpcClientConfig::new(&endpoint.url).with_timeout(endpoint.timeout);
        if let Some(token) = &endpoint.token {
            config = config.with_auth(GrpcAuthConfig::with_bearer_token(token));
        } else if let Some((header, key)) = &endpoint.api_key {
            config = config.with_auth(GrpcAuthConfig::with_api_key_header(key, header));
        }
        let client = OrchestrationGrpcClient::with_config(config).await;
        client
            .map(Self)
            .map_err(|error| Error::Config(vec![format!("the gRPC server: {error}")]))
    }

    pub(super) async fn call(&self, call: &Call) -> Result<Value, Failure> {
        let creates = matches!(call, Call::Create(_));
        let answer = match call {
            Call::Create(body) => self.0.create_task(request(body)?).await.map(json),
            Call::Get(task) => self.0.get_task(*task).await.map(json),
            Call::Cancel(task) => return self.cancel(*task).await,
            Call::Steps(task) => self.0.list_task_steps(*task).await.map(json),
            Call::Health => self.0.health_check().await.map(json),
            Call::List(query) => return self.list(query).await,
            Call::Operate(operation) => {
                let text = format!(
                    "{} is not part of Core's gRPC API; use REST",
                    operation.name
                );
                return Err(never(ClientError::invalid(text)));
            }
        };
        answer.map_err(|error| failure(&error, creates))
    }

    /// The server answers a refusal as success, and Core's client does not look.
    async fn cancel(&self, task: Uuid) -> Result<Value, Failure> {
        let fail = |error: CoreError| failure(&error, false);
        self.0.cancel_task(task).await.map_err(fail)?;
        let now = self.0.get_task(task).await.map_err(fail)?;
        if now.status == "cancelled" {
            Ok(json(now))
        } else {
            let text = format!("task {task} cannot be cancelled: it is `{}`", now.status);
            Err(never(ClientError::invalid(text)))
        }
    }

    async fn list(&self, query: &TaskQuery) -> Result<Value, Failure> {
        if query.status.is_some() || query.initiator.is_some() {
            let text = "Core's gRPC API cannot list by status or initiator: its client leaves the filter out";
            return Err(never(ClientError::invalid(text)));
        }
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let length = number(query.per_page.unwrap_or(25));
        let offset = length.saturating_mul(number(query.page.unwrap_or(1) - 1));
        let page = self
            .0
            .list_tasks(length, offset, query.namespace.as_deref(), None)
            .await;
        page.map(json).map_err(|error| failure(&error, false))
    }
}

fn json(value: impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    numbers::make_whole(&mut value);
    value
}

fn request(body: &Value) -> Result<TaskRequest, Failure> {
    if let Some(number) = numbers::inexact(&body["context"]) {
        let text = format!("gRPC cannot carry {number} in a context: integers beyond 2^53 lose digits; send it as a text, or use REST");
        return Err(never(ClientError::invalid(text)));
    }
    let request = serde_json::from_value(body.clone());
    request.map_err(|error| never(ClientError::invalid(error.to_string())))
}

/// A failure that another try does not change.
fn never(error: ClientError) -> Failure {
    Failure {
        error,
        again: false,
        lost: false,
    }
}

fn failure(error: &CoreError, creates: bool) -> Failure {
    use ClientErrorKind as Kind;
    let (kind, again, lost) = match error {
        CoreError::TaskNotFound { .. } => (Kind::NotFound, false, false),
        CoreError::AuthError(_) => (Kind::Permission, false, false),
        CoreError::InvalidInput(text) if text.contains("emplate not found") => {
            (Kind::NotFound, false, false)
        }
        CoreError::InvalidInput(_) => (Kind::Invalid, false, false),
        CoreError::ApiError { status, .. } if *status == ALREADY_EXISTS => {
            (Kind::Conflict, false, false)
        }
        CoreError::ServiceUnavailable { reason, .. }
            if reason.contains("ackpressure") || reason.contains("Resource exhausted") =>
        {
            (Kind::Backpressure, true, false)
        }
        // Nothing says whether the server was reached.
        CoreError::ServiceUnavailable { .. } | CoreError::Timeout { .. } => {
            (Kind::Unavailable, true, creates)
        }
        _ => (Kind::Server, creates, creates),
    };
    Failure {
        error: ClientError::new(kind, format!("{error} (gRPC)")),
        again,
        lost,
    }
}
