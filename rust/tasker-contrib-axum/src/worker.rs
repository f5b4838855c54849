//! The worker in this process.

use std::future::{Future, IntoFuture as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tasker_shared::models::core::task_template::TaskTemplate;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::core::{Intake, OnDomainEvent, Results};
use crate::dispatch::Dispatcher;
use crate::events::{EventKind, Events, Origin, TaskerEvent};
use crate::intake::Limits;
use crate::metrics::Metrics;
use crate::{
    database, templates, Error, Handlers, TaskerClient, TaskerClientBuilder, TaskerConfig,
};

const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
const EVENT_BUFFER: usize = 1024;

/// Makes a [`TaskerWorker`].
///
/// ```no_run
/// use std::time::Duration;
/// use tasker_contrib_axum::{Handlers, TaskerWorker};
///
/// # async fn run(handlers: Handlers) -> Result<(), tasker_contrib_axum::Error> {
/// let worker = TaskerWorker::builder()
///     .handlers(handlers)
///     .config("config/tasker.toml")
///     .drain_timeout(Duration::from_secs(60))
///     .event_buffer(4096)
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct TaskerWorkerBuilder {
    handlers: Handlers,
    config: Option<TaskerConfig>,
    drain_timeout: Option<Duration>,
    event_buffer: Option<usize>,
}

impl TaskerWorkerBuilder {
    /// The handlers, with their state. Every callable of the task templates needs one; one that no template uses is only warned about.
    #[must_use]
    pub fn handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = handlers;
        self
    }

    /// A [`TaskerConfig`], or the path of a TOML file, whose values the environment overrides. Without it the environment alone is read.
    #[must_use]
    pub fn config(mut self, config: impl Into<TaskerConfig>) -> Self {
        self.config = Some(config.into());
        self
    }

    /// How long running steps may go on after a stop was asked for; 30 seconds by default.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = Some(timeout);
        self
    }

    /// How many events are kept for listeners that are slow or come back; 1024 by default.
    #[must_use]
    pub fn event_buffer(mut self, events: usize) -> Self {
        self.event_buffer = Some(events);
        self
    }

    /// Checks configuration and handlers, then starts Tasker Core. Steps are executed from then on.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with configuration, templates and handlers, or with the connection to the database, before Core is started; or
    /// why Core did not start.
    pub async fn build(self) -> Result<TaskerWorker, Error> {
        let config = self.config.unwrap_or_else(TaskerConfig::from_env);
        let core_config = config.core()?;
        let folder = config.template_folder();
        compare(&templates::load(&folder)?, &self.handlers)?;
        let (url, source) = config.database();
        database::check(&url, &source).await?;
        let folder = folder.canonicalize().unwrap_or(folder);
        // Core reads this variable and nothing else.
        std::env::set_var("TASKER_TEMPLATE_PATH", &folder);

        let metrics = Metrics::new();
        let mut client = TaskerClientBuilder::of(&config);
        client.metrics = metrics.clone();
        let client = client.templates(&folder).build()?;

        let events = Events::new(self.event_buffer.unwrap_or(EVENT_BUFFER));
        let results = Results::open(core_config.clone(), forward_to(&events)).await?;
        let draining = CancellationToken::new();
        let limits = Limits {
            places: Arc::new(Semaphore::new(config.concurrency())),
            draining: draining.clone(),
            listens: config.listens(),
            hidden: config.hidden(),
        };
        let started = Intake::start(core_config, limits).await;
        let (intake, steps) = match started {
            Ok(started) => started,
            Err(error) => {
                results.close().await;
                return Err(error);
            }
        };
        let places = i64::try_from(config.concurrency()).unwrap_or(i64::MAX);
        metrics.capacity.set(places);
        metrics.expect(self.handlers.names());
        let worker_id = results.worker_id.clone();
        let dispatcher = Arc::new(Dispatcher {
            handlers: self.handlers,
            results,
            events: events.clone(),
            metrics,
            running: TaskTracker::new(),
            draining,
            cutting: CancellationToken::new(),
            cut: std::sync::Mutex::default(),
            over: CancellationToken::new(),
        });
        let dispatching = tokio::spawn(dispatcher.clone().run(steps));
        tracing::info!(worker_id, namespaces = ?intake.namespaces, handlers = dispatcher.handlers.names().len(), "tasker worker started");
        let data = json!({"worker_id": worker_id, "namespaces": intake.namespaces});
        events.emit(EventKind::WorkerStarted, None, data);
        Ok(TaskerWorker {
            intake,
            dispatching,
            dispatcher,
            client,
            drain_timeout: self.drain_timeout.unwrap_or(DRAIN_TIMEOUT),
        })
    }
}

/// Domain events go where all events go.
/// Whether templates and handlers fit; what does no harm is logged.
fn compare(templates: &[(PathBuf, TaskTemplate)], handlers: &Handlers) -> Result<(), Error> {
    for handler in templates::check(templates, handlers)? {
        tracing::warn!(
            handler,
            "no task template uses this handler, so nothing calls it until a step names it as its callable"
        );
    }
    for (file, steps) in templates::without_timeout(templates) {
        tracing::warn!(
            file = %file.display(),
            steps,
            "steps without timeout_seconds: nothing ends a handler that hangs, and recovery waits 25 minutes for a lost answer; \
             add `timeout_seconds: 60`, or what the slowest run may take"
        );
    }
    Ok(())
}

fn forward_to(events: &Events) -> OnDomainEvent {
    let events = events.clone();
    Arc::new(move |event| {
        let origin = Origin {
            task_id: event.metadata.task_uuid,
            step: event.metadata.step_name,
            step_id: event.metadata.step_uuid,
        };
        let data = json!({"event_name": event.event_name, "event_version": event.event_version, "payload": event.payload.payload});
        events.emit_from(EventKind::DomainEvent, Some(origin), data);
    })
}

/// What became of the steps when a worker stopped.
///
/// ```no_run
/// # async fn run(worker: tasker_contrib_axum::TaskerWorker) {
/// let stopped = worker.stop().await;
/// for step in &stopped.cut {
///     eprintln!("{step} was interrupted and will be retried");
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// Steps that were interrupted by the drain's timeout. They are retried.
    pub cut: Vec<String>,
    /// How many steps were on their way to this worker and had not started. Other workers take them, with all their attempts.
    pub returned: usize,
}

/// A running worker.
///
/// ```no_run
/// # use tasker_contrib_axum::{Handlers, Input, StepError, TaskerWorker};
/// async fn greet(Input(name): Input<String>) -> Result<String, StepError> {
///     Ok(format!("Hello {name}"))
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let worker = TaskerWorker::builder()
///     .handlers(Handlers::new().add("hello.greet", greet))
///     .build()
///     .await?;
/// let app = axum::Router::new().merge(worker.router());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// worker.serve(listener, app, tasker_contrib_axum::shutdown_signal()).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a worker that is dropped loses the steps it has claimed; stop it"]
pub struct TaskerWorker {
    intake: Intake,
    dispatching: JoinHandle<()>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) client: TaskerClient,
    drain_timeout: Duration,
}

impl TaskerWorker {
    /// Starts here.
    #[must_use]
    pub fn builder() -> TaskerWorkerBuilder {
        TaskerWorkerBuilder::default()
    }

    /// The namespaces whose steps it executes.
    pub fn namespaces(&self) -> &[String] {
        &self.intake.namespaces
    }

    /// A client of the server that this worker works for, with the worker's settings and metrics; for the application's state.
    ///
    /// ```no_run
    /// # async fn run(worker: tasker_contrib_axum::TaskerWorker) {
    /// use axum::Router;
    /// use tasker_contrib_axum::task_routes;
    ///
    /// let app = Router::new()
    ///     .nest("/tasker", task_routes())
    ///     .with_state(worker.client())
    ///     .merge(worker.router());
    /// # let _: Router = app;
    /// # }
    /// ```
    #[must_use]
    pub fn client(&self) -> TaskerClient {
        self.client.clone()
    }

    /// All events from now on. A receiver that is too slow gets [`broadcast::error::RecvError::Lagged`].
    pub fn events(&self) -> broadcast::Receiver<TaskerEvent> {
        self.dispatcher.events.subscribe()
    }

    /// Metrics of the worker in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.dispatcher.metrics.text()
    }

    /// Executes steps until the token is cancelled, then stops.
    pub async fn run_until(self, shutdown: CancellationToken) -> Stopped {
        shutdown.cancelled().await;
        self.stop().await
    }

    /// Serves an application and executes steps until `shutdown` is ready. Then readiness turns false, event streams end, and no step is
    /// claimed any more; open requests and running steps are finished side by side, within the drain timeout; and Core is stopped. Requests that
    /// take longer are abandoned: a stream without an end, for example.
    ///
    /// # Errors
    ///
    /// When the server fails; the worker is stopped in that case, too.
    pub async fn serve(
        self,
        listener: TcpListener,
        app: axum::Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<Stopped> {
        let draining = self.dispatcher.draining.clone();
        let served = axum::serve(listener, app)
            .with_graceful_shutdown(draining.cancelled_owned())
            .into_future();
        let mut served = std::pin::pin!(served);
        tokio::select! {
            ended = &mut served => {
                let stopped = self.stop().await;
                return ended.map(|()| stopped);
            }
            () = shutdown => self.dispatcher.drain(),
        }
        let served = tokio::time::timeout(self.drain_timeout, served);
        let (served, stopped) = tokio::join!(served, self.stop());
        match served {
            Ok(ended) => ended.map(|()| stopped),
            Err(_) => {
                tracing::warn!(
                    "requests were still open at the end of the drain timeout; they are abandoned"
                );
                Ok(stopped)
            }
        }
    }

    /// Claims nothing more, lets running steps end, interrupts what takes longer than the drain timeout, and takes Core down with its
    /// tasks, threads and connections. Interrupted steps are retried, those that had not begun are left to others.
    pub async fn stop(self) -> Stopped {
        let Self {
            intake,
            mut dispatching,
            dispatcher,
            drain_timeout,
            ..
        } = self;
        dispatcher.drain();
        let timeout = drain_timeout.as_secs_f64();
        let data = json!({"in_flight": dispatcher.running.len(), "timeout": timeout});
        dispatcher
            .events
            .emit(EventKind::WorkerDraining, None, data);
        tracing::info!(
            in_flight = dispatcher.running.len(),
            timeout,
            "tasker worker is draining"
        );
        let drain = async {
            // What was claimed last is counted among the running before they are waited for.
            let ended = tokio::time::timeout(drain_timeout, async {
                let _ = (&mut dispatching).await;
                dispatcher.running.close();
                dispatcher.running.wait().await;
            });
            if ended.await.is_err() {
                dispatcher.cutting.cancel();
                // A claim under way ends with a step that has to be answered before the connections close.
                if !dispatching.is_finished() {
                    let _ = dispatching.await;
                }
                dispatcher.running.close();
                dispatcher.running.wait().await;
            }
        };
        let (returned, ()) = tokio::join!(intake.stop(), drain);
        dispatcher.results.close().await;
        dispatcher.metrics.capacity.set(0);
        let cut = std::mem::take(
            &mut *dispatcher
                .cut
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        let data = json!({"cut": cut, "returned": returned});
        dispatcher.events.emit(EventKind::WorkerStopped, None, data);
        tracing::info!(?cut, returned, "tasker worker stopped");
        Stopped { cut, returned }
    }
}

impl std::fmt::Debug for TaskerWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskerWorker")
            .field("worker_id", &self.dispatcher.results.worker_id)
            .field("namespaces", &self.intake.namespaces)
            .field("running", &self.dispatcher.running.len())
            .finish_non_exhaustive()
    }
}

/// Ready when the process gets SIGTERM or SIGINT (Ctrl-C).
///
/// ```no_run
/// # async fn run() {
/// tasker_contrib_axum::shutdown_signal().await;
/// # }
/// ```
pub async fn shutdown_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{signal, SignalKind};
        let mut terminate = signal(SignalKind::terminate()).expect("a handler for SIGTERM");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
