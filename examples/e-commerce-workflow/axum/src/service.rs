//! The payment service: a process of its own, with an HTTP API and books that nobody else writes.
//!
//! Its cards behave as their tokens say:
//!
//! | Card | Does |
//! | --- | --- |
//! | `tok_ok` | pays |
//! | `tok_declined` | is declined |
//! | `tok_slow_twice` | pays at the first request, but the first two answers never arrive |
//! | `tok_broken_once` | the first request ends with 500, before anything is booked |
//! | `tok_broken` | every request ends with 500 |

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{json, Value};
use sqlx::PgPool;

/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Brings its schema up to date.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::query("CREATE SCHEMA IF NOT EXISTS bank")
        .execute(pool)
        .await?;
    sqlx::migrate!("migrations/bank").run(pool).await?;
    Ok(())
}

/// Its API.
pub fn router(books: PgPool) -> Router {
    Router::new()
        .route(
            "/health",
            get(|| async { Json(json!({"status": "healthy"})) }),
        )
        .route("/charges", post(charge))
        .route("/refunds", post(refund))
        .route("/books", get(statement))
        .with_state(books)
}

/// An answer other than 200.
struct Refusal(StatusCode, &'static str, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"code": self.1, "message": self.2}))).into_response()
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the books cannot be written");
        Self(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the books cannot be written".to_owned(),
        )
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<&str, Refusal> {
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok());
    key.filter(|key| (1..=200).contains(&key.len()))
        .ok_or_else(|| {
            Refusal(
                StatusCode::UNPROCESSABLE_ENTITY,
                "no_key",
                "the header Idempotency-Key is missing".to_owned(),
            )
        })
}

#[derive(Deserialize)]
struct ChargeRequest {
    amount_cents: i64,
    card: String,
    reference: String,
}

#[derive(sqlx::FromRow)]
struct Charge {
    reference: String,
    card: String,
    amount_cents: i64,
    state: String,
    requests: i64,
}

async fn charge(
    State(books): State<PgPool>,
    headers: HeaderMap,
    Json(wanted): Json<ChargeRequest>,
) -> Result<Json<Value>, Refusal> {
    let key = idempotency_key(&headers)?;
    if wanted.amount_cents <= 0 || !wanted.card.starts_with("tok_") {
        let text = "a charge has a positive amount and a card token".to_owned();
        return Err(Refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_charge",
            text,
        ));
    }
    let mut transaction = books.begin().await?;
    let charge: Charge = sqlx::query_as(
        "INSERT INTO charges (key, reference, card, amount_cents, state, requests) VALUES ($1, $2, $3, $4, 'new', 1)
         ON CONFLICT (key) DO UPDATE SET requests = charges.requests + 1
         RETURNING reference, card, amount_cents, state, requests",
    )
    .bind(key)
    .bind(&wanted.reference)
    .bind(&wanted.card)
    .bind(wanted.amount_cents)
    .fetch_one(&mut *transaction)
    .await?;
    let same = charge.amount_cents == wanted.amount_cents
        && charge.card == wanted.card
        && charge.reference == wanted.reference;
    if !same && charge.state != "voided" {
        let text = "this idempotency key belongs to another charge".to_owned();
        return Err(Refusal(StatusCode::CONFLICT, "key_reused", text));
    }
    let broken = match charge.card.as_str() {
        "tok_broken" => true,
        "tok_broken_once" => charge.requests == 1,
        _ => false,
    };
    let state = match (charge.state.as_str(), charge.card.as_str()) {
        ("new", _) if broken => "new",
        ("new", "tok_declined") => "declined",
        ("new", _) => "captured",
        (booked, _) => booked,
    };
    sqlx::query("UPDATE charges SET state = $2 WHERE key = $1")
        .bind(key)
        .bind(state)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    if charge.card == "tok_slow_twice" && charge.requests <= 2 {
        tokio::time::sleep(FOR_EVER).await;
    }
    match state {
        "captured" => Ok(Json(
            json!({"state": "captured", "amount_cents": charge.amount_cents}),
        )),
        "declined" => Err(Refusal(
            StatusCode::PAYMENT_REQUIRED,
            "card_declined",
            "the card was declined".to_owned(),
        )),
        "voided" => Err(Refusal(
            StatusCode::CONFLICT,
            "charge_voided",
            "this charge was taken back".to_owned(),
        )),
        _ => Err(Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something broke".to_owned(),
        )),
    }
}

#[derive(Deserialize)]
struct RefundRequest {
    charge_key: String,
}

/// Also of a charge that never arrived: it is void then, so that one which is still on its way cannot take money any more.
async fn refund(
    State(books): State<PgPool>,
    headers: HeaderMap,
    Json(wanted): Json<RefundRequest>,
) -> Result<Json<Value>, Refusal> {
    let key = idempotency_key(&headers)?;
    let mut transaction = books.begin().await?;
    let (state, amount): (String, i64) = sqlx::query_as(
        "INSERT INTO charges (key, reference, card, amount_cents, state) VALUES ($1, '', '', 1, 'voided')
         ON CONFLICT (key) DO UPDATE SET state = CASE charges.state WHEN 'captured' THEN 'captured' ELSE 'voided' END
         RETURNING state, amount_cents",
    )
    .bind(&wanted.charge_key)
    .fetch_one(&mut *transaction)
    .await?;
    let refunded = state == "captured";
    if refunded {
        // One refund for a charge, whatever its key.
        sqlx::query("INSERT INTO refunds (key, charge_key, amount_cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(key)
            .bind(&wanted.charge_key)
            .bind(amount)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    let (state, cents) = if refunded {
        ("refunded", amount)
    } else {
        ("voided", 0)
    };
    Ok(Json(json!({"state": state, "refunded_cents": cents})))
}

#[derive(Deserialize)]
struct About {
    reference: String,
}

async fn statement(
    State(books): State<PgPool>,
    Query(about): Query<About>,
) -> Result<Json<Value>, Refusal> {
    let statement: Value = sqlx::query_scalar(
        "SELECT jsonb_build_object(
            'charges', coalesce(jsonb_agg(jsonb_build_object('key', c.key, 'state', c.state, 'amount_cents', c.amount_cents,
                'requests', c.requests, 'refunded_cents', coalesce(r.amount_cents, 0)) ORDER BY c.key), '[]'),
            'captured_cents', coalesce(sum(c.amount_cents) FILTER (WHERE c.state = 'captured'), 0)::bigint,
            'refunded_cents', coalesce(sum(r.amount_cents), 0)::bigint)
         FROM charges c LEFT JOIN refunds r ON r.charge_key = c.key WHERE c.reference = $1",
    )
    .bind(&about.reference)
    .fetch_one(&books)
    .await?;
    Ok(Json(statement))
}
