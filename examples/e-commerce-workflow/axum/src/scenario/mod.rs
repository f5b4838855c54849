//! Customers, reviewers, a browser, and an auditor.

pub mod audit;
pub mod browser;
pub mod chaos;
pub mod crash;
pub mod page;
pub mod review;
pub mod rush;

use std::time::Duration;

use anyhow::{bail, Context as _};
use serde_json::{json, Value};
use tokio::time::Instant;
use uuid::Uuid;

use crate::orders::{Checkout, Line};

const POLL: Duration = Duration::from_millis(100);

/// Where everything is.
#[derive(clap::Args)]
pub struct Shop {
    /// The shop
    #[arg(
        long,
        env = "SHOP_URL",
        default_value = "http://127.0.0.1:3000",
        global = true
    )]
    pub url: String,
    /// The payment service
    #[arg(
        long,
        env = "SHOP_BANK_URL",
        default_value = "http://127.0.0.1:3001",
        global = true
    )]
    pub bank_url: String,
    /// The database
    #[arg(
        long,
        env,
        hide_env_values = true,
        global = true,
        default_value = "postgresql://tasker:tasker@127.0.0.1:5432/tasker"
    )]
    pub database_url: String,
    /// What reviewers have to show
    #[arg(
        long,
        env = "SHOP_REVIEW_TOKEN",
        hide_env_values = true,
        global = true,
        default_value = ""
    )]
    pub review_token: String,
}

impl Shop {
    /// An order that the shop has in its books.
    pub async fn order(&self, order: Uuid) -> anyhow::Result<Value> {
        let answer = reqwest::get(format!("{}/api/orders/{order}", self.url)).await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Waits until an order is in one of these states.
    pub async fn order_is(
        &self,
        order: Uuid,
        wanted: &[&str],
        patience: Duration,
    ) -> anyhow::Result<Value> {
        let end = Instant::now() + patience;
        loop {
            let found = self.order(order).await?;
            let status = found["status"].as_str().unwrap_or_default();
            if wanted.contains(&status) {
                return Ok(found);
            }
            if Instant::now() > end {
                bail!(
                    "order {order} is still `{status}` and not {} after {patience:?}",
                    wanted.join(" or ")
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Buys, and gives the shop's answer with its status.
    pub async fn buy(
        &self,
        http: &reqwest::Client,
        checkout: &Checkout,
    ) -> reqwest::Result<(u16, Value)> {
        let answer = http
            .post(format!("{}/api/orders", self.url))
            .json(checkout)
            .send()
            .await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await?))
    }

    /// Decides about an order that waits for it.
    pub async fn decide(
        &self,
        order: Uuid,
        approved: bool,
        token: &str,
    ) -> anyhow::Result<(u16, Value)> {
        let answer = reqwest::Client::new()
            .post(format!("{}/api/orders/{order}/review", self.url))
            .bearer_auth(token)
            .json(&json!({"approved": approved, "reviewer": "head-of-sales"}))
            .send()
            .await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await?))
    }
}

/// What a customer of the scenarios wants.
pub fn checkout(checkout_id: &str, sku: &str, card: &str) -> Checkout {
    Checkout {
        checkout_id: checkout_id.to_owned(),
        customer: format!("{checkout_id}@customers.example"),
        country: "DE".to_owned(),
        card: card.to_owned(),
        lines: vec![Line {
            sku: sku.to_owned(),
            quantity: 1,
        }],
    }
}

/// The id of an order in an answer of the shop.
pub fn order_id(answer: &Value) -> anyhow::Result<Uuid> {
    let id = answer["order_id"]
        .as_str()
        .with_context(|| format!("the shop answered {answer}"))?;
    Ok(id.parse()?)
}
