//! Promising goods to an order, giving them back, handing them out. Each function may be called any number of times for an order.

use sqlx::{Postgres, Transaction};
use uuid::Uuid;

/// Some of an order's goods.
pub struct Wanted<'a> {
    pub sku: &'a str,
    pub quantity: i64,
}

/// Promises all of it or nothing; the goods that there is not enough of come back.
///
/// Rows are taken in the order of their names, so that orders for the same goods wait for one another and never in a circle.
pub async fn reserve(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
    wanted: &[Wanted<'_>],
) -> sqlx::Result<Vec<String>> {
    let mut wanted: Vec<_> = wanted.iter().collect();
    wanted.sort_by_key(|line| line.sku);
    let mut missing = Vec::new();
    for line in wanted {
        let new = sqlx::query(
            "INSERT INTO reservations (order_id, sku, quantity) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(order)
        .bind(line.sku)
        .bind(line.quantity)
        .execute(&mut **transaction)
        .await?;
        if new.rows_affected() == 0 {
            continue;
        }
        let taken = sqlx::query(
            "UPDATE stock SET reserved = reserved + $2 WHERE sku = $1 AND on_hand - reserved >= $2",
        )
        .bind(line.sku)
        .bind(line.quantity)
        .execute(&mut **transaction)
        .await?;
        if taken.rows_affected() == 0 {
            missing.push(line.sku.to_owned());
        }
    }
    Ok(missing)
}

/// Gives back what is promised and has not left the house; says how many goods that were.
pub async fn release(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
) -> sqlx::Result<i64> {
    close(
        transaction,
        order,
        "released",
        "reserved = stock.reserved - gone.quantity",
    )
    .await
}

/// Takes what is promised out of the house; says how many goods that were.
pub async fn hand_out(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
) -> sqlx::Result<i64> {
    let change =
        "reserved = stock.reserved - gone.quantity, on_hand = stock.on_hand - gone.quantity";
    close(transaction, order, "shipped", change).await
}

async fn close(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
    state: &str,
    change: &str,
) -> sqlx::Result<i64> {
    let lines: Vec<(String, i64)> = sqlx::query_as(
        "UPDATE reservations SET state = $2 WHERE order_id = $1 AND state = 'reserved' RETURNING sku, quantity",
    )
    .bind(order)
    .bind(state)
    .fetch_all(&mut **transaction)
    .await?;
    let mut lines = lines;
    lines.sort();
    let update = format!(
        "UPDATE stock SET {change} FROM (SELECT $2::bigint AS quantity) AS gone WHERE sku = $1"
    );
    for (sku, quantity) in &lines {
        sqlx::query(&update)
            .bind(sku)
            .bind(quantity)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(lines.iter().map(|(_, quantity)| quantity).sum())
}
