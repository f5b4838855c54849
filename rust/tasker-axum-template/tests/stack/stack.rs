//! Tasker's server and PostgreSQL, started by `tasker-dev` for this process and gone with it; and a database with our tables.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use app::database;
use app::settings::Settings;
use serde_json::Value;
use sqlx::PgPool;

use crate::collector::Collector;
use crate::support::variables;

pub struct Stack {
    tasker_dev: Child,
    pub collector: Collector,
    /// For processes of the application.
    pub environment: Vec<(&'static str, String)>,
    /// The application's database.
    pub db: PgPool,
}

impl Stack {
    pub async fn start() -> Self {
        let program = std::env::var("TASKER_DEV_BIN").unwrap_or_else(|_| "tasker-dev".to_owned());
        let mut tasker_dev = Command::new(program)
            // Its standard input ends with this process, even if that is killed.
            .args(["up", "--json", "--until-stdin-ends", "--log-level", "error"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("these tests need tasker-dev: put it on PATH or into TASKER_DEV_BIN, or run only `cargo test --lib --test unit`");
        let mut line = String::new();
        let out = tasker_dev.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("tasker-dev says that it is ready");
        let text = |key: &str| ready[key].as_str().expect("a URL").to_owned();
        let (tasker, orchestration) = (text("database_url"), text("orchestration_url"));
        let name = format!("app_test_{}", std::process::id());
        let mut url = url::Url::parse(&tasker).expect("a URL");
        url.set_path(&name);
        let servers = open(&tasker);
        let create = format!("create database {name}");
        sqlx::query(&create).execute(&servers).await.unwrap();
        servers.close().await;
        let db = open(url.as_str());
        database::migrate(&db).await.unwrap();
        let collector = Collector::start().await;
        Self {
            tasker_dev,
            environment: vec![
                ("APP_ENV", "test".to_owned()),
                ("APP_DATABASE_URL", url.to_string()),
                ("DATABASE_URL", tasker),
                ("TASKER_ORCHESTRATION_URL", orchestration),
                ("PORT", "0".to_owned()),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.clone()),
            ],
            collector,
            db,
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let id = self.tasker_dev.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.tasker_dev.wait();
    }
}

fn open(url: &str) -> PgPool {
    let settings = Settings::read(variables(&[("APP_DATABASE_URL", url)]));
    database::open(&settings.unwrap()).unwrap()
}
