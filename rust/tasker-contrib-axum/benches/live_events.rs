//! One event to 1,000 clients over HTTP, beside the plainest stream that Axum can make:
//! `cargo bench --package tasker-contrib-axum --bench live_events`.
// The function that criterion_group! makes has no documentation.
#![allow(missing_docs)]

mod ratio;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use axum::Router;
use criterion::{criterion_group, Criterion};
use futures_util::stream::{self, Stream};
use serde_json::json;
use tasker_contrib_axum::testing::LiveEvents;
use tasker_contrib_axum::EventKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, Notify};
use uuid::Uuid;

const CLIENTS: usize = 1000;

/// Clients that count the events that they got.
struct Crowd {
    got: Arc<AtomicUsize>,
    all: Arc<Notify>,
}

impl Crowd {
    async fn gather(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        let crowd = Self {
            got: Arc::default(),
            all: Arc::default(),
        };
        for _ in 0..CLIENTS {
            let mut socket = TcpStream::connect(address).await.expect("a connection");
            let request = b"GET /tasker/events HTTP/1.1\r\nhost: x\r\n\r\n";
            socket.write_all(request).await.expect("sent");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.expect("an answer"));
            }
            let (got, all) = (crowd.got.clone(), crowd.all.clone());
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = socket.read(&mut buffer).await {
                    let events = buffer[..count]
                        .windows(2)
                        .filter(|two| two == b"\n\n")
                        .count();
                    let before = got.fetch_add(events, Ordering::SeqCst);
                    if before / CLIENTS != (before + events) / CLIENTS {
                        all.notify_one();
                    }
                }
            });
        }
        crowd
    }

    /// Sends one event and waits until everybody has it.
    async fn tell(&self, send: impl Fn()) {
        send();
        self.all.notified().await;
    }
}

async fn plain(
    State(sender): State<broadcast::Sender<Arc<str>>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::unfold(sender.subscribe(), |mut receiver| async {
        let text = receiver.recv().await.ok()?;
        let event = Event::default()
            .id("1")
            .event("step_started")
            .data(text.as_ref());
        Some((Ok(event), receiver))
    }))
}

fn fan_out(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("live_events");
    group.sample_size(20);
    let data = || json!({"handler": "shop.charge", "attempt": 1});

    let live = LiveEvents::new(1024);
    let crowd = runtime.block_on(Crowd::gather(live.router()));
    group.bench_function("ours", |bench| {
        let send = || live.emit(EventKind::StepStarted, Uuid::nil(), "charge", data());
        bench.to_async(&runtime).iter(|| crowd.tell(send));
    });

    let sender = broadcast::Sender::<Arc<str>>::new(1024);
    let app = Router::new()
        .route("/tasker/events", get(plain))
        .with_state(sender.clone());
    let crowd = runtime.block_on(Crowd::gather(app));
    let text: Arc<str> = json!({"id": 1, "kind": "step_started", "task_id": Uuid::nil(), "step": "charge", "data": data()})
        .to_string()
        .into();
    group.bench_function("plain", |bench| {
        let send = || {
            let _ = sender.send(text.clone());
        };
        bench.to_async(&runtime).iter(|| crowd.tell(send));
    });
    group.finish();
}

criterion_group!(benches, fan_out);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    let (ours, plain) = (
        ratio::mean("live_events", "ours"),
        ratio::mean("live_events", "plain"),
    );
    println!(
        "\nlive events: one to {CLIENTS} clients in {:.2} ms, {:.2} times a plain Axum stream of ready text ({:.2} ms)",
        ours / 1e6,
        ours / plain,
        plain / 1e6
    );
}
