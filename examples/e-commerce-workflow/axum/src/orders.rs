//! Checkout, and what an order goes through.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use sqlx::{PgPool, Postgres, Transaction};
use tasker_contrib_axum::outbox::OutboxError;
use uuid::Uuid;

use crate::tasks;

/// What a customer sends to buy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// Chosen by the customer's program and sent again with each repetition.
    pub checkout_id: String,
    /// A mail address.
    pub customer: String,
    /// Where to, as two letters.
    pub country: String,
    /// The payment service's token for a card. The shop never sees a card number.
    pub card: String,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub sku: String,
    pub quantity: i64,
}

/// Why a checkout is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("{0}")]
    Invalid(String),
    #[error("checkout `{0}` was used for another order; choose a new checkout_id")]
    Reused(String),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// An order that is in the database.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub order_id: Uuid,
    pub total_cents: i64,
    /// Whether this call has placed it, and not an earlier one with the same checkout.
    pub is_new: bool,
}

/// The workflows that an order may need, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workflow {
    Fulfil,
    Settle,
    Compensate,
}

impl Workflow {
    pub const ALL: [Self; 3] = [Self::Fulfil, Self::Settle, Self::Compensate];

    /// The task template's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fulfil => "fulfil_order",
            Self::Settle => "settle_order",
            Self::Compensate => "compensate_order",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|workflow| workflow.name() == name)
    }
}

/// What travels in the task: the order's id. Everything else is read from the database, where it may have changed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OrderRef {
    pub order_id: Uuid,
    /// How many tasks ended before without having done their work; it makes the context another one.
    #[serde(default, skip_serializing_if = "is_first")]
    pub attempt: i32,
}

fn is_first(attempt: &i32) -> bool {
    *attempt == 0
}

impl Checkout {
    fn check(&self) -> Result<(), Refused> {
        let invalid = |text: &str| Err(Refused::Invalid(text.to_owned()));
        let length = self.checkout_id.chars().count();
        if !(8..=100).contains(&length) {
            return invalid("checkout_id: 8 to 100 characters, a UUID for example");
        }
        if !self.customer.contains('@') || self.customer.len() > 200 {
            return invalid("customer: a mail address");
        }
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return invalid("country: two capital letters, such as DE");
        }
        if self.lines.is_empty() || self.lines.len() > 50 {
            return invalid("lines: 1 to 50 of them");
        }
        if let Some(line) = self
            .lines
            .iter()
            .find(|line| !(1..=1000).contains(&line.quantity))
        {
            return Err(Refused::Invalid(format!(
                "lines: quantity of `{}` must be 1 to 1000",
                line.sku
            )));
        }
        Ok(())
    }
}

/// Writes the order and the request for its task in one transaction. The same checkout again is the same order.
pub async fn place(db: &PgPool, checkout: &Checkout) -> Result<Placed, Refused> {
    checkout.check()?;
    // The same goods in two lines are one line.
    let mut lines: BTreeMap<&str, i64> = BTreeMap::new();
    for line in &checkout.lines {
        *lines.entry(&line.sku).or_default() += line.quantity;
    }
    let mut transaction = db.begin().await?;
    let names: Vec<&str> = lines.keys().copied().collect();
    let prices: Vec<(String, i64)> =
        sqlx::query_as("SELECT sku, price_cents FROM products WHERE sku = ANY($1)")
            .bind(&names)
            .fetch_all(&mut *transaction)
            .await?;
    let prices: BTreeMap<&str, i64> = prices
        .iter()
        .map(|(sku, price)| (sku.as_str(), *price))
        .collect();
    if let Some(sku) = names.iter().find(|sku| !prices.contains_key(*sku)) {
        return Err(Refused::Invalid(format!(
            "lines: there is no product `{sku}`"
        )));
    }
    let total_cents = lines
        .iter()
        .map(|(sku, quantity)| prices[sku] * quantity)
        .sum();
    let order_id = Uuid::now_v7();
    let inserted = sqlx::query(
        "INSERT INTO orders (order_id, checkout_id, request, customer, country, card, total_cents)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (checkout_id) DO NOTHING",
    )
    .bind(order_id)
    .bind(&checkout.checkout_id)
    .bind(json!(checkout))
    .bind(&checkout.customer)
    .bind(&checkout.country)
    .bind(&checkout.card)
    .bind(total_cents)
    .execute(&mut *transaction)
    .await?;
    if inserted.rows_affected() == 0 {
        return placed_before(&mut transaction, checkout).await;
    }
    for (sku, quantity) in lines {
        sqlx::query("INSERT INTO order_lines (order_id, sku, quantity, price_cents) VALUES ($1, $2, $3, $4)")
            .bind(order_id)
            .bind(sku)
            .bind(quantity)
            .bind(prices[sku])
            .execute(&mut *transaction)
            .await?;
    }
    tasks::request(&mut transaction, order_id, Workflow::Fulfil).await?;
    transaction.commit().await?;
    Ok(Placed {
        order_id,
        total_cents,
        is_new: true,
    })
}

async fn placed_before(
    transaction: &mut Transaction<'_, Postgres>,
    checkout: &Checkout,
) -> Result<Placed, Refused> {
    let (order_id, total_cents, request): (Uuid, i64, Value) =
        sqlx::query_as("SELECT order_id, total_cents, request FROM orders WHERE checkout_id = $1")
            .bind(&checkout.checkout_id)
            .fetch_one(&mut **transaction)
            .await?;
    if request != json!(checkout) {
        return Err(Refused::Reused(checkout.checkout_id.clone()));
    }
    Ok(Placed {
        order_id,
        total_cents,
        is_new: false,
    })
}

/// An order that this transaction holds, so that nobody else changes it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Held {
    pub order_id: Uuid,
    pub customer: String,
    pub country: String,
    pub card: String,
    pub total_cents: i64,
    pub status: String,
}

impl Held {
    /// Whether its goods and its money are being given back, or were.
    pub fn is_closed(&self) -> bool {
        matches!(self.status.as_str(), "compensating" | "cancelled")
    }
}

/// Holds an order until the end of the transaction.
pub async fn hold(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
) -> sqlx::Result<Option<Held>> {
    sqlx::query_as(
        "SELECT order_id, customer, country, card, total_cents, status FROM orders WHERE order_id = $1 FOR UPDATE",
    )
    .bind(order)
    .fetch_optional(&mut **transaction)
    .await
}

/// Moves a held order on.
pub async fn set_status(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
    status: &str,
    reason: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE orders SET status = $2, reason = coalesce($3, reason) WHERE order_id = $1")
        .bind(order)
        .bind(status)
        .bind(reason)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Writes a mail; the second one of a kind is left out.
pub async fn notify(
    transaction: &mut Transaction<'_, Postgres>,
    order: &Held,
    kind: &str,
    recipient: &str,
    text: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO notifications (order_id, kind, recipient, text) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(order.order_id)
    .bind(kind)
    .bind(recipient)
    .bind(text)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// What came of asking for a review.
#[derive(Debug, PartialEq, Eq)]
pub enum Reviewed {
    /// It counts, and this workflow follows.
    Next(Workflow),
    /// The order waits for none.
    NotWaiting(String),
    /// There is no such order.
    Unknown,
}

/// Writes down what a person decided about an order that waits for it. The first answer counts.
pub async fn review(
    db: &PgPool,
    order: Uuid,
    reviewer: &str,
    approved: bool,
) -> Result<Reviewed, OutboxError> {
    let mut transaction = db.begin().await?;
    let Some(held) = hold(&mut transaction, order).await? else {
        return Ok(Reviewed::Unknown);
    };
    if held.status != "in_review" {
        return Ok(Reviewed::NotWaiting(held.status));
    }
    let (status, reason, next) = if approved {
        ("reserved", None, Workflow::Settle)
    } else {
        (
            "compensating",
            Some("rejected in review"),
            Workflow::Compensate,
        )
    };
    set_status(&mut transaction, order, status, reason).await?;
    sqlx::query("UPDATE orders SET reviewed_by = $2 WHERE order_id = $1")
        .bind(order)
        .bind(reviewer)
        .execute(&mut *transaction)
        .await?;
    tasks::request(&mut transaction, order, next).await?;
    transaction.commit().await?;
    Ok(Reviewed::Next(next))
}

/// Everything about an order, as JSON.
pub async fn show(db: &PgPool, order: Uuid) -> sqlx::Result<Option<Value>> {
    sqlx::query_scalar(
        "SELECT jsonb_build_object(
            'order_id', order_id, 'checkout_id', checkout_id, 'status', status, 'reason', reason, 'reviewed_by', reviewed_by,
            'total_cents', total_cents, 'placed_at', placed_at,
            'lines', (SELECT jsonb_agg(jsonb_build_object('sku', sku, 'name', name, 'quantity', quantity, 'price_cents', l.price_cents)
                ORDER BY sku) FROM order_lines l JOIN products USING (sku) WHERE l.order_id = o.order_id),
            'payment', (SELECT jsonb_build_object('state', state, 'amount_cents', amount_cents) FROM payments p
                WHERE p.order_id = o.order_id),
            'shipment', (SELECT jsonb_build_object('tracking', tracking) FROM shipments s WHERE s.order_id = o.order_id),
            'mails', (SELECT coalesce(jsonb_agg(kind ORDER BY kind), '[]') FROM notifications n WHERE n.order_id = o.order_id),
            'tasks', (SELECT coalesce(jsonb_agg(jsonb_build_object('workflow', workflow, 'task_uuid', task_uuid, 'outcome', outcome)
                ORDER BY requested_at), '[]') FROM order_tasks t WHERE t.order_id = o.order_id))
         FROM orders o WHERE order_id = $1",
    )
    .bind(order)
    .fetch_optional(db)
    .await
}
