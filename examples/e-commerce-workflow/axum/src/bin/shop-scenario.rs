//! What `example.toml` runs: many customers at once, a review, a browser; and what is in all the books afterwards.

use clap::{Parser, Subcommand};
use e_commerce_axum::scenario::{audit, chaos, crash, page, review, rush, Shop};
use serde_json::Value;

#[derive(Parser)]
#[command(
    about = "Drives the scenarios of the example and looks into its books",
    version
)]
struct Cli {
    #[command(flatten)]
    shop: Shop,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Waits until an order is settled, then prints what the shop's database and the payment service's books have about it
    Audit {
        /// The checkout that placed it
        checkout_id: String,
        /// A further product whose stock is printed
        #[arg(long)]
        sku: Option<String>,
    },
    /// Many customers want the same product at the same time
    Rush(rush::Rush),
    /// The same while processes are killed, as `cargo xtask e2e --chaos` does
    Chaos(rush::Rush),
    /// A large order that a person approves, and one that is rejected
    Review(review::Review),
    /// A process that dies between the order and its task
    Crash {
        /// The product that is ordered
        sku: String,
    },
    /// An order in a browser, from the click to the parcel
    Page(page::Page),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let shop = cli.shop;
    let answer: Value = match cli.command {
        Command::Audit { checkout_id, sku } => {
            audit::of_order(&shop, &checkout_id, sku.as_deref()).await?
        }
        Command::Rush(rush) => rush::run(&shop, &rush).await?,
        Command::Chaos(rush) => chaos::run(&shop, &rush).await?,
        Command::Review(review) => review::run(&shop, &review).await?,
        Command::Crash { sku } => crash::run(&shop, &sku).await?,
        Command::Page(page) => page::run(&shop, &page).await?,
    };
    println!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(())
}
