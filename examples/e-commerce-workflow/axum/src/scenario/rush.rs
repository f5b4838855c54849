//! Many customers want the same product at the same time.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde_json::{json, Value};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{audit, checkout, Shop, POLL};
use crate::orders::Checkout;

/// Requests under way at the same time. Every customer is there from the beginning; this is what their connections hold.
const CONNECTIONS: usize = 64;
/// How long a customer who is not served tries again.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(clap::Args)]
pub struct Rush {
    /// What they want
    pub sku: String,
    /// How many they are
    #[arg(long, default_value_t = 200)]
    pub customers: usize,
    /// How long everything may take, in seconds
    #[arg(long, default_value_t = 240)]
    pub patience: u64,
}

pub async fn run(shop: &Shop, rush: &Rush) -> anyhow::Result<Value> {
    let end = Instant::now() + Duration::from_secs(rush.patience);
    // A shop that is replaced meanwhile may cut connections.
    serve_all(shop, rush, 502..=504, PATIENCE).await?;
    let db = audit::database(shop).await?;
    loop {
        let open = open_orders(&db, &rush.sku).await?;
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

/// Lets every customer insist until the shop has an order. Answers of these statuses are asked for again, like those that never come.
pub async fn serve_all(
    shop: &Shop,
    rush: &Rush,
    unserved: RangeInclusive<u16>,
    patience: Duration,
) -> anyhow::Result<()> {
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
        let unserved = unserved.clone();
        customers.spawn(async move {
            let _connection = connections.acquire_owned().await;
            insist(&shop, &http, &wanted, unserved, patience).await
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
    Ok(())
}

/// Orders of a product that go on.
pub async fn open_orders(db: &PgPool, sku: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM orders JOIN order_lines USING (order_id)
         WHERE sku = $1 AND status NOT IN ('completed', 'cancelled')",
    )
    .bind(sku)
    .fetch_one(db)
    .await
}

/// One customer: the same checkout again until the shop has answered. Of a connection that is cut nobody knows what became of the request.
async fn insist(
    shop: &Shop,
    http: &reqwest::Client,
    wanted: &Checkout,
    unserved: RangeInclusive<u16>,
    patience: Duration,
) -> anyhow::Result<usize> {
    let end = Instant::now() + patience;
    let mut repeated = 0;
    loop {
        let answer = shop.buy(http, wanted).await;
        match &answer {
            Ok((200..=202, _)) => return Ok(repeated),
            Ok((status, _)) if unserved.contains(status) && Instant::now() < end => {}
            Err(_) if Instant::now() < end => {}
            _ => bail!("{} was answered {answer:?}", wanted.checkout_id),
        }
        repeated += 1;
        tokio::time::sleep(POLL).await;
    }
}
