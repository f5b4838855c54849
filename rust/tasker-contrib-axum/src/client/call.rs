//! A call of the server, and what became of one try.

use reqwest::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{ClientError, TaskQuery};

/// A call of the server, whatever carries it.
#[derive(Debug)]
pub(super) enum Call {
    Create(Value),
    Get(Uuid),
    List(TaskQuery),
    Cancel(Uuid),
    Steps(Uuid),
    Operate(Operation),
    Health,
}

/// A call of REST that needs nothing particular.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

impl Call {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create_task",
            Self::Get(_) => "get_task",
            Self::List(_) => "list_tasks",
            Self::Cancel(_) => "cancel_task",
            Self::Steps(_) => "steps",
            Self::Operate(operation) => operation.name,
            Self::Health => "health",
        }
    }
}

/// One try that failed.
pub(super) struct Failure {
    pub(super) error: ClientError,
    /// Another try may help.
    pub(super) again: bool,
    /// The server may have done it all the same.
    pub(super) lost: bool,
}

/// The server's `{"error": {"code", "message"}}`.
pub(super) fn details(body: &str) -> (Option<String>, Option<String>) {
    let body: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
    let text = |key: &str| body.get("error")?.get(key)?.as_str().map(str::to_owned);
    (text("code"), text("message"))
}
