//! A process that dies between the order and its task: the order is in the database, and nobody has asked Tasker for anything.

use std::time::Duration;

use serde_json::{json, Value};

use super::{audit, checkout, Shop};
use crate::orders;

const PATIENCE: Duration = Duration::from_secs(45);

pub async fn run(shop: &Shop, sku: &str) -> anyhow::Result<Value> {
    let db = audit::database(shop).await?;
    // What a checkout commits, and nothing of what follows.
    let placed = orders::place(&db, &checkout("died-after-commit", sku, "tok_ok")).await?;
    let order = shop
        .order_is(placed.order_id, &["completed"], PATIENCE)
        .await?;
    Ok(json!({"status": order["status"], "parcel": order["shipment"].is_object()}))
}
