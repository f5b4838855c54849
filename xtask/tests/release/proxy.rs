//! A proxy in front of a registry that can be told to go wrong at its n-th request that changes something.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::http::{self, Head};

/// How long a registry that limits takes nothing.
const LIMITED: Duration = Duration::from_secs(1);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks after half of the body.
    Cut,
    /// The registry takes it, and its answer is lost.
    LoseAnswer,
    /// 429, and when to come back.
    RateLimit,
    /// 500.
    Broken,
    /// Nothing goes on after half of the body, until [`Proxy::release`].
    Hold,
    /// It takes its time.
    Delay,
}

#[derive(Default)]
struct State {
    changes: usize,
    fault: Option<(usize, Fault)>,
    held: bool,
    released: bool,
    /// Until then nothing that changes something is taken.
    limited_until: Option<Instant>,
}

/// See the module documentation.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    /// In front of a port.
    pub fn new(upstream: u16) -> Self {
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let shared = Arc::clone(&state);
        let port = http::serve(move |reader| pass(reader, upstream, &shared));
        Self { port, state }
    }

    /// Starts counting again, without a fault.
    pub fn reset(&self) {
        let mut state = self.state.0.lock().unwrap();
        *state = State {
            released: true,
            ..State::default()
        };
        self.state.1.notify_all();
    }

    /// Goes wrong at the n-th request that changes something, from now on.
    pub fn arm(&self, at: usize, fault: Fault) {
        *self.state.0.lock().unwrap() = State {
            fault: Some((at, fault)),
            ..State::default()
        };
    }

    /// How many requests changed something.
    pub fn changes(&self) -> usize {
        self.state.0.lock().unwrap().changes
    }

    /// Waits until a request is held; false if none is within the time.
    pub fn wait_held(&self, limit: Duration) -> bool {
        let state = self.state.0.lock().unwrap();
        let (state, _) = self
            .state
            .1
            .wait_timeout_while(state, limit, |state| !state.held)
            .unwrap();
        state.held
    }

    /// Lets what is held go: the connection breaks.
    pub fn release(&self) {
        self.state.0.lock().unwrap().released = true;
        self.state.1.notify_all();
    }
}

fn pass(mut reader: BufReader<TcpStream>, upstream: u16, shared: &(Mutex<State>, Condvar)) {
    let Some(head) = http::head(&mut reader) else {
        return;
    };
    let fault = {
        let mut state = shared.0.lock().unwrap();
        // An empty POST is the question how long to wait.
        let empty = head.method == "POST"
            && head
                .header("content-length")
                .is_none_or(|length| length == "0")
            && head.header("transfer-encoding").is_none()
            && !head.path.contains("/blobs/uploads");
        let limited = state.limited_until.is_some_and(|end| Instant::now() < end);
        if head.is_change() && limited {
            Some(Fault::RateLimit)
        } else {
            if head.is_change() && !empty {
                state.changes += 1;
            }
            let changes = state.changes;
            let due = |at| head.is_change() && at == changes && !empty;
            let fault = state.fault.filter(|(at, _)| due(*at));
            if let Some((_, fault)) = fault {
                state.fault = None;
                if fault == Fault::RateLimit {
                    state.limited_until = Some(Instant::now() + LIMITED);
                }
            }
            fault.map(|(_, fault)| fault)
        }
    };
    let Some(body) = http::body(&mut reader, &head) else {
        return;
    };
    let mut client = reader.into_inner();
    match fault {
        Some(Fault::RateLimit) => http::answer(
            &mut client,
            "429 Too Many Requests",
            &[("Retry-After", &LIMITED.as_secs().to_string())],
            b"too many requests",
        ),
        Some(Fault::Broken) => http::answer(
            &mut client,
            "500 Internal Server Error",
            &[],
            b"out of order",
        ),
        Some(Fault::Cut) => {
            if let Some(mut server) = send(upstream, &head, &body, body.len() / 2) {
                let _ = server.shutdown(Shutdown::Both);
                let _ = server.flush();
            }
            let _ = client.shutdown(Shutdown::Both);
        }
        Some(Fault::Hold) => {
            let server = send(upstream, &head, &body, body.len() / 2);
            let mut state = shared.0.lock().unwrap();
            state.held = true;
            shared.1.notify_all();
            drop(
                shared
                    .1
                    .wait_timeout_while(state, Duration::from_secs(30), |state| !state.released)
                    .unwrap(),
            );
            drop(server);
            let _ = client.shutdown(Shutdown::Both);
        }
        Some(Fault::LoseAnswer) => {
            if let Some(mut server) = send(upstream, &head, &body, body.len()) {
                let _ = server.read_to_end(&mut Vec::new());
            }
            let _ = client.shutdown(Shutdown::Both);
        }
        Some(Fault::Delay) | None => {
            if fault.is_some() {
                std::thread::sleep(Duration::from_millis(700));
            }
            if let Some(mut server) = send(upstream, &head, &body, body.len()) {
                let _ = std::io::copy(&mut server, &mut client);
            }
            let _ = client.shutdown(Shutdown::Write);
        }
    }
}

/// Sends a request and the beginning of its body.
fn send(upstream: u16, head: &Head, body: &[u8], length: usize) -> Option<TcpStream> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).ok()?;
    // To a proxy that it knows as one, a client names the whole address.
    let path = head
        .path
        .strip_prefix("http://")
        .map_or(head.path.as_str(), |rest| {
            rest.find('/').map_or("/", |at| &rest[at..])
        });
    let mut text = format!("{} {path} HTTP/1.1\r\n", head.method);
    for (key, value) in &head.headers {
        if ![
            "connection",
            "expect",
            "transfer-encoding",
            "content-length",
        ]
        .contains(&key.to_lowercase().as_str())
        {
            text += &format!("{key}: {value}\r\n");
        }
    }
    if head.is_change() || !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text += "Connection: close\r\n\r\n";
    server.write_all(text.as_bytes()).ok()?;
    server.write_all(&body[..length]).ok()?;
    Some(server)
}
