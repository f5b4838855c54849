//! The outbox on a real PostgreSQL, with the real server.

#[path = "../../guides/orders.rs"]
mod guide;
mod handler;
mod kills;
mod proxy;
mod relay;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use sqlx::postgres::PgPoolOptions;
use sqlx::PgPool;
use tasker_contrib_axum::outbox::{Enqueued, Outbox, Relay, Stats};
use tasker_contrib_axum::{NewTask, TaskerClient};
use uuid::Uuid;

use crate::stack::Stack;

const PATIENCE: Duration = Duration::from_secs(60);

const REGISTER: &str = "
with space as (
    insert into tasker.task_namespaces (name, created_at, updated_at) values ($1, now(), now())
    returning task_namespace_uuid)
insert into tasker.named_tasks (task_namespace_uuid, name, version, configuration, created_at, updated_at)
select task_namespace_uuid, 'ship', '1.0.0', $2, now(), now() from space";

const TASKS: &str = "
select t.correlation_id, t.context from tasker.tasks t
join tasker.named_tasks using (named_task_uuid)
join tasker.task_namespaces s using (task_namespace_uuid)
where s.name = $1 order by t.task_uuid";

/// One server for all tests of this module. It ends with this process.
fn stack() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(Stack::start)
}

/// A template that the server knows, and an outbox in its database.
struct Bed {
    db: PgPool,
    outbox: Outbox,
    namespace: String,
}

impl Bed {
    async fn new() -> Self {
        let name = format!("outbox_{}", &Uuid::new_v4().simple().to_string()[..8]);
        Self::of(name.clone(), Outbox::with_table(name).unwrap()).await
    }

    async fn of(namespace: String, outbox: Outbox) -> Self {
        let db = pool(&stack().database_url).await;
        let template = json!({
            "name": "ship", "namespace_name": namespace, "version": "1.0.0",
            "steps": [{"name": "pack", "handler": {"callable": "outbox.pack"}}],
        });
        let registered = sqlx::query(REGISTER).bind(&namespace).bind(template);
        registered.execute(&db).await.unwrap();
        let queue = sqlx::query("select pgmq.create($1)").bind(format!("worker_{namespace}_queue"));
        queue.execute(&db).await.unwrap();
        sqlx::raw_sql(&outbox.ddl()).execute(&db).await.unwrap();
        Self {
            db,
            outbox,
            namespace,
        }
    }

    fn task(&self, context: Value) -> NewTask {
        NewTask::new(&self.namespace, "ship", context)
    }

    /// In a transaction of its own.
    async fn enqueue(&self, context: Value) -> Enqueued {
        let mut connection = self.db.acquire().await.unwrap();
        let task = self.task(context);
        self.outbox.enqueue(&mut connection, task).await.unwrap()
    }

    async fn enqueue_in_order(&self, key: &str, context: Value) -> Enqueued {
        let mut connection = self.db.acquire().await.unwrap();
        let task = self.task(context);
        let written = self.outbox.enqueue_in_order(&mut connection, key, task);
        written.await.unwrap()
    }

    async fn relay(&self) -> Relay {
        self.relay_to(&stack().url, self.db.clone()).await
    }

    async fn relay_to(&self, url: &str, db: PgPool) -> Relay {
        let client = TaskerClient::new(url).unwrap();
        let relay = Relay::new(self.outbox.clone(), db, client).await.unwrap();
        relay.poll_every(Duration::from_millis(20))
    }

    async fn stats(&self) -> Stats {
        self.outbox.stats(&self.db).await.unwrap()
    }

    async fn is_empty(&self) -> bool {
        let Stats { open, dead, .. } = self.stats().await;
        open + dead == 0
    }

    /// Rows that wait for a time do not.
    async fn make_due(&self) {
        let table = self.outbox.table();
        let sql = format!("update {table} set not_before = now() where dead_at is null");
        sqlx::query(&sql).execute(&self.db).await.unwrap();
    }

    /// Relays until nothing is open. Now and then the server answers 500 for a task that it stored.
    async fn drain(&self) {
        let relay = self.relay().await;
        until("nothing is open", async || {
            relay.relay_due().await.unwrap();
            self.make_due().await;
            self.stats().await.open == 0
        })
        .await;
    }

    /// Correlation id and context of the tasks on the server, in the order of their creation.
    async fn tasks(&self) -> Vec<(Uuid, Value)> {
        let tasks = sqlx::query_as(TASKS).bind(&self.namespace);
        tasks.fetch_all(&self.db).await.unwrap()
    }

    async fn contexts(&self) -> Vec<Value> {
        let tasks = self.tasks().await.into_iter();
        tasks.map(|(_, context)| context).collect()
    }

    /// Each of these rows has become one task, and there are no others.
    async fn assert_each_once(&self, written: BTreeMap<Uuid, Value>) {
        let tasks = self.tasks().await;
        assert_eq!(tasks.len(), written.len(), "{tasks:?}");
        assert_eq!(tasks.into_iter().collect::<BTreeMap<_, _>>(), written);
        assert!(self.is_empty().await);
    }
}

/// A few connections, which are not waited for as long as a service would.
async fn pool(url: &str) -> PgPool {
    let options = PgPoolOptions::new()
        .max_connections(5)
        .acquire_timeout(Duration::from_secs(10));
    options.connect(url).await.unwrap()
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
