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
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
            .map_err(|error| Error::core("queues", error))?;
        let provider = context.messaging_provider().clone();
        let wake = Arc::new(Notify::new());
        let pgmq = (provider.provider_name() == PGMQ).then(|| context.pgmq_pool().clone());
        let listening = match &pgmq {
            Some(pool) if limits.listens => {
                let listener = listener(pool, namespaces).await;
                let listener = listener.map_err(|error| Error::core("notifications", error))?;
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

    /// Ends when the drain starts, or when nothing can be claimed or executed any more, and says how many messages were given back. (Core does
    /// not export the type of its own messages.)
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
            let began = Instant::now();
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
            let mut over = false;
            for message in messages {
                // Another worker has it soon, or already: claiming it as well could run it twice, and giving it back would show it to a third one.
                let late = began.elapsed() > self.limits.hidden / 2;
                if over || draining.is_cancelled() {
                    if !late {
                        self.give_back(&message).await;
                        returned += 1;
                    }
                    continue;
                }
                if late {
                    continue;
                }
                let free = || self.limits.places.clone().try_acquire_owned().ok();
                let Some(place) = place.take().or_else(free) else {
                    self.give_back(&message).await;
                    continue;
                };
                if let Err(message) = self.claim(message).await {
                    self.give_back(&message).await;
                    returned += 1;
                    over = true;
                    continue;
                }
                // Core puts a claimed step here before it answers; another worker or a cancelled task leaves nothing.
                if let Ok(message) = claimed.try_recv() {
                    let step = content(message);
                    if let Err(lost) = steps.send(Claimed { step, place }) {
                        let step = lost.0.step.workflow_step.workflow_step_uuid;
                        tracing::error!(step_id = %step, "nothing executes steps any more; one was claimed already");
                        over = true;
                    }
                }
            }
            if over {
                break;
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

    /// The message comes back when Core's worker is gone.
    async fn claim(&self, message: QueuedMessage<Value>) -> Result<(), Box<QueuedMessage<Value>>> {
        let (resp, answer) = oneshot::channel();
        let command = WorkerCommand::ExecuteStepFromMessage { message, resp };
        if let Err(refused) = self.commands.send(command).await {
            tracing::error!("Tasker Core's worker is gone; nothing can be claimed");
            return match refused.0 {
                WorkerCommand::ExecuteStepFromMessage { message, .. } => Err(Box::new(message)),
                _ => Ok(()),
            };
        }
        match answer.await {
            Ok(Ok(())) => {}
            // The message comes back when it is visible again.
            Ok(Err(error)) => tracing::warn!(%error, "a step could not be claimed"),
            Err(_) => tracing::error!("Tasker Core's worker did not answer"),
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::{json, Value};
    use tasker_shared::messaging::service::MessagingProvider;
    use tasker_shared::types::TaskSequenceStep;
    use tasker_worker::worker::WorkerCommand;
    use tokio::sync::{mpsc, Notify, Semaphore};
    use tokio::task::JoinHandle;
    use tokio_util::sync::CancellationToken;

    use super::{Claimed, Claimer, Limits};

    const QUEUE: &str = "worker_shop_queue";
    const HIDDEN: Duration = Duration::from_secs(30);
    const BRIEFLY: Duration = Duration::from_secs(4);

    /// A claimer between three messages and whoever plays Core's worker.
    struct Intake {
        provider: Arc<MessagingProvider>,
        draining: CancellationToken,
        commands: mpsc::Receiver<WorkerCommand>,
        core: mpsc::Sender<TaskSequenceStep>,
        steps: mpsc::UnboundedReceiver<Claimed>,
        claiming: JoinHandle<usize>,
    }

    impl Intake {
        async fn start(hidden: Duration) -> Self {
            let provider = Arc::new(MessagingProvider::new_in_memory());
            provider.ensure_queue(QUEUE).await.unwrap();
            for number in 0..3 {
                let message = json!({"number": number});
                provider.send_message(QUEUE, &message).await.unwrap();
            }
            let draining = CancellationToken::new();
            let (sender, commands) = mpsc::channel(1);
            let claimer = Claimer {
                provider: provider.clone(),
                pgmq: None,
                commands: sender.into(),
                queues: vec![QUEUE.to_owned()],
                limits: Limits {
                    places: Arc::new(Semaphore::new(5)),
                    draining: draining.clone(),
                    listens: false,
                    hidden,
                },
                wake: Arc::new(Notify::new()),
                listening: None,
            };
            let (core, claimed) = mpsc::channel(10);
            let (sender, steps) = mpsc::unbounded_channel();
            let claiming = tokio::spawn(claimer.run(claimed, |step| step, sender));
            Self {
                provider,
                draining,
                commands,
                core,
                steps,
                claiming,
            }
        }

        /// Claims what is asked for next, after something else has happened.
        async fn claim_after<T>(&mut self, something: impl std::future::Future<Output = T>) {
            let Some(WorkerCommand::ExecuteStepFromMessage { resp, .. }) =
                self.commands.recv().await
            else {
                panic!("something else than a claim");
            };
            something.await;
            let step = crate::testing::step("shop.charge").build();
            self.core.send(step.core().clone()).await.unwrap();
            resp.send(Ok(())).unwrap();
        }

        /// How many messages another worker would get at this moment.
        async fn left(provider: &MessagingProvider) -> usize {
            let left = provider.receive_messages::<Value>(QUEUE, 10, HIDDEN).await;
            left.unwrap().len()
        }
    }

    #[tokio::test]
    async fn what_is_not_claimed_when_the_drain_starts_is_given_back() {
        let mut intake = Intake::start(HIDDEN).await;
        let draining = intake.draining.clone();
        intake.claim_after(async { draining.cancel() }).await;
        assert_eq!(intake.claiming.await.unwrap(), 2);
        assert!(
            intake.steps.recv().await.is_some(),
            "the claimed one is executed"
        );
        assert!(intake.steps.recv().await.is_none());
        assert_eq!(Intake::left(&intake.provider).await, 2);
    }

    #[tokio::test]
    async fn what_others_may_see_by_now_is_neither_claimed_nor_given_back() {
        let mut intake = Intake::start(BRIEFLY).await;
        // Core's worker is slow.
        let slow = tokio::time::sleep(BRIEFLY / 2);
        intake.claim_after(slow).await;
        assert!(intake.steps.recv().await.is_some());
        intake.draining.cancel();
        assert_eq!(intake.claiming.await.unwrap(), 0);
        assert!(intake.commands.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_core_that_is_gone_ends_claiming_and_keeps_no_message() {
        let intake = Intake::start(HIDDEN).await;
        drop(intake.commands);
        assert_eq!(intake.claiming.await.unwrap(), 3);
        assert_eq!(Intake::left(&intake.provider).await, 3);
    }

    #[tokio::test]
    async fn nothing_is_claimed_for_a_dispatcher_that_is_gone() {
        let mut intake = Intake::start(HIDDEN).await;
        intake.steps.close();
        intake.claim_after(async {}).await;
        assert_eq!(intake.claiming.await.unwrap(), 2);
        assert_eq!(Intake::left(&intake.provider).await, 2);
    }
}
