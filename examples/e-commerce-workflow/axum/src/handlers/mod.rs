//! The steps of the workflows. Each may be executed any number of times: it looks at what is there, and changes it in one transaction.

mod compensate;
mod fulfil;
mod settle;

use sqlx::{PgPool, Postgres, Transaction};
use tasker_contrib_axum::{Handlers, StepError};
use uuid::Uuid;

use crate::bank::Bank;
use crate::orders::{self, Held};

pub use compensate::{close_order, refund_payment, release_stock, Refund, Released};
pub use fulfil::{
    reject_order, request_review, reserve_stock, route_order, validate_cart, Cart, CartLine,
    Reservation,
};
pub use settle::{charge_payment, create_shipment, notify_customer, Payment, Shipment};

/// What steps work with.
#[derive(Clone)]
pub struct Means {
    pub db: PgPool,
    pub bank: Bank,
}

impl axum::extract::FromRef<Means> for PgPool {
    fn from_ref(means: &Means) -> Self {
        means.db.clone()
    }
}

impl axum::extract::FromRef<Means> for Bank {
    fn from_ref(means: &Means) -> Self {
        means.bank.clone()
    }
}

/// All of them, by the callables of the task templates.
pub fn all(means: Means) -> Handlers {
    Handlers::new()
        .add("shop.validate_cart", validate_cart)
        .add("shop.reserve_stock", reserve_stock)
        .add("shop.route_order", route_order)
        .add("shop.reject_order", reject_order)
        .add("shop.request_review", request_review)
        .add("shop.charge_payment", charge_payment)
        .add("shop.create_shipment", create_shipment)
        .add("shop.notify_customer", notify_customer)
        .add("shop.refund_payment", refund_payment)
        .add("shop.release_stock", release_stock)
        .add("shop.close_order", close_order)
        .with_state(means)
}

/// Holds an order, whatever its state.
async fn hold_any(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
) -> Result<Held, StepError> {
    orders::hold(transaction, order).await?.ok_or_else(|| {
        StepError::permanent(format!("there is no order {order}")).code("unknown_order")
    })
}

/// Holds an order that goes on. One that is being compensated is not touched again, not even by a step that an operator repeats.
async fn hold_open(
    transaction: &mut Transaction<'_, Postgres>,
    order: Uuid,
) -> Result<Held, StepError> {
    let held = hold_any(transaction, order).await?;
    if held.is_closed() {
        return Err(
            StepError::permanent(format!("order {order} is {}", held.status)).code("order_closed"),
        );
    }
    Ok(held)
}
