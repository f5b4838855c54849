//! Tasker Core inside this process: what claims steps, and what answers for them.
//!
//! Core's parts that claim live on a runtime of their own, which is shut down: whatever they start ends with it. Results go through a
//! second, small context on the application's runtime: they can be sent while nothing is claimed any more, and each sending is awaited.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tasker_shared::config::tasker::TaskerConfig as CoreConfig;
use tasker_shared::config::ConfigManager;
use tasker_shared::event_system::DeploymentMode;
use tasker_shared::events::domain_events::{DomainEvent, DomainEventPublisher};
use tasker_shared::events::registry::EventHandler;
use tasker_shared::messaging::message::StepMessage;
use tasker_shared::messaging::StepExecutionResult;
use tasker_shared::system_context::SystemContext;
use tasker_shared::types::TaskSequenceStep;
use tasker_worker::worker::handlers::{DomainEventCallback, PostHandlerCallback};
use tasker_worker::worker::services::{CheckpointService, FFICompletionService};
use tasker_worker::worker::{
    EventRouter, InProcessEventBus, InProcessEventBusConfig, StepEventPublisherRegistry, WorkerCore,
};
use tasker_worker::WorkerBootstrapConfig;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, RwLock};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::intake::{Claimed, Claimer, Limits};
use crate::Error;

const CORE_THREADS: usize = 2;
/// Core's own delivery is switched off, see [`crate::intake`].
const DELIVERY: DeploymentMode = DeploymentMode::Disabled;
/// Core waits so long for domain events that come by its own dispatcher, which this package does not use. It is the least that it accepts.
const EVENT_DRAIN_MS: u32 = 100;
/// Core's own stop waits up to this long for its command processor.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
const RESULT_POOL: u32 = 5;

/// What claims steps.
pub(crate) struct Intake {
    runtime: Background,
    core: WorkerCore,
    context: Arc<SystemContext>,
    claiming: JoinHandle<usize>,
    pub(crate) namespaces: Vec<String>,
}

/// A runtime may not be dropped where others run, and a future that starts or stops one may be dropped at any time: it ends in the background.
struct Background(Option<Runtime>);

impl Background {
    fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(CORE_THREADS)
            .thread_name("tasker-core")
            .enable_all()
            .build();
        runtime.map(|runtime| Self(Some(runtime)))
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.as_ref().expect("taken by the end only").spawn(task)
    }

    /// Waits until its threads are gone.
    async fn end(mut self) {
        let Some(runtime) = self.0.take() else { return };
        let shut = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(STOP_PATIENCE));
        if let Err(error) = shut.await {
            tracing::warn!(%error, "the runtime of Tasker Core did not shut down");
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What answers for steps.
pub(crate) struct Results {
    pub(crate) worker_id: String,
    context: Arc<SystemContext>,
    completion: FFICompletionService,
    domain_events: DomainEventCallback,
}

/// Why a result is not with the server.
pub(crate) enum NotSent {
    /// Another try may work.
    Yet(String),
    /// The database answers, and does not take this one.
    Refused(String),
    /// The step is in a state that takes no result: somebody cancelled or resolved it.
    Unwanted(String),
}

/// What happened to domain events of this process's steps.
pub(crate) type OnDomainEvent = Arc<dyn Fn(DomainEvent) + Send + Sync>;

async fn context(config: CoreConfig) -> Result<Arc<SystemContext>, Error> {
    let environment = config.common.execution.environment.clone();
    let manager = Arc::new(ConfigManager::from_tasker_config(config, environment));
    let context = SystemContext::from_config(manager).await;
    context
        .map(Arc::new)
        .map_err(|error| Error::core("database or queues", error))
}

impl Intake {
    /// Starts claiming. Steps come through the receiver, each with its place among those that may run at the same time.
    pub(crate) async fn start(
        mut config: CoreConfig,
        limits: Limits,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Claimed>), Error> {
        let runtime = Background::start().map_err(|error| Error::core("runtime", error))?;
        if let Some(worker) = &mut config.worker {
            worker.event_systems.worker.deployment_mode = DELIVERY;
            worker.mpsc_channels.domain_events.shutdown_drain_timeout_ms = EVENT_DRAIN_MS;
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let started = runtime.spawn(async move {
            let context = context(config).await?;
            let client = WorkerBootstrapConfig::from(context.tasker_config.as_ref())
                .orchestration_api_config;
            let (mut core, handles) = WorkerCore::new(context.clone(), client)
                .await
                .map_err(|error| Error::core("worker", error))?;
            core.start()
                .await
                .map_err(|error| Error::core("worker", error))?;
            let namespaces = core.supported_namespaces().await;
            let commands = core.command_sender().clone();
            let claimer = Claimer::new(&context, commands, &namespaces, limits).await?;
            let claiming = tokio::spawn(claimer.run(
                handles.dispatch_receiver,
                |message| message.task_sequence_step,
                sender,
            ));
            Ok((core, context, namespaces, claiming))
        });
        match started.await {
            Ok(Ok((core, context, namespaces, claiming))) => Ok((
                Self {
                    runtime,
                    core,
                    context,
                    claiming,
                    namespaces,
                },
                receiver,
            )),
            Ok(Err(error)) => Err(error),
            Err(panic) => Err(Error::core("it panicked", panic)),
        }
    }

    /// Takes everything down that Core started: tasks, connections, threads. Claiming has been told to end by its limits; how many messages it
    /// gave back is returned.
    pub(crate) async fn stop(self) -> usize {
        let Self {
            runtime,
            mut core,
            context,
            claiming,
            ..
        } = self;
        let returned = ended(claiming).await;
        let stopping = runtime.spawn(async move {
            if let Err(error) = core.stop().await {
                tracing::warn!(%error, "Tasker Core did not stop cleanly");
            }
            drop(core);
            close(&context).await;
        });
        if tokio::time::timeout(STOP_PATIENCE, stopping).await.is_err() {
            tracing::warn!("Tasker Core did not stop in time; its runtime is shut down");
        }
        runtime.end().await;
        returned
    }
}

/// A database that answers nothing must not keep a process from its end.
async fn ended(mut claiming: JoinHandle<usize>) -> usize {
    match tokio::time::timeout(STOP_PATIENCE, &mut claiming).await {
        Ok(Ok(returned)) => returned,
        Ok(Err(error)) => {
            tracing::error!(%error, "claiming failed");
            0
        }
        Err(_) => {
            tracing::error!(
                "a claim did not end in time; its step may wait until the server notices"
            );
            claiming.abort();
            // Whoever executes steps knows by this that nothing more comes.
            let _ = claiming.await;
            0
        }
    }
}

async fn close(context: &SystemContext) {
    context.pgmq_pool().close().await;
    context.database_pool().close().await;
}

impl Results {
    pub(crate) async fn open(
        mut config: CoreConfig,
        on_event: OnDomainEvent,
    ) -> Result<Self, Error> {
        let pool = &mut config.common.database.pool;
        pool.max_connections = pool.max_connections.min(RESULT_POOL);
        pool.min_connections = pool.min_connections.min(1);
        let context = context(config).await?;
        let worker_id = format!("worker_{}", Uuid::now_v7());
        let publisher = Arc::new(DomainEventPublisher::new(context.message_client()));
        // Core's bus has the events of delivery mode fast and broadcast; durable ones are in the database.
        let mut bus = InProcessEventBus::new(InProcessEventBusConfig::default());
        let handler: EventHandler = Arc::new(move |event| {
            on_event(event);
            Box::pin(std::future::ready(Ok(())))
        });
        bus.subscribe("*", handler)
            .map_err(|error| Error::core("domain events", error))?;
        let router = EventRouter::new(publisher.clone(), Arc::new(RwLock::new(bus)));
        let registry = StepEventPublisherRegistry::with_event_router(publisher, Arc::new(router));
        Ok(Self {
            completion: FFICompletionService::new(worker_id.clone(), context.clone()),
            domain_events: DomainEventCallback::new(Arc::new(RwLock::new(registry))),
            worker_id,
            context,
        })
    }

    pub(crate) fn checkpoints(&self) -> CheckpointService {
        CheckpointService::new(self.context.database_pool().clone())
    }

    /// Returns when the result is in the database and its message in the queue.
    pub(crate) async fn send(
        &self,
        step: &TaskSequenceStep,
        result: StepExecutionResult,
    ) -> Result<(), NotSent> {
        let Err(error) = self.completion.send_step_result(result).await else {
            return Ok(());
        };
        // Core writes the result and then sends the message; when the second fails, the first cannot be repeated.
        match self.state(step).await.as_deref() {
            Ok("enqueued_for_orchestration" | "enqueued_as_error_for_orchestration") => {
                let message = StepMessage {
                    task_uuid: step.workflow_step.task_uuid,
                    step_uuid: step.workflow_step.workflow_step_uuid,
                    correlation_id: step.task.task.correlation_id,
                };
                let queues = &self.context.tasker_config.common.queues;
                let queue = &queues.orchestration_queues.step_results;
                let client = self.context.message_client();
                let sent = client.send_message(queue, &message).await;
                sent.map(|_| ())
                    .map_err(|error| NotSent::Yet(error.to_string()))
            }
            Ok("in_progress") => Err(NotSent::Refused(error.to_string())),
            Err(_) => Err(NotSent::Yet(error.to_string())),
            // An earlier try came through, and only its answer was lost.
            Ok("complete" | "error" | "waiting_for_retry") => Ok(()),
            Ok(state) => Err(NotSent::Unwanted(format!("the step is `{state}` by now"))),
        }
    }

    async fn state(&self, step: &TaskSequenceStep) -> sqlx::Result<String> {
        let query = "SELECT to_state FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1 AND most_recent";
        sqlx::query_scalar(query)
            .bind(step.workflow_step.workflow_step_uuid)
            .fetch_one(self.context.database_pool())
            .await
    }

    /// Publishes what the template's `publishes_events` asks for.
    pub(crate) async fn publish(&self, step: &TaskSequenceStep, result: &StepExecutionResult) {
        if !step.step_definition.publishes_events.is_empty() {
            self.domain_events
                .on_handler_complete(step, result, &self.worker_id)
                .await;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.context.database_pool().is_closed()
    }

    pub(crate) async fn close(&self) {
        let closed = tokio::time::timeout(STOP_PATIENCE, close(&self.context));
        if closed.await.is_err() {
            tracing::warn!("connections to the database did not close in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;
    use tokio_util::sync::CancellationToken;

    use super::Intake;
    use crate::intake::Limits;
    use crate::TaskerConfig;

    #[tokio::test]
    async fn a_start_that_is_not_waited_for_ends_without_a_panic() {
        // It takes connections and says nothing, so the start can only be waiting.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let config =
            TaskerConfig::new().set("database.url", format!("postgresql://a:b@{address}/tasker"));
        let limits = Limits {
            places: Arc::new(Semaphore::new(1)),
            draining: CancellationToken::new(),
            listens: false,
            hidden: Duration::from_secs(30),
        };
        let start = Intake::start(config.core().unwrap(), limits);
        tokio::select! {
            _ = start => panic!("nothing can have started"),
            connected = silent.accept() => drop(connected.unwrap()),
        }
    }
}
