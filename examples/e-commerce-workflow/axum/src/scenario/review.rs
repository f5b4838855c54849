//! A large order that a person approves, and one that is rejected.

use std::time::Duration;

use serde_json::{json, Value};

use super::{checkout, order_id, Shop};
use crate::bank::Bank;

const PATIENCE: Duration = Duration::from_secs(45);

#[derive(clap::Args)]
pub struct Review {
    /// A product that costs enough
    sku: String,
}

pub async fn run(shop: &Shop, review: &Review) -> anyhow::Result<Value> {
    let http = reqwest::Client::new();
    let bank = Bank::new(&shop.bank_url, Duration::from_secs(10))?;
    let mut story = json!({});
    for (name, approved, end) in [
        ("approved", true, "completed"),
        ("rejected", false, "cancelled"),
    ] {
        let (_, placed) = shop
            .buy(
                &http,
                &checkout(&format!("review-{name}"), &review.sku, "tok_ok"),
            )
            .await?;
        let order = order_id(&placed)?;
        let waiting = shop.order_is(order, &["in_review"], PATIENCE).await?;
        let before = bank.books(&order.to_string()).await?;
        let (stranger, _) = shop.decide(order, approved, "a-guess").await?;
        let (decided, answer) = shop.decide(order, approved, &shop.review_token).await?;
        let settled = shop.order_is(order, &[end], PATIENCE).await?;
        let (again, _) = shop.decide(order, !approved, &shop.review_token).await?;
        story[name] = json!({
            "waits_as": waiting["status"], "charged_before": before["captured_cents"], "mails_before": waiting["mails"],
            "stranger": stranger, "decided": decided, "workflow": answer["workflow"], "decided_again": again,
            "status": settled["status"], "reason": settled["reason"], "reviewed_by": settled["reviewed_by"],
        });
    }
    Ok(story)
}
