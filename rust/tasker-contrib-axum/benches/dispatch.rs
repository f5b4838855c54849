//! What a handler of this crate costs over one that is written for Core: `cargo bench --package tasker-contrib-axum --bench dispatch`.
// The function that criterion_group! makes has no documentation.
#![allow(missing_docs)]

mod ratio;

use std::hint::black_box;

use async_trait::async_trait;
use criterion::{criterion_group, Criterion};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use tasker_contrib_axum::testing::{run_registered, step};
use tasker_contrib_axum::{Dep, Handlers, Input, State, Step, StepError, StepOutput};
use tasker_shared::messaging::StepExecutionResult;
use tasker_shared::types::TaskSequenceStep;
use tasker_shared::TaskerResult;
use tasker_worker::worker::handlers::StepHandler;

#[derive(Deserialize)]
struct Order {
    amount: i64,
}

#[derive(Serialize, Deserialize)]
struct Cart {
    total: i64,
}

impl StepOutput for Cart {
    const STEP: &'static str = "validate_cart";
}

async fn charge(
    Input(order): Input<Order>,
    Dep(cart): Dep<Cart>,
    State(rate): State<i64>,
) -> Result<Value, StepError> {
    Ok(json!({"charged": order.amount * rate + cart.total}))
}

/// The same, written for Core.
struct Bare(i64);

#[async_trait]
impl StepHandler for Bare {
    async fn call(&self, step: &TaskSequenceStep) -> TaskerResult<StepExecutionResult> {
        let wrong = |error: serde_json::Error| {
            tasker_shared::TaskerError::ValidationError(error.to_string())
        };
        let context = step.task.task.context.clone().unwrap_or_default();
        let order: Order = serde_json::from_value(context).map_err(wrong)?;
        let cart = step.dependency_results["validate_cart"].result.clone();
        let cart: Cart = serde_json::from_value(cart).map_err(wrong)?;
        let id = step.workflow_step.workflow_step_uuid;
        let result = json!({"charged": order.amount * self.0 + cart.total});
        Ok(StepExecutionResult::success(id, result, 0, None))
    }

    fn name(&self) -> &str {
        "shop.charge"
    }
}

fn given() -> Step {
    step("shop.charge")
        .context(json!({"amount": 5, "customer": {"name": "A", "city": "B"}}))
        .result("validate_cart", json!({"total": 7}))
        .timeout_seconds(30)
        .build()
}

fn dispatch(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (step, handlers) = (
        given(),
        Handlers::new().add("shop.charge", charge).with_state(3_i64),
    );
    let mut group = criterion.benchmark_group("dispatch");
    group.bench_function("ours", |bench| {
        bench.to_async(&runtime).iter(|| async {
            black_box(run_registered(&handlers, &step).await).expect("it succeeds")
        });
    });
    let bare: Box<dyn StepHandler> = Box::new(Bare(3));
    group.bench_function("bare", |bench| {
        bench
            .to_async(&runtime)
            .iter(|| async { black_box(bare.call(step.core()).await).expect("it succeeds") });
    });
    group.finish();
}

criterion_group!(benches, dispatch);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    let (ours, bare) = (
        ratio::mean("dispatch", "ours"),
        ratio::mean("dispatch", "bare"),
    );
    println!(
        "\ndispatch: {:.2} µs a step over a bare Core handler ({:.2} µs against {:.2} µs, {:.2} times)",
        (ours - bare) / 1000.0,
        ours / 1000.0,
        bare / 1000.0,
        ours / bare
    );
}
