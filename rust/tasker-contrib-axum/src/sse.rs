//! Live events over HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::Router;
use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::events::{Events, Line};

#[derive(Clone)]
struct Source {
    events: Events,
    end: CancellationToken,
}

/// `GET /tasker/events`. Streams end when the token is cancelled.
pub(crate) fn routes(events: Events, end: CancellationToken) -> Router {
    Router::new()
        .route("/tasker/events", get(stream_events))
        .with_state(Source { events, end })
}

#[derive(Deserialize)]
struct Wanted {
    task_id: Option<Uuid>,
}

async fn stream_events(
    State(Source { events, end }): State<Source>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty());
    let own = last.map(|last| events.number(last));
    let (missed, gone, receiver) = match own {
        None => (Vec::new(), 0, events.lines()),
        Some(own) => events.since(own.unwrap_or(0)),
    };
    // Of what another process told, nobody knows how much is gone.
    let notice = match own {
        Some(None) => Some(lag(None)),
        _ => (gone > 0).then(|| lag(Some(gone))),
    };
    let namer = events.clone();
    let replay = stream::iter(missed)
        .filter_map(move |event| std::future::ready(to_sse(&namer, &event, wanted.task_id)));
    let live = stream::unfold((receiver, end), move |(mut receiver, end)| {
        let events = events.clone();
        async move {
            let event = next(&events, &mut receiver, &end, wanted.task_id).await?;
            Some((event, (receiver, end)))
        }
    });
    let all = stream::iter(notice).chain(replay).chain(live).map(Ok);
    Sse::new(all).keep_alive(KeepAlive::default())
}

/// The next event for a client; none when the worker drains.
async fn next(
    events: &Events,
    receiver: &mut Receiver<Arc<Line>>,
    end: &CancellationToken,
    task: Option<Uuid>,
) -> Option<Event> {
    loop {
        let received = tokio::select! {
            biased;
            () = end.cancelled() => return None,
            received = receiver.recv() => received,
        };
        match received {
            Ok(event) => {
                if let Some(event) = to_sse(events, &event, task) {
                    return Some(event);
                }
            }
            Err(RecvError::Lagged(count)) => return Some(lag(Some(count))),
            Err(RecvError::Closed) => return None,
        }
    }
}

fn lag(count: Option<u64>) -> Event {
    Event::default()
        .event("lag")
        .data(json!({"missed": count}).to_string())
}

fn to_sse(events: &Events, line: &Line, task: Option<Uuid>) -> Option<Event> {
    let wanted = task.is_none() || line.task_id == task;
    wanted.then(|| {
        Event::default()
            .id(events.name(line.id))
            .event(line.kind.name())
            .data(&line.json)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    use super::routes;
    use crate::events::{EventKind, Events, Origin};

    struct Server {
        events: Events,
        end: CancellationToken,
        address: std::net::SocketAddr,
    }

    async fn server(keep: usize) -> Server {
        let (events, end) = (Events::new(keep), CancellationToken::new());
        let app = routes(events.clone(), end.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server {
            events,
            end,
            address,
        }
    }

    impl Server {
        fn emit(&self, task: Uuid, size: usize) {
            let origin = Origin {
                task_id: task,
                step: Some("charge".to_owned()),
                step_id: None,
            };
            let data = json!({"handler": "x".repeat(size), "attempt": 1});
            self.events
                .emit_from(EventKind::StepStarted, Some(origin), data);
        }

        /// The header of a client that got everything up to this event.
        fn last(&self, id: u64) -> String {
            format!("last-event-id: {}\r\n", self.events.name(id))
        }

        /// Opens a stream; the answer's head has been read, so the listener is there.
        async fn open(&self, query: &str, header: &str) -> Client {
            let mut socket = TcpStream::connect(self.address).await.unwrap();
            let request = format!("GET /tasker/events{query} HTTP/1.1\r\nhost: x\r\n{header}\r\n");
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut client = Client {
                socket,
                text: String::new(),
            };
            client.until("\r\n\r\n").await;
            client
        }
    }

    struct Client {
        socket: TcpStream,
        text: String,
    }

    impl Client {
        /// Reads until this is there; everything up to it is returned.
        async fn until(&mut self, wanted: &str) -> String {
            let read = async {
                let mut seen = 0;
                loop {
                    if let Some(at) = self.text[seen..].find(wanted).map(|at| seen + at) {
                        let rest = self.text.split_off(at + wanted.len());
                        return std::mem::replace(&mut self.text, rest);
                    }
                    seen = self.text.len().saturating_sub(wanted.len());
                    let mut buffer = [0; 65536];
                    let count = self.socket.read(&mut buffer).await.unwrap();
                    assert!(count > 0, "the stream ended: {}", self.text);
                    self.text
                        .push_str(&String::from_utf8_lossy(&buffer[..count]));
                }
            };
            tokio::time::timeout(Duration::from_secs(20), read)
                .await
                .expect("it comes")
        }
    }

    #[tokio::test]
    async fn events_of_one_task_have_kind_number_and_content() {
        let server = server(10).await;
        let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
        let mut client = server.open(&format!("?task_id={mine}"), "").await;
        server.emit(other, 1);
        server.emit(mine, 1);
        let text = client.until("\n\n").await;
        for part in [
            "-2\n",
            "event: step_started\n",
            &mine.to_string(),
            "\"step\":\"charge\"",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("-1\n"), "{text}");
    }

    #[tokio::test]
    async fn a_client_that_comes_back_gets_what_it_missed() {
        let server = server(10).await;
        for _ in 0..5 {
            server.emit(Uuid::nil(), 1);
        }
        let mut client = server.open("", &server.last(3)).await;
        let text = client.until("-5\n").await;
        assert!(text.contains("-4\n") && !text.contains("-3\n"), "{text}");
        assert!(!text.contains("event: lag"), "{text}");
        server.emit(Uuid::nil(), 1);
        client.until("-6\n").await;
    }

    #[tokio::test]
    async fn after_a_restart_it_gets_everything_and_is_told_that_some_may_be_gone() {
        let server = server(10).await;
        for _ in 0..3 {
            server.emit(Uuid::nil(), 1);
        }
        let other = Events::new(1);
        let last = format!("last-event-id: {}\r\n", other.name(812));
        let mut client = server.open("", &last).await;
        let text = client.until("-3\n").await;
        assert!(
            text.contains("event: lag\ndata: {\"missed\":null}"),
            "{text}"
        );
        assert!(text.contains("-1\n"), "{text}");
    }

    #[tokio::test]
    async fn it_is_told_how_many_are_gone() {
        let server = server(4).await;
        for _ in 0..10 {
            server.emit(Uuid::nil(), 1);
        }
        let mut client = server.open("", &server.last(2)).await;
        // 3 to 6 are gone, 7 to 10 are kept.
        let text = client.until("-7\n").await;
        assert!(text.contains("event: lag\ndata: {\"missed\":4}"), "{text}");
    }

    #[tokio::test]
    async fn a_drain_ends_the_stream() {
        let server = server(4).await;
        let mut client = server.open("", "").await;
        server.end.cancel();
        client.until("0\r\n\r\n").await;
    }

    fn memory_kb() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let words = line.unwrap().split_whitespace().nth(1);
        words.unwrap().parse().unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn clients_that_never_read_cost_no_memory_and_hold_nobody_up() {
        let server = server(256).await;
        let mut lazy = Vec::new();
        for _ in 0..10 {
            lazy.push(server.open("", "").await);
        }
        let mut reader = server.open("", "").await;
        for _ in 0..500 {
            server.emit(Uuid::nil(), 2000);
        }
        let before = memory_kb();
        // 20 MB for each of them, if it were kept.
        for round in 0..10 {
            for _ in 0..1000 {
                server.emit(Uuid::nil(), 2000);
            }
            reader
                .until(&format!("-{}\n", 500 + (round + 1) * 1000))
                .await;
        }
        let grown = memory_kb().saturating_sub(before);
        assert!(grown < 64 * 1024, "{grown} kB more");
        // The lazy one reads what its socket held, and is told what it missed.
        let text = lazy[0].until("event: lag").await;
        assert!(text.contains("-1\n"), "{}", &text[..200]);
    }
}
