//! Tasks over HTTP, for applications that want their users to see them.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRef, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{json, Map, Value};
use uuid::Uuid;

use crate::client::{ClientError, NewTask, Task, TaskPage, TaskQuery, TaskerClient};

/// Routes to create, list, look at and cancel tasks, for any application whose state has a [`TaskerClient`]:
///
/// | Route | Does |
/// | --- | --- |
/// | `POST /tasks` | creates a task: `{"name", "namespace", "version", "context", "idempotent", "priority", "tags", "reason"}` |
/// | `GET /tasks` | lists tasks: `?namespace=…&status=pending&page=1&per_page=25` |
/// | `GET /tasks/{id}` | a task with its steps |
/// | `DELETE /tasks/{id}` | cancels it |
///
/// Errors are problem documents (RFC 9457). The routes let everybody in: put a layer of yours around them.
///
/// ```
/// use axum::extract::{FromRef, Request};
/// use axum::http::StatusCode;
/// use axum::middleware::{from_fn, Next};
/// use axum::response::Response;
/// use axum::Router;
/// use tasker_contrib_axum::{task_routes, AdmissionLayer, TaskerClient};
///
/// #[derive(Clone)]
/// struct App {
///     tasker: TaskerClient,
/// }
///
/// impl FromRef<App> for TaskerClient {
///     fn from_ref(app: &App) -> Self {
///         app.tasker.clone()
///     }
/// }
///
/// async fn only_operators(request: Request, next: Next) -> Result<Response, StatusCode> {
///     let token = request.headers().get("authorization");
///     if token.is_some_and(|token| token == "Bearer of-an-operator") {
///         Ok(next.run(request).await)
///     } else {
///         Err(StatusCode::UNAUTHORIZED)
///     }
/// }
///
/// # fn main() -> Result<(), tasker_contrib_axum::Error> {
/// let tasker = TaskerClient::new("http://127.0.0.1:8080")?;
/// let tasks = task_routes()
///     .route_layer(AdmissionLayer::new(&tasker))
///     .route_layer(from_fn(only_operators));
/// let app: Router = Router::new().nest("/tasker", tasks).with_state(App { tasker });
/// # Ok(())
/// # }
/// ```
pub fn task_routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    TaskerClient: FromRef<S>,
{
    Router::new()
        .route("/tasks", post(create).get(list))
        .route("/tasks/{id}", get(show).delete(cancel))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    #[serde(default = "default_version")]
    version: String,
    #[serde(default)]
    context: Map<String, Value>,
    #[serde(default)]
    idempotent: bool,
    priority: Option<i32>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default = "default_reason")]
    reason: String,
}

fn default_namespace() -> String {
    "default".to_owned()
}

fn default_version() -> String {
    "1.0.0".to_owned()
}

fn default_reason() -> String {
    "requested over HTTP".to_owned()
}

async fn create(
    State(client): State<TaskerClient>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Task>), ClientError> {
    let Json(wanted) = wanted.map_err(|error| ClientError::invalid(error.body_text()))?;
    if wanted
        .priority
        .is_some_and(|priority| !(-100..=100).contains(&priority))
    {
        return Err(ClientError::invalid("priority must be -100 to 100"));
    }
    let mut task = NewTask::new(wanted.namespace, wanted.name, wanted.context)
        .version(wanted.version)
        .reason(wanted.reason);
    if wanted.idempotent {
        task = task.idempotent();
    }
    if let Some(priority) = wanted.priority {
        task = task.priority(priority);
    }
    task = wanted.tags.into_iter().fold(task, NewTask::tag);
    Ok((StatusCode::CREATED, Json(client.create_task(task).await?)))
}

async fn list(
    State(client): State<TaskerClient>,
    query: Result<Query<TaskQuery>, QueryRejection>,
) -> Result<Json<TaskPage>, ClientError> {
    let Query(query) = query.map_err(|error| ClientError::invalid(error.body_text()))?;
    Ok(Json(client.list_tasks(query).await?))
}

async fn show(
    State(client): State<TaskerClient>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Json<Value>, ClientError> {
    let id = task_id(id)?;
    let (task, steps) = tokio::try_join!(client.get_task(id), client.steps(id))?;
    let mut body = json!(task);
    body["steps"] = json!(steps);
    Ok(Json(body))
}

async fn cancel(
    State(client): State<TaskerClient>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Json<Task>, ClientError> {
    Ok(Json(client.cancel_task(task_id(id)?).await?))
}

fn task_id(id: Result<Path<Uuid>, PathRejection>) -> Result<Uuid, ClientError> {
    id.map(|Path(id)| id)
        .map_err(|error| ClientError::invalid(error.body_text()))
}
