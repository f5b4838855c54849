//! Which way an order takes, in memory: the steps around the decision are stubs.

use e_commerce_axum::handlers::route_order;
use serde_json::{json, Value};
use tasker_contrib_axum::testing::{Workflow, WorkflowRun};

async fn run(total_cents: i64, missing: &[&str]) -> WorkflowRun {
    let done = json!({});
    let template = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/tasks/fulfil_order.yaml"
    );
    Workflow::from_file(template)
        .context(json!({"order_id": uuid::Uuid::nil()}))
        .handler("shop.route_order", route_order)
        .stub(
            "shop.validate_cart",
            json!({"total_cents": total_cents, "lines": []}),
        )
        .stub("shop.reserve_stock", json!({"missing": missing}))
        .stub("shop.reject_order", &done)
        .stub("shop.request_review", &done)
        .stub(
            "shop.charge_payment",
            json!({"charge_key": "charge-1", "amount_cents": total_cents}),
        )
        .stub("shop.create_shipment", json!({"tracking": "P1"}))
        .stub("shop.notify_customer", Value::Null)
        .run()
        .await
}

#[tokio::test]
async fn an_order_is_paid_shipped_and_told() {
    run(100_000, &[])
        .await
        .assert_complete()
        .assert_order(&[
            "validate_cart",
            "reserve_stock",
            "route_order",
            "charge_payment",
            "create_shipment",
            "notify_customer",
        ])
        .assert_absent(&["reject_order", "request_review"]);
}

#[tokio::test]
async fn an_order_above_the_limit_waits_for_a_person() {
    run(100_001, &[])
        .await
        .assert_complete()
        .assert_order(&["route_order", "request_review"])
        .assert_absent(&[
            "reject_order",
            "charge_payment",
            "create_shipment",
            "notify_customer",
        ]);
}

#[tokio::test]
async fn an_order_that_cannot_be_served_is_rejected_whatever_it_costs() {
    run(500_000, &["samovar"])
        .await
        .assert_complete()
        .assert_order(&["route_order", "reject_order"])
        .assert_absent(&[
            "request_review",
            "charge_payment",
            "create_shipment",
            "notify_customer",
        ]);
}
