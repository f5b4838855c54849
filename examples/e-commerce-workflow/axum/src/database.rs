//! Connections, schema and catalogue.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

const PATIENCE: Duration = Duration::from_secs(2);

/// Connections whose tables are those of one schema. Tasker's own tables are in others, and so is the bookkeeping of its migrations, which has
/// the same name as ours.
pub async fn connect(url: &str, schema: &str, connections: u32) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url)
        .context(
            "DATABASE_URL is not a PostgreSQL URL (postgresql://user:password@host:port/database)",
        )?
        .options([("search_path", schema)]);
    try_once(&options).await.with_context(|| {
        format!(
            "no connection to PostgreSQL at {}:{}; is it running, and is DATABASE_URL right?",
            options.get_host(),
            options.get_port()
        )
    })?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// A pool waits much longer before it says why it has no connection.
async fn try_once(options: &PgConnectOptions) -> anyhow::Result<()> {
    let connecting = PgConnection::connect_with(options);
    let connection = tokio::time::timeout(PATIENCE, connecting).await??;
    connection.close().await?;
    Ok(())
}

/// Brings the shop's schema up to date.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::query("CREATE SCHEMA IF NOT EXISTS shop")
        .execute(pool)
        .await?;
    sqlx::migrate!("migrations/shop").run(pool).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Product {
    sku: String,
    name: String,
    price_cents: i64,
    on_hand: i64,
}

/// Puts the products of a file on offer. Those that are there keep their stock.
pub async fn stock_up(pool: &PgPool, file: &Path) -> anyhow::Result<()> {
    let place = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{place} cannot be read"))?;
    let products: Vec<Product> =
        serde_json::from_str(&text).with_context(|| format!("{place} is not a catalogue"))?;
    let mut transaction = pool.begin().await?;
    for product in products {
        sqlx::query(
            "INSERT INTO products (sku, name, price_cents) VALUES ($1, $2, $3)
             ON CONFLICT (sku) DO UPDATE SET name = excluded.name, price_cents = excluded.price_cents",
        )
        .bind(&product.sku)
        .bind(&product.name)
        .bind(product.price_cents)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO stock (sku, on_hand) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&product.sku)
            .bind(product.on_hand)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}
