//! From the cart to the branch that the order takes.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tasker_contrib_axum::{Config, Decision, Dep, Input, State, StepError, StepOutput};

use super::hold_open;
use crate::orders::{notify, set_status, OrderRef};
use crate::stock::{self, Wanted};

/// Who looks at large orders.
const REVIEWERS: &str = "reviews@shop.example";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    pub total_cents: i64,
    pub lines: Vec<CartLine>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct CartLine {
    pub sku: String,
    pub quantity: i64,
    pub price_cents: i64,
}

impl StepOutput for Cart {
    const STEP: &'static str = "validate_cart";
}

/// The customer pays what the page said: a price that has changed since then fails the order.
pub async fn validate_cart(
    Input(order): Input<OrderRef>,
    State(db): State<PgPool>,
) -> Result<Cart, StepError> {
    let mut transaction = db.begin().await?;
    let held = hold_open(&mut transaction, order.order_id).await?;
    let lines: Vec<CartLine> = sqlx::query_as(
        "SELECT sku, quantity, products.price_cents FROM order_lines JOIN products USING (sku) WHERE order_id = $1 ORDER BY sku",
    )
    .bind(order.order_id)
    .fetch_all(&mut *transaction)
    .await?;
    let total_cents: i64 = lines
        .iter()
        .map(|line| line.price_cents * line.quantity)
        .sum();
    if total_cents != held.total_cents {
        let text = format!(
            "the order is for {} cents, but costs {total_cents} now",
            held.total_cents
        );
        return Err(StepError::permanent(text).code("price_changed"));
    }
    Ok(Cart { total_cents, lines })
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// What there is not enough of. Nothing is reserved then.
    pub missing: Vec<String>,
}

impl StepOutput for Reservation {
    const STEP: &'static str = "reserve_stock";
}

/// To be sold out is no failure but an answer; the decision behind this step acts on it.
pub async fn reserve_stock(
    Input(order): Input<OrderRef>,
    Dep(cart): Dep<Cart>,
    State(db): State<PgPool>,
) -> Result<Reservation, StepError> {
    let mut transaction = db.begin().await?;
    let held = hold_open(&mut transaction, order.order_id).await?;
    let wanted: Vec<_> = cart
        .lines
        .iter()
        .map(|line| Wanted {
            sku: &line.sku,
            quantity: line.quantity,
        })
        .collect();
    let missing = stock::reserve(&mut transaction, order.order_id, &wanted).await?;
    if missing.is_empty() {
        if held.status == "placed" {
            set_status(&mut transaction, order.order_id, "reserved", None).await?;
        }
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(Reservation { missing })
}

#[derive(Deserialize)]
pub struct Routing {
    review_above_cents: i64,
}

pub async fn route_order(
    Dep(cart): Dep<Cart>,
    Dep(reservation): Dep<Reservation>,
    Config(routing): Config<Routing>,
) -> Result<Decision, StepError> {
    let next = if !reservation.missing.is_empty() {
        "reject_order"
    } else if cart.total_cents > routing.review_above_cents {
        "request_review"
    } else {
        "charge_payment"
    };
    Ok(Decision::steps([next]))
}

/// Ends an order that cannot be served. Nothing was taken, so nothing has to be given back.
pub async fn reject_order(
    Input(order): Input<OrderRef>,
    Dep(reservation): Dep<Reservation>,
    State(db): State<PgPool>,
) -> Result<(), StepError> {
    let reason = format!("out of stock: {}", reservation.missing.join(", "));
    let mut transaction = db.begin().await?;
    let held = super::hold_any(&mut transaction, order.order_id).await?;
    set_status(&mut transaction, order.order_id, "cancelled", Some(&reason)).await?;
    notify(
        &mut transaction,
        &held,
        "cancelled",
        &held.customer,
        &reason,
    )
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Hands a large order to a person. The task ends here; the answer over HTTP starts `settle_order` or `compensate_order`.
pub async fn request_review(
    Input(order): Input<OrderRef>,
    Dep(cart): Dep<Cart>,
    State(db): State<PgPool>,
) -> Result<(), StepError> {
    let mut transaction = db.begin().await?;
    let held = hold_open(&mut transaction, order.order_id).await?;
    if held.status == "reserved" {
        let text = format!(
            "an order over {} cents waits for a review",
            cart.total_cents
        );
        notify(&mut transaction, &held, "review", REVIEWERS, &text).await?;
        set_status(&mut transaction, order.order_id, "in_review", None).await?;
        transaction.commit().await?;
    }
    Ok(())
}
