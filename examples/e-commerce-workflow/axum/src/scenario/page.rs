//! An order in a browser, from the click to the parcel.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use serde_json::{json, Value};
use tokio::time::Instant;

use super::browser::Browser;
use super::Shop;

const PATIENCE: Duration = Duration::from_secs(60);
/// Often enough to see states that pass.
const GLANCE: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
pub struct Page {
    /// What is bought
    sku: String,
    /// The card it is paid with
    #[arg(long, default_value = "tok_broken_once")]
    card: String,
    /// Where the picture of the page goes
    #[arg(long)]
    picture: PathBuf,
}

pub async fn run(shop: &Shop, page: &Page) -> anyhow::Result<Value> {
    let browser = Browser::start().await?;
    let seen = story(&browser, shop, page).await;
    browser.close().await;
    seen
}

async fn story(browser: &Browser, shop: &Shop, page: &Page) -> anyhow::Result<Value> {
    browser.open(&format!("{}/", shop.url)).await?;
    until(
        browser,
        "return document.querySelectorAll('#checkout option[value]').length > 5",
    )
    .await?;
    let choose = format!(
        "document.forms.checkout.sku.value = {}; document.forms.checkout.card.value = {}",
        json!(page.sku),
        json!(page.card)
    );
    browser.run(&choose).await?;
    browser.click("#buy").await?;
    until(browser, "return location.pathname.startsWith('/orders/')").await?;

    let end = Instant::now() + PATIENCE;
    let mut statuses: Vec<String> = Vec::new();
    let mut retry_seen = false;
    loop {
        let now = browser
            .run(
                "const row = document.querySelector('[data-step=charge_payment]');
                 return {status: document.getElementById('status')?.className, charge: row?.className}",
            )
            .await?;
        let status = now["status"].as_str().unwrap_or_default().to_owned();
        retry_seen |= now["charge"] == "waiting_for_retry";
        if statuses.last() != Some(&status) {
            statuses.push(status.clone());
        }
        if status == "completed" {
            break;
        }
        if Instant::now() > end {
            bail!("the page went through {statuses:?} and did not come to an end");
        }
        tokio::time::sleep(GLANCE).await;
    }
    // Only server-sent events write into this list.
    until(browser, "return document.querySelector('#log [data-kind=step_completed][data-step=notify_customer]') !== null").await?;
    let events = browser
        .run("return [...document.querySelectorAll('#log li')].map((line) => `${line.dataset.kind} ${line.dataset.step}`)")
        .await?;
    browser.picture(&page.picture).await?;
    let events: Vec<String> = serde_json::from_value(events)?;
    let live = |wanted: &str| events.iter().filter(|event| *event == wanted).count();
    Ok(json!({
        "ended_as": statuses.last(),
        "was_under_way_before": statuses.len() > 1,
        "retry_was_seen": retry_seen,
        "charge_failed_live": live("step_failed charge_payment"),
        "charge_completed_live": live("step_completed charge_payment"),
        "shipment_completed_live": live("step_completed create_shipment"),
    }))
}

/// Waits until a script in the page returns true.
async fn until(browser: &Browser, script: &str) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while browser.run(script).await? != json!(true) {
        if Instant::now() > end {
            bail!("in the page, this never became true: {script}");
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}
