//! The payment service as a process.

use std::future::IntoFuture as _;

use clap::Parser;
use e_commerce_axum::{database, service};
use tasker_contrib_axum::shutdown_signal;
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
#[command(
    about = "The payment service of the example: an HTTP API with books of its own",
    version
)]
struct Cli {
    /// The database; its books are in a schema of their own
    #[arg(long, env, hide_env_values = true)]
    database_url: String,
    /// Where to listen on
    #[arg(long, default_value_t = 3001)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let cli = Cli::parse();
    let books = database::connect(&cli.database_url, "bank", 10).await?;
    service::migrate(&books).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", cli.port)).await?;
    tracing::info!(
        "the payment service answers at http://{}",
        listener.local_addr()?
    );
    // Answers that never come are not waited for.
    tokio::select! {
        served = axum::serve(listener, service::router(books)).into_future() => served?,
        () = shutdown_signal() => {}
    }
    Ok(())
}
