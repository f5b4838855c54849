//! Claims steps: reads messages from the queues and has Core's worker claim what they name.
//!
//! Core's own delivery does not fit a service that others stand beside: its notifications carry a step to every worker of a namespace, so two
//! may run it; its poller reads ten messages each half a second at most, claims steps long before there is a place for them, loses those
//! that its channel has no room for, and cannot be stopped, so that a dying worker goes on to hide messages. Here a message is read when
//! there is a place, by one worker; a notification only says that looking is worth while; and what is not claimed when the drain
//! starts is given back at once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::{PgListener, PgPool};
use tasker_shared::messaging::service::{
    MessageHandle, MessageMetadata, MessagingProvider, QueuedMessage,
};
use tasker_shared::system_context::SystemContext;
use tasker_shared::types::TaskSequenceStep;
use tasker_worker::worker::{WorkerCommand, WorkerCommandSender};
use tokio::sync::{mpsc, oneshot, Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::core::failed;
use crate::Error;

/// How often the queues are looked at when nothing is known to be there.
const POLL: Duration = Duration::from_millis(500);
/// Messages of one look; claims are made one after the other, and a read message is hidden from other workers.
const BATCH: usize = 10;
const PGMQ: &str = "pgmq";

/// What bounds claiming.
pub(crate) struct Limits {
    /// One for each step that may run at the same time.
    pub(crate) places: Arc<Semaphore>,
    /// Nothing more is claimed.
    pub(crate) draining: CancellationToken,
    /// Notifications of the database wake the reader up; without them it polls.
    pub(crate) listens: bool,
    /// How long a message that was read is hidden from other workers.
    pub(crate) hidden: Duration,
}

/// A step that this worker has to execute.
pub(crate) struct Claimed {
    pub(crate) step: TaskSequenceStep,
    pub(crate) place: OwnedSemaphorePermit,
}

/// Reads and claims until the drain starts.
pub(crate) struct Claimer {
    provider: Arc<MessagingProvider>,
    /// Of PGMQ, when that carries the messages.
    pgmq: Option<PgPool>,
    commands: WorkerCommandSender,
    queues: Vec<String>,
    limits: Limits,
    wake: Arc<Notify>,
    listening: Option<JoinHandle<()>>,
}

impl Claimer {
    pub(crate) async fn new(
        context: &SystemContext,
        commands: WorkerCommandSender,
        namespaces: &[String],
        limits: Limits,
    ) -> Result<Self, Error> {
        let client = context.message_client();
        let queues = namespaces
            .iter()
            .map(|namespace| client.router().step_queue(namespace))
            .collect::<Result<_, _>>()
            .map_err(|error| failed("queues", error))?;
        let provider = context.messaging_provider().clone();
        let wake = Arc::new(Notify::new());
        let pgmq = (provider.provider_name() == PGMQ).then(|| context.pgmq_pool().clone());
        let listening = match &pgmq {
            Some(pool) if limits.listens => {
                let listener = listener(pool, namespaces).await;
                let listener = listener.map_err(|error| failed("notifications", error))?;
                Some(tokio::spawn(listen(listener, wake.clone())))
            }
            _ => None,
        };
        Ok(Self {
            provider,
            pgmq,
            commands,
            queues,
            limits,
            wake,
            listening,
        })
    }

    /// Ends when the drain starts, and says how many messages were given back. (Core does not export the type of its own messages.)
    pub(crate) async fn run<M>(
        mut self,
        mut claimed: mpsc::Receiver<M>,
        content: impl Fn(M) -> TaskSequenceStep,
        steps: mpsc::UnboundedSender<Claimed>,
    ) -> usize {
        let mut returned = 0;
        let draining = self.limits.draining.clone();
        loop {
            let place = tokio::select! {
                biased;
                () = draining.cancelled() => break,
                place = self.limits.places.clone().acquire_owned() => place.expect("never closed"),
            };
            // Reading is not interrupted: what was read would stay hidden.
            let messages = self.read().await;
            if messages.is_empty() {
                drop(place);
                tokio::select! {
                    biased;
                    () = draining.cancelled() => break,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
                continue;
            }
            let mut place = Some(place);
            for message in messages {
                if draining.is_cancelled() {
                    self.give_back(&message).await;
                    returned += 1;
                    continue;
                }
                let free = || self.limits.places.clone().try_acquire_owned().ok();
                let Some(place) = place.take().or_else(free) else {
                    self.give_back(&message).await;
                    continue;
                };
                self.claim(message).await;
                // Core puts a claimed step here before it answers; another worker or a cancelled task leaves nothing.
                if let Ok(message) = claimed.try_recv() {
                    let step = content(message);
                    if steps.send(Claimed { step, place }).is_err() {
                        break;
                    }
                }
            }
        }
        if let Some(listening) = self.listening.take() {
            listening.abort();
            let _ = listening.await;
        }
        returned
    }

    /// As many messages as there are places, from all queues; the next look begins at another one.
    async fn read(&mut self) -> Vec<QueuedMessage<Value>> {
        // The caller holds one already.
        let mut free = BATCH.min(self.limits.places.available_permits() + 1);
        let mut messages = Vec::new();
        for queue in &self.queues {
            if free == 0 {
                break;
            }
            match self.read_queue(queue, free).await {
                Ok(read) => {
                    free = free.saturating_sub(read.len());
                    messages.extend(read);
                }
                Err(error) => tracing::warn!(%error, queue, "a queue cannot be read"),
            }
        }
        if !self.queues.is_empty() {
            self.queues.rotate_left(1);
        }
        messages
    }

    /// Core's client waits for five seconds in an empty queue, and nothing can interrupt that; PGMQ itself answers at once.
    async fn read_queue(
        &self,
        queue: &str,
        count: usize,
    ) -> Result<Vec<QueuedMessage<Value>>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(pool) = &self.pgmq else {
            let read = self
                .provider
                .receive_messages(queue, count, self.limits.hidden)
                .await?;
            return Ok(read);
        };
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT msg_id, message::text FROM pgmq.read($1, $2, $3)")
                .bind(queue)
                .bind(i32::try_from(self.limits.hidden.as_secs())?)
                .bind(i32::try_from(count)?)
                .fetch_all(pool)
                .await?;
        let messages = rows.into_iter().map(|(msg_id, message)| {
            let handle = MessageHandle::Pgmq {
                msg_id,
                queue_name: queue.to_owned(),
            };
            let message = serde_json::from_str(&message)?;
            let metadata = MessageMetadata::default_now();
            Ok(QueuedMessage::with_handle(message, handle, metadata))
        });
        messages.collect()
    }

    async fn claim(&self, message: QueuedMessage<Value>) {
        let (resp, answer) = oneshot::channel();
        let command = WorkerCommand::ExecuteStepFromMessage { message, resp };
        if self.commands.send(command).await.is_err() {
            tracing::error!("Tasker Core's worker is gone; nothing can be claimed");
            return;
        }
        match answer.await {
            Ok(Ok(())) => {}
            // The message comes back when it is visible again.
            Ok(Err(error)) => tracing::warn!(%error, "a step could not be claimed"),
            Err(_) => tracing::error!("Tasker Core's worker did not answer"),
        }
    }

    async fn give_back(&self, message: &QueuedMessage<Value>) {
        let queue = message.handle.queue_name();
        let receipt = message.handle.as_receipt_handle();
        if let Err(error) = self.provider.nack_message(queue, &receipt, true).await {
            tracing::warn!(%error, queue, "a message could not be given back; it is visible again in a while");
        }
    }
}

async fn listener(pool: &PgPool, namespaces: &[String]) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect_with(pool).await?;
    for namespace in namespaces {
        let channel = format!("pgmq_message_ready.{namespace}");
        listener.listen(&channel).await?;
    }
    Ok(listener)
}

/// A lost connection is made again by the listener; polling goes on meanwhile.
async fn listen(mut listener: PgListener, wake: Arc<Notify>) {
    loop {
        match listener.recv().await {
            Ok(_) => wake.notify_one(),
            Err(error) => {
                tracing::warn!(%error, "the database's notifications are lost; steps come by polling meanwhile");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}
