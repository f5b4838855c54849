//! Money, parcel, mail.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tasker_contrib_axum::{Dep, Input, State, StepError, StepOutput};
use uuid::Uuid;

use super::{hold_any, hold_open};
use crate::bank::{Bank, Charge};
use crate::orders::{notify, set_status, OrderRef};
use crate::stock;

/// Where the carrier goes.
const DELIVERED_TO: [&str; 6] = ["AT", "CH", "DE", "DK", "FR", "NL"];

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub charge_key: String,
    pub amount_cents: i64,
}

impl StepOutput for Payment {
    const STEP: &'static str = "charge_payment";
}

/// The order's one and only charge.
pub fn charge_key(order: Uuid) -> String {
    format!("charge-{order}")
}

/// Writes down what it is about to do, asks the payment service under a key that is the same in each attempt, and writes down what came of
/// it. No transaction is open while the service is asked.
pub async fn charge_payment(
    Input(order): Input<OrderRef>,
    State(db): State<PgPool>,
    State(bank): State<Bank>,
) -> Result<Payment, StepError> {
    let key = charge_key(order.order_id);
    let mut transaction = db.begin().await?;
    let held = hold_open(&mut transaction, order.order_id).await?;
    sqlx::query("INSERT INTO payments (order_id, charge_key, amount_cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(order.order_id)
        .bind(&key)
        .bind(held.total_cents)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;

    let reference = order.order_id.to_string();
    let charge = Charge {
        key: &key,
        reference: &reference,
        amount_cents: held.total_cents,
        card: &held.card,
    };
    let charged = bank.charge(&charge).await;

    let declined = charged
        .as_ref()
        .is_err_and(|error| error.error_code() == Some("card_declined"));
    if charged.is_ok() || declined {
        let mut transaction = db.begin().await?;
        let state = if declined { "declined" } else { "captured" };
        let changed =
            sqlx::query("UPDATE payments SET state = $2 WHERE order_id = $1 AND state = 'pending'")
                .bind(order.order_id)
                .bind(state)
                .execute(&mut *transaction)
                .await?;
        if changed.rows_affected() == 1 && !declined {
            // The money is taken, so this is written whatever happened meanwhile; compensation gives it back.
            let held = hold_any(&mut transaction, order.order_id).await?;
            if held.status == "reserved" {
                set_status(&mut transaction, order.order_id, "paid", None).await?;
            }
        }
        transaction.commit().await?;
    }
    charged.map(|()| Payment {
        charge_key: key,
        amount_cents: held.total_cents,
    })
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    pub tracking: String,
}

impl StepOutput for Shipment {
    const STEP: &'static str = "create_shipment";
}

/// Hands the goods to the carrier, who refuses some countries.
pub async fn create_shipment(
    Input(order): Input<OrderRef>,
    Dep(_paid): Dep<Payment>,
    State(db): State<PgPool>,
) -> Result<Shipment, StepError> {
    let mut transaction = db.begin().await?;
    let held = hold_open(&mut transaction, order.order_id).await?;
    if !DELIVERED_TO.contains(&held.country.as_str()) {
        let text = format!("the carrier does not deliver to {}", held.country);
        return Err(StepError::permanent(text).code("undeliverable"));
    }
    // The key of this effect is the order: whoever comes second finds the first one's parcel.
    let tracking = format!("P{}", order.order_id.simple());
    let new = sqlx::query(
        "INSERT INTO shipments (order_id, tracking) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(order.order_id)
    .bind(&tracking)
    .execute(&mut *transaction)
    .await?;
    if new.rows_affected() == 1 {
        stock::hand_out(&mut transaction, order.order_id).await?;
        set_status(&mut transaction, order.order_id, "shipped", None).await?;
    }
    transaction.commit().await?;
    Ok(Shipment { tracking })
}

pub async fn notify_customer(
    Input(order): Input<OrderRef>,
    Dep(shipment): Dep<Shipment>,
    State(db): State<PgPool>,
) -> Result<(), StepError> {
    let mut transaction = db.begin().await?;
    let held = hold_open(&mut transaction, order.order_id).await?;
    let text = format!("your parcel is {}", shipment.tracking);
    notify(&mut transaction, &held, "shipped", &held.customer, &text).await?;
    set_status(&mut transaction, order.order_id, "completed", None).await?;
    transaction.commit().await?;
    Ok(())
}
