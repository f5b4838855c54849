//! A client of the orchestration server.
//!
//! Core's own REST client gives errors as text, reads no `Retry-After`, bounds nothing, and a repetition of it after a lost answer ends in a
//! 409; this one has typed errors, bounded concurrency, and finds the task that an earlier try created.

mod admission;
mod call;
mod endpoint;
mod error;
#[cfg(feature = "grpc")]
mod grpc;
mod operations;
mod request;
mod rest;
mod schemas;
mod types;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use admission::Admission;
use call::{Call, Failure};
use endpoint::Endpoint;
pub use error::{ClientError, ClientErrorKind};
pub use operations::{DeadLetter, Resolution};
pub use request::NewTask;
use rest::Rest;
use schemas::Schemas;
use types::Pauses;
pub use types::{StepInfo, Task, TaskPage, TaskQuery};

use crate::metrics::Metrics;
use crate::{Error, TaskerConfig};

const LONGEST_RETRY_WAIT: Duration = Duration::from_secs(5);
const SEARCH_PAGES: u32 = 20;

#[derive(Debug)]
enum Transport {
    Rest(Rest),
    #[cfg(feature = "grpc")]
    Grpc(Box<grpc::Grpc>),
}

impl Transport {
    async fn call(&self, call: &Call) -> Result<Value, Failure> {
        match self {
            Self::Rest(rest) => rest.call(call).await,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.call(call).await,
        }
    }
}

/// Calls the orchestration server. Cheap to clone; all clones share connections and limits.
///
/// Put it into the application's state and take it with `State<TaskerClient>`, through axum's `FromRef`.
///
/// ```
/// use axum::extract::{FromRef, Path, State};
/// use axum::routing::{get, post};
/// use axum::{Json, Router};
/// use tasker_contrib_axum::{ClientError, NewTask, Task, TaskerClient};
/// use uuid::Uuid;
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
/// async fn order(State(tasker): State<TaskerClient>, Path(id): Path<i64>) -> Result<Json<Task>, ClientError> {
///     let task = NewTask::new("shop", "order", serde_json::json!({"order_id": id})).idempotent();
///     Ok(Json(tasker.create_task(task).await?))
/// }
///
/// async fn show(State(tasker): State<TaskerClient>, Path(id): Path<Uuid>) -> Result<Json<Task>, ClientError> {
///     Ok(Json(tasker.get_task(id).await?))
/// }
///
/// # fn main() -> Result<(), tasker_contrib_axum::Error> {
/// let tasker = TaskerClient::new("http://127.0.0.1:8080")?;
/// let app: Router = Router::new()
///     .route("/orders/{id}/task", post(order))
///     .route("/tasks/{id}", get(show))
///     .with_state(App { tasker });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TaskerClient {
    inner: Arc<Inner>,
    timeout: Option<Duration>,
    max_retries: u32,
}

struct Inner {
    transport: Transport,
    slots: Semaphore,
    initiator: String,
    schemas: Schemas,
    metrics: Metrics,
    admission: Arc<Admission>,
}

impl std::fmt::Debug for TaskerClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskerClient")
            .field("transport", &self.inner.transport)
            .finish_non_exhaustive()
    }
}

/// Makes a [`TaskerClient`].
///
/// ```
/// # fn main() -> Result<(), tasker_contrib_axum::Error> {
/// use std::time::Duration;
/// use tasker_contrib_axum::TaskerClient;
///
/// let client = TaskerClient::builder("http://127.0.0.1:8080")
///     .bearer_token("secret")
///     .timeout(Duration::from_secs(5))
///     .max_concurrency(8)
///     .build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[must_use = "call `build`"]
pub struct TaskerClientBuilder {
    endpoint: Endpoint,
    max_retries: u32,
    max_concurrency: usize,
    templates: Option<PathBuf>,
    initiator: String,
    pub(crate) metrics: Metrics,
}

/// Never shows credentials.
impl std::fmt::Debug for TaskerClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskerClientBuilder")
            .field("url", &self.endpoint.url)
            .finish_non_exhaustive()
    }
}

impl TaskerClientBuilder {
    /// With everything that a configuration says.
    pub(crate) fn of(config: &TaskerConfig) -> Self {
        let calls = config.calls();
        let mut client = TaskerClient::builder(calls.url)
            .timeout(calls.timeout)
            .max_retries(calls.max_retries)
            .max_concurrency(calls.max_concurrency);
        client.endpoint.token = calls.token;
        client.endpoint.api_key = calls.api_key;
        client.templates = calls.templates;
        client
    }

    /// Credentials: a bearer token.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.endpoint.token = Some(token.into());
        self
    }

    /// Credentials: an API key and the header that carries it, usually `X-API-Key`.
    pub fn api_key(mut self, header: impl Into<String>, key: impl Into<String>) -> Self {
        self.endpoint.api_key = Some((header.into(), key.into()));
        self
    }

    /// The time that one request may take; 30 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.endpoint.timeout = timeout;
        self
    }

    /// How often a call is repeated when the server is away, overloaded, or fails on a creation; 3 times by default.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// How many calls are under way at the same time; more wait. 16 by default. The server's connection pool must be larger than the
    /// sum over all clients: it holds two connections for each task that is being created.
    pub fn max_concurrency(mut self, calls: usize) -> Self {
        self.max_concurrency = calls.max(1);
        self
    }

    /// A folder with task templates: contexts are checked against the `input_schema` of those before anything is sent. (The server has the
    /// schemas, but never checks them and does not give them out.)
    pub fn templates(mut self, folder: impl Into<PathBuf>) -> Self {
        self.templates = Some(folder.into());
        self
    }

    /// Who asks for tasks when [`NewTask::initiator`] does not say it.
    pub fn initiator(mut self, initiator: impl Into<String>) -> Self {
        self.initiator = initiator.into();
        self
    }

    /// The client, speaking REST. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the URL or the credentials cannot be used, or templates cannot be read.
    pub fn build(self) -> Result<TaskerClient, Error> {
        let rest = Rest::new(&self.endpoint)?;
        self.with(Transport::Rest(rest))
    }

    /// The client, speaking gRPC; the URL is the one of the gRPC server, such as `http://127.0.0.1:9190`. It is connected now.
    ///
    /// Core's gRPC API carries less than REST: of a new task only template and context arrive, so initiator, reason, tags, priority and
    /// correlation id are lost, and steps do not continue the trace of the request. Every number of a context becomes a float on the way; whole
    /// ones are made integers again before a step of this package sees them, and integers beyond 2^53 are refused. Lists have no status
    /// filter, and back-pressure comes without the time to wait.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the URL or the credentials cannot be used, templates cannot be read, or the server is away.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), tasker_contrib_axum::Error> {
    /// use tasker_contrib_axum::TaskerClient;
    ///
    /// let client = TaskerClient::builder("http://127.0.0.1:9190").connect_grpc().await?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "grpc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
    pub async fn connect_grpc(self) -> Result<TaskerClient, Error> {
        let grpc = grpc::Grpc::connect(&self.endpoint).await?;
        self.with(Transport::Grpc(Box::new(grpc)))
    }

    fn with(self, transport: Transport) -> Result<TaskerClient, Error> {
        let schemas = match &self.templates {
            Some(folder) => Schemas::load(folder)?,
            None => Schemas::default(),
        };
        Ok(TaskerClient {
            inner: Arc::new(Inner {
                transport,
                slots: Semaphore::new(self.max_concurrency.min(Semaphore::MAX_PERMITS)),
                initiator: self.initiator,
                schemas,
                metrics: self.metrics,
                admission: Arc::default(),
            }),
            timeout: None,
            max_retries: self.max_retries,
        })
    }
}

impl TaskerClient {
    /// A client with everything left as it is; the URL is the one of the server's REST API.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the URL cannot be used.
    pub fn new(url: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// Starts here.
    pub fn builder(url: impl Into<String>) -> TaskerClientBuilder {
        TaskerClientBuilder {
            endpoint: Endpoint {
                url: url.into(),
                token: None,
                api_key: None,
                timeout: Duration::from_secs(30),
            },
            max_retries: 3,
            max_concurrency: 16,
            templates: None,
            initiator: "tasker-contrib-axum".to_owned(),
            metrics: Metrics::new(),
        }
    }

    /// A client for an application without a worker. [`TaskerWorker::client`](crate::TaskerWorker::client) gives the one of a worker.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with everything that is wrong.
    ///
    /// ```
    /// # fn main() -> Result<(), tasker_contrib_axum::Error> {
    /// use tasker_contrib_axum::{TaskerClient, TaskerConfig};
    ///
    /// let config = TaskerConfig::new().set("orchestration.url", "http://127.0.0.1:8080");
    /// let client = TaskerClient::from_config(&config)?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_config(config: &TaskerConfig) -> Result<Self, Error> {
        config.check()?;
        TaskerClientBuilder::of(config).build()
    }

    /// This client with a shorter time for each request, over the same connections and limits.
    ///
    /// ```no_run
    /// # async fn run(client: tasker_contrib_axum::TaskerClient, task: uuid::Uuid) -> Result<(), tasker_contrib_axum::ClientError> {
    /// use std::time::Duration;
    ///
    /// let task = client.with_timeout(Duration::from_secs(2)).get_task(task).await?;
    /// # let _ = task;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self.clone()
        }
    }

    /// This client with one try for each call, for who tries again by itself.
    #[cfg(feature = "outbox")]
    pub(crate) fn without_retries(&self) -> Self {
        Self {
            max_retries: 0,
            ..self.clone()
        }
    }

    /// Whether a new task gets the correlation id that it is given.
    #[cfg(feature = "outbox")]
    pub(crate) fn keeps_correlation(&self) -> bool {
        matches!(self.inner.transport, Transport::Rest(_))
    }

    #[cfg(feature = "outbox")]
    pub(crate) fn outboxes(&self) -> &crate::outbox::metrics::Outboxes {
        &self.inner.metrics.outboxes
    }

    pub(crate) fn admission(&self) -> Arc<Admission> {
        self.inner.admission.clone()
    }

    /// Metrics of the calls in Prometheus' text format; those of a worker's client are in the worker's.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.inner.metrics.text()
    }

    /// Creates a task and returns it, or the one that already exists if [`NewTask::idempotent`] allows it.
    ///
    /// A creation that the server fails on, or whose answer is lost, is retried; a conflict then means that it was created.
    ///
    /// # Errors
    ///
    /// `Invalid` when the context does not match the template's `input_schema`, `NotFound` when no worker has registered this version of the
    /// template, `Conflict` when the task exists, and what the server says otherwise, also after repetitions.
    pub async fn create_task(&self, task: NewTask) -> Result<Task, ClientError> {
        let body = task.body(&self.inner.initiator)?;
        let context = body["context"].clone();
        let place = format!("{}/{} {}", task.namespace, task.name, task.version);
        self.inner.schemas.check(&place, &context)?;
        let (answer, lost) = self.call(&Call::Create(body)).await;
        match answer {
            Ok(answer) => read(answer),
            // A repetition after a lost answer meets the task that the first try created.
            Err(error)
                if error.kind() == ClientErrorKind::Conflict && (task.idempotent || lost) =>
            {
                match self.find(&task, &context).await? {
                    Some(existing) => Ok(existing),
                    None => {
                        let text = format!(
                            "task {place} exists with this context, but is not among the latest {} tasks of the namespace",
                            SEARCH_PAGES * 100
                        );
                        Err(ClientError::new(ClientErrorKind::Conflict, text)
                            .with_code(error.code().map(str::to_owned)))
                    }
                }
            }
            Err(error) if error.kind() == ClientErrorKind::NotFound => {
                let hint = self.inner.schemas.hint(&place);
                let text = format!("template {place} is not registered: a worker registers its templates when it starts{hint}");
                Err(ClientError::new(ClientErrorKind::NotFound, text)
                    .with_code(error.code().map(str::to_owned)))
            }
            Err(error) => Err(error),
        }
    }

    /// The present state of a task.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task.
    pub async fn get_task(&self, task: Uuid) -> Result<Task, ClientError> {
        read(self.call(&Call::Get(task)).await.0?)
    }

    /// A page of tasks, the newest first.
    ///
    /// # Errors
    ///
    /// `Invalid` when a page or its length is out of range.
    ///
    /// ```no_run
    /// # async fn run(client: tasker_contrib_axum::TaskerClient) -> Result<(), tasker_contrib_axum::ClientError> {
    /// use tasker_contrib_axum::TaskQuery;
    ///
    /// let page = client.list_tasks(TaskQuery::default().namespace("shop").completed(false)).await?;
    /// println!("{} orders are under way", page.total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list_tasks(&self, query: TaskQuery) -> Result<TaskPage, ClientError> {
        let (page, per_page) = (query.page.unwrap_or(1), query.per_page.unwrap_or(25));
        if page == 0 || !(1..=100).contains(&per_page) {
            return Err(ClientError::invalid(
                "per_page must be 1 to 100, page 1 or more",
            ));
        }
        // The server fails on other words.
        if let Some(status) = query.status.as_deref() {
            if !["pending", "completed"].contains(&status) {
                return Err(ClientError::invalid(format!(
                    "status must be `pending` or `completed`, not `{status}`"
                )));
            }
        }
        let answer = self.call(&Call::List(query)).await.0?;
        let pagination = &answer["pagination"];
        Ok(TaskPage {
            tasks: read(answer["tasks"].clone())?,
            page,
            per_page,
            total: pagination["total_count"].as_u64().unwrap_or_default(),
            has_next: pagination["has_next"].as_bool().unwrap_or_default(),
        })
    }

    /// Cancels a task and returns it. Steps that are being executed are not interrupted.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task, `Invalid` when it has ended already.
    pub async fn cancel_task(&self, task: Uuid) -> Result<Task, ClientError> {
        self.call(&Call::Cancel(task)).await.0?;
        self.get_task(task).await
    }

    /// The steps of a task with their results.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such task.
    pub async fn steps(&self, task: Uuid) -> Result<Vec<StepInfo>, ClientError> {
        read(self.call(&Call::Steps(task)).await.0?)
    }

    /// Waits until a task has ended; look at [`Task::is_complete`], it may have failed. The server is asked often at first and after
    /// changes, up to every two seconds later.
    ///
    /// # Errors
    ///
    /// `Timeout` when it has not ended in time (it goes on), `NotFound` when there is no such task.
    ///
    /// ```no_run
    /// # async fn run(client: tasker_contrib_axum::TaskerClient) -> Result<(), tasker_contrib_axum::ClientError> {
    /// use std::time::Duration;
    /// use tasker_contrib_axum::NewTask;
    ///
    /// let task = client.create_task(NewTask::new("hello", "hello", ()).unique()).await?;
    /// let task = client.wait(task.task_uuid, Duration::from_secs(10)).await?;
    /// assert!(task.is_complete());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait(&self, task: Uuid, timeout: Duration) -> Result<Task, ClientError> {
        // A time that no clock can show is never over.
        let end = Instant::now().checked_add(timeout);
        let mut pauses = Pauses::new();
        let mut seen = None;
        loop {
            let now = self.get_task(task).await?;
            if now.is_ended() {
                return Ok(now);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                let text = format!(
                    "task {task} is still `{}` after {timeout:?} ({} of {} steps complete)",
                    now.status, now.completed_steps, now.total_steps
                );
                return Err(ClientError::new(ClientErrorKind::Timeout, text));
            }
            let state = (
                now.status,
                now.total_steps,
                now.completed_steps,
                now.failed_steps,
                now.in_progress_steps,
            );
            if seen.as_ref() != Some(&state) {
                seen = Some(state);
                pauses.changed();
            }
            let next = Instant::now() + pauses.next();
            tokio::time::sleep_until(end.map_or(next, |end| next.min(end))).await;
        }
    }

    /// Asks the server how it is.
    ///
    /// # Errors
    ///
    /// Why it does not answer.
    pub async fn health(&self) -> Result<(), ClientError> {
        let answer = self.inner.transport.call(&Call::Health).await;
        answer.map(|_| ()).map_err(|failure| failure.error)
    }

    async fn find(&self, wanted: &NewTask, context: &Value) -> Result<Option<Task>, ClientError> {
        for page in 1..=SEARCH_PAGES {
            let query = TaskQuery::default()
                .namespace(&wanted.namespace)
                .page(page)
                .per_page(100);
            let found = self.list_tasks(query).await?;
            let same = |task: &&Task| {
                task.name == wanted.name
                    && task.version == wanted.version
                    && task.context == *context
            };
            if let Some(task) = found.tasks.iter().find(same) {
                return self.get_task(task.task_uuid).await.map(Some);
            }
            if !found.has_next {
                break;
            }
        }
        Ok(None)
    }

    /// One try, for as long as it may take.
    async fn attempt(&self, call: &Call) -> Result<Value, Failure> {
        let answer = self.inner.transport.call(call);
        let Some(timeout) = self.timeout else {
            return answer.await;
        };
        tokio::time::timeout(timeout, answer)
            .await
            .unwrap_or_else(|_| {
                let text = format!("the orchestration server has not answered within {timeout:?}");
                Err(Failure {
                    error: ClientError::new(ClientErrorKind::Unavailable, text),
                    again: true,
                    lost: matches!(call, Call::Create(_)),
                })
            })
    }

    /// Calls and repeats; the second value says whether an answer was lost on the way.
    async fn call(&self, call: &Call) -> (Result<Value, ClientError>, bool) {
        let mut lost = false;
        let mut attempt = 0;
        let answer = loop {
            // Others may call while this one waits for its next try.
            let slot = self.inner.slots.acquire().await;
            let answer = self.attempt(call).await;
            drop(slot);
            let failure = match answer {
                Ok(answer) => break Ok(answer),
                Err(failure) => failure,
            };
            lost |= failure.lost;
            let error = failure.error;
            if error.kind() == ClientErrorKind::Backpressure {
                self.inner.admission.refused(error.retry_after());
            }
            let wait = error.retry_after().unwrap_or_else(|| pause(attempt));
            if !failure.again || attempt >= self.max_retries || wait > LONGEST_RETRY_WAIT {
                break Err(error);
            }
            tracing::debug!(%error, operation = call.name(), ?wait, "a call of Tasker is repeated");
            attempt += 1;
            tokio::time::sleep(wait).await;
        };
        if answer.is_ok() && matches!(call, Call::Create(_)) {
            self.inner.admission.accepted();
        }
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(error) => error.kind().metric(),
        };
        let counter = &self.inner.metrics.client_requests;
        counter.with_label_values(&[call.name(), outcome]).inc();
        (answer, lost)
    }
}

/// 0.2, 0.4, 0.8 … seconds, a quarter more or less, so that clients do not come back together.
fn pause(attempt: u32) -> Duration {
    let base = Duration::from_millis(200) * 2_u32.saturating_pow(attempt);
    let part = Uuid::new_v4().as_bytes()[0];
    base.min(LONGEST_RETRY_WAIT)
        .mul_f64(0.75 + f64::from(part) / 512.0)
        .min(LONGEST_RETRY_WAIT)
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, ClientError> {
    serde_path_to_error::deserialize(answer).map_err(|error| {
        let text = format!(
            "the server's answer has another form than expected at `{}`: {}",
            error.path(),
            error.inner()
        );
        ClientError::new(ClientErrorKind::Server, text)
    })
}
