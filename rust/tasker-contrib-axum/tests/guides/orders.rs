//! An order and its task are stored in one transaction, or neither is.

use std::error::Error;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{json, Value};
use sqlx::PgPool;
use tasker_contrib_axum::outbox::{Outbox, OutboxError, Relay};
use tasker_contrib_axum::{shutdown_signal, CorrelationLayer, NewTask, TaskerClient};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Shop {
    db: PgPool,
    outbox: Outbox,
}

async fn place_order(
    State(shop): State<Shop>,
    Json(cents): Json<i64>,
) -> Result<(StatusCode, Json<Value>), OutboxError> {
    let mut transaction = shop.db.begin().await?;
    let order_id: i64 =
        sqlx::query_scalar("insert into shop.orders (cents) values ($1) returning id")
            .bind(cents)
            .fetch_one(&mut *transaction)
            .await?;
    let ship = NewTask::new("shop", "ship", json!({"order_id": order_id}));
    shop.outbox.enqueue(&mut transaction, ship).await?;
    transaction.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(json!({"order_id": order_id}))))
}

/// Serves the shop, and runs a relay beside it.
pub async fn serve(
    listener: TcpListener,
    db: PgPool,
    tasker: TaskerClient,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let outbox = Outbox::with_table("shop.tasker_outbox")?;
    let relay = Relay::new(outbox.clone(), db.clone(), tasker).await?;
    let relaying = tokio::spawn(relay.run(shutdown_signal()));
    let app = Router::new()
        .route("/orders", post(place_order))
        .layer(CorrelationLayer::new())
        .with_state(Shop { db, outbox });
    axum::serve(listener, app)
        .with_graceful_shutdown(shutdown_signal())
        .await?;
    Ok(relaying.await?)
}
