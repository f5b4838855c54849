//! Many customers want the same product at the same time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde_json::{json, Value};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{audit, checkout, Shop, POLL};
use crate::orders::Checkout;

/// Requests under way at the same time. Every customer is there from the beginning; this is what their connections hold.
const CONNECTIONS: usize = 64;
/// A customer who is not served tries again so many times.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(clap::Args)]
pub struct Rush {
    /// What they want
    sku: String,
    /// How many they are
    #[arg(long, default_value_t = 200)]
    customers: usize,
    /// How long everything may take, in seconds
    #[arg(long, default_value_t = 240)]
    patience: u64,
}

pub async fn run(shop: &Shop, rush: &Rush) -> anyhow::Result<Value> {
    let end = Instant::now() + Duration::from_secs(rush.patience);
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()?;
    let url = Arc::new(Shop {
        url: shop.url.clone(),
        bank_url: String::new(),
        database_url: String::new(),
        review_token: String::new(),
    });
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let mut customers = JoinSet::new();
    for number in 0..rush.customers {
        let wanted = checkout(
            &format!("{}-customer-{number:03}", rush.sku),
            &rush.sku,
            "tok_ok",
        );
        let (shop, http, connections) = (url.clone(), http.clone(), connections.clone());
        customers.spawn(async move {
            let _connection = connections.acquire_owned().await;
            insist(&shop, &http, &wanted).await
        });
    }
    let mut repeated = 0;
    while let Some(served) = customers.join_next().await {
        repeated += served??;
    }
    eprintln!(
        "{} customers were served, after {repeated} repetitions",
        rush.customers
    );
    let db = audit::database(shop).await?;
    loop {
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM orders JOIN order_lines USING (order_id)
             WHERE sku = $1 AND status NOT IN ('completed', 'cancelled')",
        )
        .bind(&rush.sku)
        .fetch_one(&db)
        .await?;
        if open == 0 {
            break;
        }
        if Instant::now() > end {
            bail!("{open} orders are still open after {} s", rush.patience);
        }
        tokio::time::sleep(POLL).await;
    }
    let books = audit::of_product(shop, &rush.sku).await?;
    Ok(json!({"customers": rush.customers, "books": books}))
}

/// One customer: the same checkout again until the shop has answered. A shop that is replaced meanwhile may cut connections, and nobody knows
/// then what became of the request.
async fn insist(shop: &Shop, http: &reqwest::Client, wanted: &Checkout) -> anyhow::Result<usize> {
    let end = Instant::now() + PATIENCE;
    let mut repeated = 0;
    loop {
        let answer = shop.buy(http, wanted).await;
        match &answer {
            Ok((200..=202, _)) => return Ok(repeated),
            Ok((502..=504, _)) | Err(_) if Instant::now() < end => {}
            _ => bail!("{} was answered {answer:?}", wanted.checkout_id),
        }
        repeated += 1;
        tokio::time::sleep(POLL).await;
    }
}
