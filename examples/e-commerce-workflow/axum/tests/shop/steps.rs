//! Steps on the real database and the real payment service. Each is executed more than once, as a worker that dies makes it happen.

use e_commerce_axum::handlers::{self, Cart, CartLine, Payment, Reservation, Shipment};
use e_commerce_axum::orders::{Line, OrderRef, Placed};
use e_commerce_axum::scenario::checkout;
use serde::Serialize;
use serde_json::{json, Value};
use tasker_contrib_axum::testing::{run_step, step, StepBuilder};
use tasker_contrib_axum::StepError;

use crate::stack::Stack;

fn of(order: Placed, callable: &str) -> StepBuilder {
    step(callable).context(OrderRef {
        order_id: order.order_id,
        attempt: 0,
    })
}

fn with<T: Serialize>(step: StepBuilder, name: &str, result: T) -> StepBuilder {
    step.result(name, result)
}

async fn reserve(
    stack: &Stack,
    order: Placed,
    sku: &str,
    quantity: i64,
) -> Result<Value, StepError> {
    let cart = Cart {
        total_cents: order.total_cents,
        lines: vec![CartLine {
            sku: sku.to_owned(),
            quantity,
            price_cents: 1,
        }],
    };
    let step = with(of(order, "shop.reserve_stock"), "validate_cart", cart);
    run_step(handlers::reserve_stock, step, stack.means()).await
}

async fn charge(stack: &Stack, order: Placed) -> Result<Value, StepError> {
    run_step(
        handlers::charge_payment,
        of(order, "shop.charge_payment"),
        stack.means(),
    )
    .await
}

async fn ship(stack: &Stack, order: Placed) -> Result<Value, StepError> {
    let paid = Payment {
        charge_key: String::new(),
        amount_cents: order.total_cents,
    };
    let step = with(of(order, "shop.create_shipment"), "charge_payment", paid);
    run_step(handlers::create_shipment, step, stack.means()).await
}

#[tokio::test]
async fn steps_that_run_again_change_nothing() {
    let stack = Stack::start().await;
    let order = stack.order("again-and-again", "mug", "tok_ok").await;
    for _ in 0..2 {
        let cart = run_step(
            handlers::validate_cart,
            of(order, "shop.validate_cart"),
            stack.means(),
        )
        .await
        .unwrap();
        assert_eq!(cart["total_cents"], 1250);
        assert_eq!(
            reserve(&stack, order, "mug", 1).await.unwrap(),
            json!(Reservation { missing: vec![] })
        );
        assert_eq!(stack.stock("mug").await, (40, 1));
    }
    let first = charge(&stack, order).await.unwrap();
    assert_eq!(charge(&stack, order).await.unwrap(), first);
    let books = stack.books(order).await;
    assert_eq!(
        (&books["captured_cents"], &books["charges"][0]["requests"]),
        (&json!(1250), &json!(2))
    );

    let first = ship(&stack, order).await.unwrap();
    assert_eq!(ship(&stack, order).await.unwrap(), first);
    assert_eq!(stack.stock("mug").await, (39, 0));

    let shipment = Shipment {
        tracking: first["tracking"].as_str().unwrap().to_owned(),
    };
    for _ in 0..2 {
        let step = with(
            of(order, "shop.notify_customer"),
            "create_shipment",
            &shipment,
        );
        run_step(handlers::notify_customer, step, stack.means())
            .await
            .unwrap();
    }
    assert_eq!(stack.status(order).await, "completed");
}

#[tokio::test]
async fn a_price_that_has_changed_ends_the_order() {
    let stack = Stack::start().await;
    let order = stack.order("price-changes", "mug", "tok_ok").await;
    sqlx::query("UPDATE products SET price_cents = 1300 WHERE sku = 'mug'")
        .execute(&stack.db)
        .await
        .unwrap();
    let error = run_step(
        handlers::validate_cart,
        of(order, "shop.validate_cart"),
        stack.means(),
    )
    .await
    .unwrap_err();
    assert_eq!(
        (error.error_code(), error.is_retryable()),
        (Some("price_changed"), false)
    );
    assert_eq!(
        error.message(),
        "the order is for 1250 cents, but costs 1300 now"
    );
}

#[tokio::test]
async fn the_last_goods_are_promised_once() {
    let stack = Stack::start().await;
    let first = stack.order("wants-the-last-1", "honey", "tok_ok").await;
    let second = stack.order("wants-the-last-2", "honey", "tok_ok").await;
    let (one, other) = tokio::join!(
        reserve(&stack, first, "honey", 2),
        reserve(&stack, second, "honey", 2)
    );
    let missing =
        [one.unwrap(), other.unwrap()].map(|answer| answer["missing"].as_array().unwrap().len());
    assert_eq!(
        missing.iter().sum::<usize>(),
        1,
        "one of them gets the goods: {missing:?}"
    );
    assert_eq!(stack.stock("honey").await, (2, 2));
}

#[tokio::test]
async fn nothing_is_promised_of_an_order_that_lacks_one_good() {
    let stack = Stack::start().await;
    let mut wanted = checkout("half-of-it", "tea", "tok_ok");
    wanted.lines.push(Line {
        sku: "honey".to_owned(),
        quantity: 3,
    });
    let order = stack.place(&wanted).await;
    let lines = wanted.lines.iter().map(|line| CartLine {
        sku: line.sku.clone(),
        quantity: line.quantity,
        price_cents: 1,
    });
    let cart = Cart {
        total_cents: 1,
        lines: lines.collect(),
    };
    let step = with(of(order, "shop.reserve_stock"), "validate_cart", cart);
    let answer = run_step(handlers::reserve_stock, step, stack.means())
        .await
        .unwrap();
    assert_eq!(answer, json!({"missing": ["honey"]}));
    assert_eq!(stack.stock("tea").await, (100, 0));
}

#[tokio::test]
async fn what_the_payment_service_does_decides_what_happens_next() {
    let stack = Stack::start().await;
    for (card, code, retryable) in [
        ("tok_declined", "card_declined", false),
        ("tok_broken", "payment_service_failed", true),
        ("tok_slow_twice", "payment_service_unavailable", true),
    ] {
        let order = stack.order(&format!("charged-{card}"), "tea", card).await;
        let error = charge(&stack, order).await.unwrap_err();
        assert_eq!(
            (error.error_code(), error.is_retryable()),
            (Some(code), retryable),
            "{card}"
        );
    }
}

#[tokio::test]
async fn compensation_gives_back_once_and_for_good() {
    let stack = Stack::start().await;
    let order = stack.order("given-back", "kettle", "tok_ok").await;
    reserve(&stack, order, "kettle", 1).await.unwrap();
    charge(&stack, order).await.unwrap();
    sqlx::query("UPDATE orders SET status = 'compensating' WHERE order_id = $1")
        .bind(order.order_id)
        .execute(&stack.db)
        .await
        .unwrap();

    for _ in 0..2 {
        let refund = run_step(
            handlers::refund_payment,
            of(order, "shop.refund_payment"),
            stack.means(),
        )
        .await
        .unwrap();
        assert_eq!(refund, json!({"refunded_cents": 4900}));
    }
    let released: Vec<Value> = [
        run_step(
            handlers::release_stock,
            of(order, "shop.release_stock"),
            stack.means(),
        )
        .await
        .unwrap(),
        run_step(
            handlers::release_stock,
            of(order, "shop.release_stock"),
            stack.means(),
        )
        .await
        .unwrap(),
    ]
    .into();
    assert_eq!(released, [json!({"goods": 1}), json!({"goods": 0})]);
    assert_eq!(stack.stock("kettle").await, (10, 0));
    assert_eq!(stack.books(order).await["refunded_cents"], 4900);

    // A step that an operator repeats afterwards takes nothing again.
    assert_eq!(
        charge(&stack, order).await.unwrap_err().error_code(),
        Some("order_closed")
    );
}

#[tokio::test]
async fn a_charge_that_arrives_after_its_refund_takes_nothing() {
    let stack = Stack::start().await;
    let order = stack.order("overtaken", "tea", "tok_ok").await;
    let key = format!("charge-{}", order.order_id);
    let refund = stack.bank.refund("refund-of-nothing", &key).await.unwrap();
    assert_eq!(
        (refund.state.as_str(), refund.refunded_cents),
        ("voided", 0)
    );
    let error = charge(&stack, order).await.unwrap_err();
    assert_eq!(
        (error.error_code(), error.is_retryable()),
        (Some("charge_voided"), false)
    );
}
