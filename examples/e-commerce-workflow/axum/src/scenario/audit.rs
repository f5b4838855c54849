//! What is in the books: the shop's database and the payment service's own. Nothing of it comes from the shop's program.

use std::time::Duration;

use anyhow::{bail, Context as _};
use serde_json::{json, Value};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Shop, POLL};
use crate::bank::Bank;
use crate::database;

const PATIENCE: Duration = Duration::from_secs(45);

pub async fn database(shop: &Shop) -> anyhow::Result<PgPool> {
    database::connect(&shop.database_url, "shop", 2).await
}

/// Everything about one order, once it goes on no more.
pub async fn of_order(shop: &Shop, checkout: &str, sku: Option<&str>) -> anyhow::Result<Value> {
    let db = database(shop).await?;
    let order: Option<Uuid> =
        sqlx::query_scalar("SELECT order_id FROM orders WHERE checkout_id = $1")
            .bind(checkout)
            .fetch_optional(&db)
            .await?;
    let order = order.with_context(|| format!("there is no order of checkout {checkout}"))?;
    let end = Instant::now() + PATIENCE;
    loop {
        let status: String = sqlx::query_scalar("SELECT status FROM orders WHERE order_id = $1")
            .bind(order)
            .fetch_one(&db)
            .await?;
        if ["completed", "cancelled", "in_review"].contains(&status.as_str()) {
            break;
        }
        if Instant::now() > end {
            bail!("order {order} is still `{status}` after {PATIENCE:?}");
        }
        tokio::time::sleep(POLL).await;
    }
    let mut books: Value = sqlx::query_scalar(
        "SELECT jsonb_build_object(
            'status', status, 'reason', reason,
            'payment', (SELECT state FROM payments p WHERE p.order_id = o.order_id),
            'parcels', (SELECT count(*) FROM shipments s WHERE s.order_id = o.order_id),
            'mails', (SELECT coalesce(jsonb_agg(kind ORDER BY kind), '[]') FROM notifications n WHERE n.order_id = o.order_id),
            'reservations', (SELECT coalesce(jsonb_object_agg(sku, state), '{}') FROM reservations r WHERE r.order_id = o.order_id),
            'orders', (SELECT count(*) FROM orders same WHERE same.checkout_id = o.checkout_id),
            'tasks', (SELECT jsonb_agg(workflow ORDER BY requested_at) FROM order_tasks t WHERE t.order_id = o.order_id))
         FROM orders o WHERE order_id = $1",
    )
    .bind(order)
    .fetch_one(&db)
    .await?;
    books["stock"] = sqlx::query_scalar(
        "SELECT jsonb_object_agg(sku, jsonb_build_object('on_hand', on_hand, 'reserved', reserved)) FROM stock
         WHERE sku IN (SELECT sku FROM order_lines WHERE order_id = $1) OR sku = $2",
    )
    .bind(order)
    .bind(sku)
    .fetch_one(&db)
    .await?;
    let bank = Bank::new(&shop.bank_url, Duration::from_secs(10))?;
    let mut statement = bank.books(&order.to_string()).await?;
    for charge in statement["charges"].as_array_mut().into_iter().flatten() {
        // Made of the order's id, which is another one in each run.
        charge["key"] = json!(charge["key"] == format!("charge-{order}"));
    }
    books["bank"] = statement;
    Ok(books)
}

/// All orders of one product together, and what the payment service has about them.
pub async fn of_product(shop: &Shop, sku: &str) -> anyhow::Result<Value> {
    let db = database(shop).await?;
    let mut books: Value = sqlx::query_scalar(
        "WITH mine AS (SELECT o.* FROM orders o JOIN order_lines l USING (order_id) WHERE l.sku = $1)
         SELECT jsonb_build_object(
            'orders', (SELECT count(*) FROM mine),
            'by_status', (SELECT jsonb_object_agg(status, n) FROM (SELECT status, count(*) AS n FROM mine GROUP BY status) s),
            'stock', (SELECT jsonb_build_object('on_hand', on_hand, 'reserved', reserved) FROM stock WHERE sku = $1),
            'parcels', (SELECT count(*) FROM shipments WHERE order_id IN (SELECT order_id FROM mine)),
            'captured_payments', (SELECT count(*) FROM payments WHERE state = 'captured' AND order_id IN (SELECT order_id FROM mine)),
            'other_payments', (SELECT count(*) FROM payments WHERE state <> 'captured' AND order_id IN (SELECT order_id FROM mine)),
            'mails', (SELECT count(*) FROM notifications WHERE order_id IN (SELECT order_id FROM mine)),
            'tasks', (SELECT count(*) FROM order_tasks WHERE order_id IN (SELECT order_id FROM mine)),
            'orders_without_task', (SELECT count(*) FROM order_tasks WHERE task_uuid IS NULL AND order_id IN (SELECT order_id FROM mine)))",
    )
    .bind(sku)
    .fetch_one(&db)
    .await?;
    let orders: Vec<Uuid> = sqlx::query_scalar("SELECT order_id FROM order_lines WHERE sku = $1")
        .bind(sku)
        .fetch_all(&db)
        .await?;
    let bank = Bank::new(&shop.bank_url, Duration::from_secs(10))?;
    let (mut charges, mut captured, mut twice) = (0, 0, 0);
    for order in orders {
        let statement = bank.books(&order.to_string()).await?;
        let own = statement["charges"].as_array().map_or(0, Vec::len);
        charges += own;
        twice += usize::from(own > 1);
        captured += statement["captured_cents"].as_i64().unwrap_or_default();
    }
    books["bank"] =
        json!({"charges": charges, "captured_cents": captured, "orders_charged_twice": twice});
    Ok(books)
}
