//! The shop's API and its pages.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRef, Path, Query, Request, State};
use axum::http::{header, StatusCode};
use axum::middleware::{from_fn_with_state, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{json, Value};
use sqlx::PgPool;
use tasker_contrib_axum::outbox::OutboxError;
use tasker_contrib_axum::{AdmissionLayer, ClientError, CorrelationLayer, TaskerClient};
use uuid::Uuid;

use crate::orders::{self, Checkout, Refused, Reviewed, Workflow};
use crate::tasks::Tasks;

/// What requests are answered with.
#[derive(Clone)]
pub struct App {
    pub db: PgPool,
    pub tasker: TaskerClient,
    pub tasks: Tasks,
    /// Who has it may decide about orders.
    pub review_token: ReviewToken,
}

/// A secret; it is never printed.
#[derive(Clone)]
pub struct ReviewToken(pub String);

impl FromRef<App> for PgPool {
    fn from_ref(app: &App) -> Self {
        app.db.clone()
    }
}

impl FromRef<App> for TaskerClient {
    fn from_ref(app: &App) -> Self {
        app.tasker.clone()
    }
}

impl FromRef<App> for Tasks {
    fn from_ref(app: &App) -> Self {
        app.tasks.clone()
    }
}

impl FromRef<App> for ReviewToken {
    fn from_ref(app: &App) -> Self {
        app.review_token.clone()
    }
}

/// Everything but Tasker's own routes.
pub fn router(app: App) -> Router {
    // While Tasker takes no work, a checkout is told so before anything is written.
    let checkout = Router::new()
        .route("/api/orders", post(check_out))
        .route_layer(AdmissionLayer::new(&app.tasker));
    let reviews = Router::new()
        .route("/api/reviews", get(waiting))
        .route("/api/orders/{order}/review", post(review))
        .route_layer(from_fn_with_state(app.clone(), only_reviewers));
    let page = |text: &'static str| get(move || async move { Html(text) });
    Router::new()
        .route("/", page(include_str!("../web/index.html")))
        .route("/orders/{order}", page(include_str!("../web/order.html")))
        .route("/web/{file}", get(file))
        .route("/api/products", get(products))
        .route("/api/products/{sku}/sold", get(sold))
        .route("/api/orders/{order}", get(show))
        .route("/api/tasks/{task}", get(task))
        .merge(checkout)
        .merge(reviews)
        .layer(CorrelationLayer::new())
        .with_state(app)
}

/// An answer other than success, as a problem document (RFC 9457).
pub struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.0.canonical_reason().unwrap_or_default();
        let body = json!({"title": title, "status": self.0.as_u16(), "detail": self.1});
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.0, kind, body.to_string()).into_response()
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the database failed".to_owned(),
        )
    }
}

impl From<OutboxError> for Problem {
    fn from(error: OutboxError) -> Self {
        tracing::error!(%error, "a task could not be requested");
        Self(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a task could not be requested".to_owned(),
        )
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(text) => Self(StatusCode::UNPROCESSABLE_ENTITY, text),
            Refused::Reused(_) => Self(StatusCode::CONFLICT, refused.to_string()),
            Refused::Database(error) => error.into(),
            Refused::Outbox(error) => error.into(),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(error: JsonRejection) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, error.body_text())
    }
}

fn no_order(order: Uuid) -> Problem {
    Problem(StatusCode::NOT_FOUND, format!("there is no order {order}"))
}

/// 201 with the order and its task; 200 when this checkout has placed it before; 202 without a task when Tasker is away or busy: the order is kept,
/// and its task follows.
async fn check_out(
    State(db): State<PgPool>,
    State(tasks): State<Tasks>,
    checkout: Result<Json<Checkout>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Json(checkout) = checkout?;
    let listening = tasks.listen();
    let placed = orders::place(&db, &checkout).await?;
    let task = listening.task_of(placed.order_id, Workflow::Fulfil).await;
    let status = match (task, placed.is_new) {
        (None, _) => StatusCode::ACCEPTED,
        (Some(_), true) => StatusCode::CREATED,
        (Some(_), false) => StatusCode::OK,
    };
    let body =
        json!({"order_id": placed.order_id, "total_cents": placed.total_cents, "task_uuid": task});
    Ok((status, Json(body)))
}

async fn show(State(db): State<PgPool>, Path(order): Path<Uuid>) -> Result<Json<Value>, Problem> {
    orders::show(&db, order)
        .await?
        .map(Json)
        .ok_or_else(|| no_order(order))
}

/// A task with its steps, for the page and for whoever follows an order.
async fn task(
    State(tasker): State<TaskerClient>,
    Path(task): Path<Uuid>,
) -> Result<Json<Value>, ClientError> {
    let (task, steps) = tokio::try_join!(tasker.get_task(task), tasker.steps(task))?;
    let mut body = json!(task);
    body["steps"] = json!(steps);
    Ok(Json(body))
}

async fn products(State(db): State<PgPool>) -> Result<Json<Value>, Problem> {
    let products: Value = sqlx::query_scalar(
        "SELECT coalesce(jsonb_agg(jsonb_build_object('sku', sku, 'name', name, 'price_cents', price_cents,
            'available', on_hand - reserved) ORDER BY name), '[]') FROM products JOIN stock USING (sku)",
    )
    .fetch_one(&db)
    .await?;
    Ok(Json(products))
}

#[derive(Deserialize)]
struct Sold {
    at_least: Option<i64>,
}

/// How many of a product have left the house; with `at_least`, 404 until there are so many.
async fn sold(
    State(db): State<PgPool>,
    Path(sku): Path<String>,
    Query(asked): Query<Sold>,
) -> Result<Json<Value>, Problem> {
    let sold: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(quantity), 0)::bigint FROM reservations WHERE sku = $1 AND state = 'shipped'",
    )
    .bind(&sku)
    .fetch_one(&db)
    .await?;
    if asked.at_least.is_some_and(|least| sold < least) {
        return Err(Problem(
            StatusCode::NOT_FOUND,
            format!("{sold} of `{sku}` are sold"),
        ));
    }
    Ok(Json(json!({"sku": sku, "sold": sold})))
}

async fn only_reviewers(
    State(token): State<ReviewToken>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.as_bytes());
    let wanted = format!("Bearer {}", token.0);
    // Compared without an early end, so that the time of an answer says nothing about the token.
    let same = given.is_some_and(|given| {
        given.len() == wanted.len()
            && given
                .iter()
                .zip(wanted.bytes())
                .fold(0, |seen, (a, b)| seen | (a ^ b))
                == 0
    });
    if same {
        return Ok(next.run(request).await);
    }
    Err(Problem(
        StatusCode::UNAUTHORIZED,
        "reviews need the header `Authorization: Bearer <SHOP_REVIEW_TOKEN>`".to_owned(),
    ))
}

async fn waiting(State(db): State<PgPool>) -> Result<Json<Value>, Problem> {
    let orders: Value = sqlx::query_scalar(
        "SELECT coalesce(jsonb_agg(jsonb_build_object('order_id', order_id, 'customer', customer, 'total_cents', total_cents)
            ORDER BY placed_at), '[]') FROM orders WHERE status = 'in_review'",
    )
    .fetch_one(&db)
    .await?;
    Ok(Json(orders))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Review {
    approved: bool,
    reviewer: String,
}

async fn review(
    State(db): State<PgPool>,
    State(tasks): State<Tasks>,
    Path(order): Path<Uuid>,
    review: Result<Json<Review>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Json(review) = review?;
    let listening = tasks.listen();
    match orders::review(&db, order, &review.reviewer, review.approved).await? {
        Reviewed::Unknown => Err(no_order(order)),
        Reviewed::NotWaiting(status) => {
            let text = format!("order {order} waits for no review: it is {status}");
            Err(Problem(StatusCode::CONFLICT, text))
        }
        Reviewed::Next(workflow) => {
            let task = listening.task_of(order, workflow).await;
            let body = json!({"order_id": order, "workflow": workflow.name(), "task_uuid": task});
            Ok((StatusCode::ACCEPTED, Json(body)))
        }
    }
}

/// The pages' own files, which are part of the program.
async fn file(Path(name): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let (kind, text) = match name.as_str() {
        "shop.js" => ("text/javascript", include_str!("../web/shop.js")),
        "order.js" => ("text/javascript", include_str!("../web/order.js")),
        "shop.css" => ("text/css", include_str!("../web/shop.css")),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    Ok(([(header::CONTENT_TYPE, kind)], text))
}
