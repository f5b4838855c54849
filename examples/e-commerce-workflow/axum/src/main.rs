//! The shop: `shop migrate`, then `shop serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use e_commerce_axum::bank::Bank;
use e_commerce_axum::database;
use e_commerce_axum::handlers::{self, Means};
use e_commerce_axum::http::{self, App, ReviewToken};
use e_commerce_axum::tasks::Tasks;
use e_commerce_axum::watch::Watch;
use sqlx::PgPool;
use tasker_contrib_axum::{shutdown_signal, TaskerConfig, TaskerWorker};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

const CONNECTIONS: u32 = 10;

#[derive(Parser)]
#[command(about = "Order fulfilment as a shop would build it", version)]
struct Cli {
    /// The database; Tasker's own tables are in it, too
    #[arg(long, env, hide_env_values = true)]
    database_url: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Brings the schema up to date and puts the products of a file on offer
    Migrate {
        /// A JSON list of products
        #[arg(long, default_value = "../catalogue.json")]
        catalogue: PathBuf,
    },
    /// Serves the API and the pages, and executes the steps of orders
    Serve(Serve),
}

#[derive(clap::Args)]
struct Serve {
    /// The port to listen on
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// The payment service
    #[arg(long, env = "SHOP_BANK_URL", default_value = "http://127.0.0.1:3001")]
    bank_url: String,
    /// Time limit for an answer of the payment service, in milliseconds
    #[arg(long, env = "SHOP_BANK_TIMEOUT_MS", default_value_t = 5000)]
    bank_timeout_ms: u64,
    /// The token that reviewers of large orders send
    #[arg(long, env = "SHOP_REVIEW_TOKEN", hide_env_values = true)]
    review_token: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,e_commerce_axum=info,tasker_contrib_axum=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let cli = Cli::parse();
    let db = database::connect(&cli.database_url, "shop", CONNECTIONS).await?;
    match cli.command {
        Command::Migrate { catalogue } => {
            database::migrate(&db).await?;
            database::stock_up(&db, &catalogue).await
        }
        Command::Serve(options) => serve(db, options).await,
    }
}

async fn serve(db: PgPool, options: Serve) -> anyhow::Result<()> {
    let bank = Bank::new(
        &options.bank_url,
        Duration::from_millis(options.bank_timeout_ms),
    )?;
    let worker = TaskerWorker::builder()
        .config(TaskerConfig::from_env().set("database.pool_size", 10))
        .handlers(handlers::all(Means {
            db: db.clone(),
            bank,
        }))
        .build()
        .await?;
    let tasker = worker.client();
    let tasks = Tasks::new(db.clone());
    let relay = tasks.relay(tasker.clone()).await?;
    let (open, closed) = oneshot::channel::<()>();
    let relaying = tokio::spawn(relay.run(async { closed.await.unwrap_or_default() }));
    let watching = tokio::spawn(Watch::new(db.clone(), tasker.clone()).run(worker.events()));
    let app = App {
        db,
        tasker,
        tasks,
        review_token: ReviewToken(options.review_token),
    };
    // Whoever has an order's page may follow it, so the events need no authentication here.
    let routes = http::router(app)
        .merge(worker.router())
        .merge(worker.event_router());
    let listener = listen(options.port).context("cannot listen on the port (PORT)")?;
    tracing::info!("the shop is open at http://127.0.0.1:{}", options.port);
    worker.serve(listener, routes, shutdown_signal()).await?;
    watching.abort();
    // The last requests have their tasks; the row in hand is finished.
    drop(open);
    relaying.await?;
    Ok(())
}

/// Listens beside a predecessor that is still answering its last requests, so that one shop can take over from another.
fn listen(port: u16) -> std::io::Result<tokio::net::TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(1024)?;
    tokio::net::TcpListener::from_std(socket.into())
}
