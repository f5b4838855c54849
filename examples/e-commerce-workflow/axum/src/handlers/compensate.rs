//! Taking back what a failed order has done.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tasker_contrib_axum::{Dep, Input, State, StepError, StepOutput};

use super::hold_any;
use crate::bank::Bank;
use crate::orders::{notify, set_status, OrderRef};
use crate::stock;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Cents that the customer got back.
    pub refunded_cents: i64,
}

impl StepOutput for Refund {
    const STEP: &'static str = "refund_payment";
}

/// A charge that was asked for may have been made, even when its answer never came. The payment service knows.
pub async fn refund_payment(
    Input(order): Input<OrderRef>,
    State(db): State<PgPool>,
    State(bank): State<Bank>,
) -> Result<Refund, StepError> {
    let charge: Option<String> = sqlx::query_scalar(
        "SELECT charge_key FROM payments WHERE order_id = $1 AND state <> 'declined'",
    )
    .bind(order.order_id)
    .fetch_optional(&db)
    .await?;
    let Some(charge) = charge else {
        return Ok(Refund { refunded_cents: 0 });
    };
    let done = bank
        .refund(&format!("refund-{}", order.order_id), &charge)
        .await?;
    sqlx::query("UPDATE payments SET state = $2 WHERE order_id = $1")
        .bind(order.order_id)
        .bind(&done.state)
        .execute(&db)
        .await?;
    Ok(Refund {
        refunded_cents: done.refunded_cents,
    })
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// How many goods can be sold again.
    pub goods: i64,
}

impl StepOutput for Released {
    const STEP: &'static str = "release_stock";
}

pub async fn release_stock(
    Input(order): Input<OrderRef>,
    State(db): State<PgPool>,
) -> Result<Released, StepError> {
    let mut transaction = db.begin().await?;
    hold_any(&mut transaction, order.order_id).await?;
    let goods = stock::release(&mut transaction, order.order_id).await?;
    transaction.commit().await?;
    Ok(Released { goods })
}

pub async fn close_order(
    Input(order): Input<OrderRef>,
    Dep(refund): Dep<Refund>,
    State(db): State<PgPool>,
) -> Result<(), StepError> {
    let mut transaction = db.begin().await?;
    let held = hold_any(&mut transaction, order.order_id).await?;
    let text = format!(
        "your order is cancelled; {} cents were paid back",
        refund.refunded_cents
    );
    notify(&mut transaction, &held, "cancelled", &held.customer, &text).await?;
    set_status(&mut transaction, order.order_id, "cancelled", None).await?;
    transaction.commit().await?;
    Ok(())
}
