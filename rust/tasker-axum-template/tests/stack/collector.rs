//! Stands where a collector of OpenTelemetry is, and keeps what comes.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::routing::post;
use axum::Router;
use tokio::net::TcpListener;

pub struct Collector {
    pub url: String,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    pub async fn start() -> Self {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let all = sent.clone();
        let take = move |body: Bytes| {
            all.lock().unwrap().extend(body);
            std::future::ready(())
        };
        let routes = Router::new().route("/v1/traces", post(take));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, routes).await });
        Self { url, sent }
    }

    /// Whether a text is in what was sent; protobuf has texts as they are.
    pub fn has(&self, text: &str) -> bool {
        let sent = self.sent.lock().unwrap();
        sent.windows(text.len()).any(|part| part == text.as_bytes())
    }
}
