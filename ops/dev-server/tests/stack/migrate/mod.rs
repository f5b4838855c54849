//! `tasker-dev migrate` on real databases.

mod check;
mod inventory;
mod kills;
mod others;
mod pooler;
mod postgresql_17;
mod rights;
mod same_objects;

use std::process::Output;

use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::harness::{Place, Stack};

/// The first and the last of Core's migrations.
const FIRST: i64 = 20250810140001;
const COUNT: usize = 8;

/// A PostgreSQL 18 with PGMQ for databases of tests. They are made by its superuser.
struct Server {
    place: Place,
    stack: Stack,
    admin: PgConnection,
}

impl Server {
    async fn start() -> Self {
        let place = Place::new();
        let stack = place.up(&[]);
        let admin = PgConnection::connect(stack.url("database_url"))
            .await
            .unwrap();
        Self {
            place,
            stack,
            admin,
        }
    }

    async fn sql(&mut self, text: &str) {
        self.admin.execute(sqlx::raw_sql(text)).await.unwrap();
    }

    /// The URL of a database for the superuser.
    fn url(&self, database: &str) -> String {
        let (base, _) = self.stack.url("database_url").rsplit_once('/').unwrap();
        format!("{base}/{database}")
    }

    /// The same for another role, whose password is `secret`.
    fn url_of(&self, role: &str, database: &str) -> String {
        self.url(database)
            .replace("tasker:tasker@", &format!("{role}:secret@"))
    }

    /// An empty database; its URL.
    async fn database(&mut self, name: &str) -> String {
        self.sql(&format!("CREATE DATABASE {name}")).await;
        self.url(name)
    }

    /// An empty database whose server does not offer PGMQ.
    async fn plain_database(&mut self, name: &str) -> String {
        let url = self.database(name).await;
        self.hide_extensions(name).await;
        url
    }

    /// What the server offers depends on this setting, which a database can narrow.
    async fn hide_extensions(&mut self, name: &str) {
        self.sql(&format!(
            "ALTER DATABASE {name} SET extension_control_path = '$system'"
        ))
        .await;
    }

    fn migrate(&self, url: &str, more: &[&str]) -> Output {
        let mut arguments = vec!["migrate", "--database-url", url];
        arguments.extend(more);
        self.place.run(&arguments)
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn succeeded(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// What was said by a run that was refused or failed.
#[track_caller]
fn complaint(output: &Output) -> String {
    let said = words(output);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        said.starts_with("error: ") && said.contains("\nfix: "),
        "{said}"
    );
    assert!(
        !said.contains(":tasker@") && !said.contains(":secret@"),
        "{said}"
    );
    said
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {output:?}"))
}
