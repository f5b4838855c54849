//! What the tests share: the application with everything in memory, and people who are signed in.
#![allow(dead_code)] // each test program uses its part

pub mod fakes;
pub mod store_checks;

use std::collections::BTreeMap;
use std::future::Future;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::settings::Settings;
use app::users::{new_user, User};
use app::web::{make_token, router, Parts};
use axum::body::Body;
use axum::http::{header, HeaderMap, Request, StatusCode};
use axum::Router;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::OnceCell;
use tower::ServiceExt as _;
use uuid::Uuid;

use fakes::{MemoryDocuments, MemoryUsers};

pub const PASSWORD: &str = "correct horse battery";
pub const NOWHERE: Uuid = Uuid::from_u128(0x7d6e_5a0c_0000_4000_8000_0000_0000_0000);
/// A busy machine takes its time.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn variables(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    given.iter().map(own).collect()
}

/// The program of this package, with no variable of the machine but the one that says where measured coverage goes.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_document-intake"));
    command.env_clear();
    command.envs(std::env::vars().filter(|(name, _)| name == "LLVM_PROFILE_FILE"));
    command
}

/// Ann and Bob, and Rita, who may review. Hashing is slow on purpose, so they are made once.
pub async fn people() -> &'static [User; 3] {
    static PEOPLE: OnceCell<[User; 3]> = OnceCell::const_new();
    PEOPLE
        .get_or_init(|| async {
            [
                new_user("ann@example.org", PASSWORD, false).await,
                new_user("bob@example.org", PASSWORD, false).await,
                new_user("rita@example.org", PASSWORD, true).await,
            ]
        })
        .await
}

pub struct MemoryApp {
    pub router: Router,
    pub settings: Settings,
    pub documents: Arc<MemoryDocuments>,
}

impl MemoryApp {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[(&str, &str)]) -> Self {
        let mut given = variables(&[
            ("APP_ENV", "test"),
            ("MAX_UPLOAD_BYTES", "1000"),
            ("LOGIN_RATE", "4/minute"),
            ("UPLOAD_RATE", "5/minute"),
        ]);
        given.extend(variables(more));
        let settings = Settings::read(given).unwrap();
        let documents = Arc::new(MemoryDocuments::default());
        let users = MemoryUsers(people().await.to_vec());
        let router = router(Parts {
            settings: Arc::new(settings.clone()),
            documents: documents.clone(),
            users: Arc::new(users),
        });
        Self {
            router,
            settings,
            documents,
        }
    }

    /// The header of somebody who has signed in.
    pub async fn bearer(&self, name: &str) -> String {
        let people = people().await;
        let user = people.iter().find(|user| user.email.starts_with(name));
        let token = make_token(user.unwrap().id, &self.settings).unwrap();
        format!("Bearer {token}")
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    pub async fn get(&self, name: &str, path: &str) -> Answer {
        let request = Request::get(path).header(header::AUTHORIZATION, self.bearer(name).await);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A file of somebody.
    pub async fn upload(&self, name: &str, content: &str, key: &str) -> Answer {
        let request = Request::post("/documents")
            .header(header::AUTHORIZATION, self.bearer(name).await)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
            .header("idempotency-key", key);
        let form = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"letter.txt\"\r\n\r\n{content}\r\n--edge--\r\n"
        );
        self.send(request.body(form.into()).unwrap()).await
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn detail(&self) -> &str {
        self.json["detail"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> Uuid {
        self.json["id"].as_str().unwrap().parse().unwrap()
    }
}

/// Looks until there is something to see.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "nothing within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
