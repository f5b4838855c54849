//! The rush while the shop, Tasker's server and PostgreSQL are killed again and again: what is in all the books afterwards, compared with what must be.

use std::time::Duration;

use anyhow::{bail, Context as _};
use serde_json::{json, Map, Value};
use sqlx::PgPool;
use tokio::time::Instant;

use super::rush::{open_orders, serve_all, Rush};
use super::{audit, Shop, POLL};

/// Every customer has an order in the end, every order has come to its end, and so has every task of Tasker's.
pub async fn run(shop: &Shop, rush: &Rush) -> anyhow::Result<Value> {
    let end = Instant::now() + Duration::from_secs(rush.patience);
    let (db, on_offer) = loop {
        match ready(shop, rush).await {
            Ok(found) => break found,
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => tokio::time::sleep(POLL).await,
        }
    };
    // 500 is what the shop answers while its database is away.
    serve_all(shop, rush, 500..=504, Duration::from_secs(rush.patience)).await?;
    loop {
        match look(shop, &db, rush).await {
            Ok(Some(found)) => return Ok(compare(&on_offer.books(rush.customers), &found)),
            Ok(None) if Instant::now() > end => {
                bail!(
                    "not everything has ended after {} s: {}",
                    rush.patience,
                    open_tasks(&db).await?
                )
            }
            // Whoever is asked may have been killed a moment ago.
            Err(error) if Instant::now() > end => return Err(error),
            _ => tokio::time::sleep(POLL).await,
        }
    }
}

async fn ready(shop: &Shop, rush: &Rush) -> anyhow::Result<(PgPool, Offer)> {
    let db = audit::database(shop).await?;
    let on_offer = Offer::of(&db, &rush.sku).await?;
    Ok((db, on_offer))
}

/// The books, once nothing goes on any more.
async fn look(shop: &Shop, db: &PgPool, rush: &Rush) -> anyhow::Result<Option<Value>> {
    if open_orders(db, &rush.sku).await? > 0 || open_tasks(db).await? != json!({}) {
        return Ok(None);
    }
    let mut books = audit::of_product(shop, &rush.sku).await?;
    books["tasks_by_state"] = states(db, "true").await?;
    Ok(Some(books))
}

/// Tasker's tasks that have not ended, by state.
async fn open_tasks(db: &PgPool) -> sqlx::Result<Value> {
    states(
        db,
        "to_state NOT IN ('complete', 'error', 'cancelled', 'blocked_by_failures')",
    )
    .await
}

async fn states(db: &PgPool, of: &str) -> sqlx::Result<Value> {
    sqlx::query_scalar(&format!(
        "SELECT coalesce(jsonb_object_agg(to_state, n), '{{}}') FROM (
            SELECT to_state, count(*) AS n FROM tasker.task_transitions WHERE most_recent AND {of} GROUP BY 1) s"
    ))
    .fetch_one(db)
    .await
}

/// What there is of a product before the rush.
struct Offer {
    on_hand: i64,
    price_cents: i64,
}

impl Offer {
    async fn of(db: &PgPool, sku: &str) -> anyhow::Result<Self> {
        let found: Option<(i64, i64)> = sqlx::query_as(
            "SELECT on_hand, price_cents FROM stock JOIN products USING (sku) WHERE sku = $1",
        )
        .bind(sku)
        .fetch_optional(db)
        .await?;
        let (on_hand, price_cents) = found.with_context(|| format!("there is no product {sku}"))?;
        Ok(Self {
            on_hand,
            price_cents,
        })
    }

    /// What must be in the books when so many customers have wanted one each.
    fn books(&self, customers: usize) -> Value {
        let customers = i64::try_from(customers).unwrap_or(i64::MAX);
        let sold = customers.min(self.on_hand);
        let mut by_status = json!({"completed": sold});
        if customers > sold {
            by_status["cancelled"] = json!(customers - sold);
        }
        json!({
            "orders": customers, "by_status": by_status,
            "stock": {"on_hand": self.on_hand - sold, "reserved": 0},
            "parcels": sold, "captured_payments": sold, "other_payments": 0, "mails": customers,
            "tasks": customers, "orders_without_task": 0, "tasks_by_state": {"complete": customers},
            "bank": {"charges": sold, "captured_cents": sold * self.price_cents, "orders_charged_twice": 0},
        })
    }
}

/// `true` for each thing that is as it must be, else what it must be and what it is.
fn compare(expected: &Value, found: &Value) -> Value {
    let all = expected.as_object().into_iter().flatten();
    let compared = all.map(|(name, expected)| {
        let said = match &found[name] {
            same if same == expected => json!(true),
            other => json!({"expected": expected, "found": other}),
        };
        (name.clone(), said)
    });
    Value::Object(compared.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::{compare, json, Offer};

    #[test]
    fn what_is_otherwise_is_said() {
        let offer = Offer {
            on_hand: 50,
            price_cents: 100,
        };
        let expected = offer.books(60);
        assert_eq!(
            expected["by_status"],
            json!({"completed": 50, "cancelled": 10})
        );
        let mut found = expected.clone();
        found["parcels"] = json!(51);
        let said = compare(&expected, &found);
        assert_eq!(said["parcels"], json!({"expected": 50, "found": 51}));
        assert_eq!(said["bank"], json!(true));
        assert_eq!(offer.books(3)["by_status"], json!({"completed": 3}));
    }
}
