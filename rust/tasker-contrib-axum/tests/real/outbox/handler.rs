//! The application of the guide "Never lose a task".

use serde_json::{json, Value};
use tasker_contrib_axum::outbox::Outbox;
use tasker_contrib_axum::TaskerClient;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{guide, stack, until, Bed};
use crate::ALONE;

const MIGRATION: &str = include_str!("../../guides/0002_tasker_outbox.sql");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guides_shop_stores_an_order_and_its_task_or_neither() {
    let _alone = ALONE.lock().await;
    let outbox = Outbox::with_table("shop.tasker_outbox").unwrap();
    assert_eq!(outbox.ddl(), MIGRATION);
    let db = super::pool(&stack().database_url).await;
    let orders = "create schema shop;
        create table shop.orders (id bigint generated always as identity, cents bigint check (cents > 0))";
    sqlx::raw_sql(orders).execute(&db).await.unwrap();
    let bed = Bed::of("shop".to_owned(), outbox).await;

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    let client = TaskerClient::new(&stack().url).unwrap();
    let serving = tokio::spawn(guide::serve(listener, bed.db.clone(), client));
    let request = Uuid::new_v4();
    let order = async |cents: i64| {
        let http = reqwest::Client::new().post(&url).json(&cents);
        let http = http.header("x-request-id", request.to_string());
        http.send().await.unwrap()
    };
    let refused = order(-1).await;
    assert_eq!(refused.status(), 500);
    assert_eq!(refused.text().await.unwrap(), "");
    let answer = order(700).await;
    assert_eq!(answer.status(), 202);
    let placed: Value = answer.json().await.unwrap();
    until("its task", async || !bed.tasks().await.is_empty()).await;
    until("its row is gone", async || bed.is_empty().await).await;
    assert_eq!(bed.tasks().await, [(request, json!(placed))]);
    assert!(!serving.is_finished());
    serving.abort();
}
