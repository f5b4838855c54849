//! A real database with a real Tasker server beside it, the shop's schema and catalogue, and the payment service on a free port.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e_commerce_axum::bank::Bank;
use e_commerce_axum::handlers::Means;
use e_commerce_axum::orders::{self, Checkout, Placed};
use e_commerce_axum::scenario::checkout;
use e_commerce_axum::{database, service};
use serde_json::Value;
use sqlx::PgPool;
use tokio::net::TcpListener;

pub struct Stack {
    tasker_dev: Child,
    log: File,
    pub tasker_url: String,
    pub database_url: String,
    pub db: PgPool,
    pub bank: Bank,
}

impl Stack {
    pub async fn start() -> Self {
        let program = std::env::var("TASKER_DEV_BIN").expect(
            "TASKER_DEV_BIN: run `cargo xtask test --unit examples/e-commerce-workflow/axum`, or set it to a built tasker-dev",
        );
        // What the server logs is expected in tests of failures; it is shown when a test fails.
        let log = tempfile::tempfile().expect("a temporary file");
        let mut tasker_dev = Command::new(program)
            // Its standard input ends with this process, even if that is killed.
            .args(["up", "--json", "--until-stdin-ends"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().expect("one more handle"))
            .spawn()
            .expect("tasker-dev starts");
        let mut line = String::new();
        let out = tasker_dev.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("tasker-dev says that it is ready");
        let text = |key: &str| ready[key].as_str().expect("a URL").to_owned();
        let database_url = text("database_url");

        let db = database::connect(&database_url, "shop", 5).await.unwrap();
        database::migrate(&db).await.unwrap();
        let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../catalogue.json");
        database::stock_up(&db, &catalogue).await.unwrap();

        let books = database::connect(&database_url, "bank", 5).await.unwrap();
        service::migrate(&books).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, service::router(books)).await });
        Self {
            tasker_dev,
            log,
            tasker_url: text("orchestration_url"),
            database_url,
            db,
            bank: Bank::new(&url, Duration::from_millis(500)).unwrap(),
        }
    }

    /// What the steps get.
    pub fn means(&self) -> Means {
        Means {
            db: self.db.clone(),
            bank: self.bank.clone(),
        }
    }

    /// An order for one of a product.
    pub async fn order(&self, checkout_id: &str, sku: &str, card: &str) -> Placed {
        self.place(&checkout(checkout_id, sku, card)).await
    }

    pub async fn place(&self, checkout: &Checkout) -> Placed {
        orders::place(&self.db, checkout).await.unwrap()
    }

    /// How much of a product there is, and how much of it is promised.
    pub async fn stock(&self, sku: &str) -> (i64, i64) {
        sqlx::query_as("SELECT on_hand, reserved FROM stock WHERE sku = $1")
            .bind(sku)
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    pub async fn status(&self, order: Placed) -> String {
        sqlx::query_scalar("SELECT status FROM orders WHERE order_id = $1")
            .bind(order.order_id)
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    pub async fn books(&self, order: Placed) -> Value {
        self.bank.books(&order.order_id.to_string()).await.unwrap()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let id = self.tasker_dev.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.tasker_dev.wait();
        let mut text = String::new();
        let log = &mut self.log;
        if std::thread::panicking() && log.rewind().is_ok() && log.read_to_string(&mut text).is_ok()
        {
            eprintln!("the log of tasker-dev:\n{text}");
        }
    }
}
