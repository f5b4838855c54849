//! A proxy in front of a port: it can be cut, and it shows what passes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Looks at each piece that passes, in both directions; false drops it with its connection.
type Watch = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

pub struct Proxy {
    port: u16,
    behind: u16,
    /// Cancelled while it is cut.
    cut: Arc<Mutex<CancellationToken>>,
    refused: Arc<AtomicUsize>,
}

impl Proxy {
    pub async fn in_front_of(url: &str) -> Self {
        Self::watching(url, |_| true).await
    }

    pub async fn watching(
        url: &str,
        watch: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        let behind = port(url);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            behind,
            cut: Arc::default(),
            refused: Arc::default(),
        };
        let watch: Watch = Arc::new(watch);
        let (cut, refused) = (proxy.cut.clone(), proxy.refused.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = cut.lock().unwrap().clone();
                if cut.is_cancelled() {
                    refused.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                tokio::spawn(connect(client, behind, cut, watch.clone()));
            }
        });
        proxy
    }

    /// The URL with the proxy's port.
    pub fn url(&self, url: &str) -> String {
        url.replace(&format!(":{}", self.behind), &format!(":{}", self.port))
    }

    pub fn cut(&self) {
        self.cut.lock().unwrap().cancel();
    }

    /// How many connections it has refused while it was cut.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    pub fn mend(&self) {
        *self.cut.lock().unwrap() = CancellationToken::new();
    }
}

fn port(url: &str) -> u16 {
    let behind = url.rsplit(':').next().unwrap();
    let digits = behind.split('/').next().unwrap();
    digits.parse().expect("the URL has a port")
}

async fn connect(client: TcpStream, behind: u16, cut: CancellationToken, watch: Watch) {
    let server = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, &watch) => {}
        () = pass(from_server, to_client, &watch) => {}
        () = cut.cancelled() => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, watch: &Watch) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        let piece = &buffer[..size];
        if !watch(piece) || to.write_all(piece).await.is_err() {
            return;
        }
    }
}
