//! The API over real HTTP, with a real Tasker server that creates the tasks.

use e_commerce_axum::http::{self, App, ReviewToken};
use e_commerce_axum::scenario::checkout;
use e_commerce_axum::tasks::Tasks;
use serde_json::{json, Value};
use tasker_contrib_axum::TaskerClient;
use tokio::net::TcpListener;

use crate::stack::Stack;

const TOKEN: &str = "let-me-decide";

struct Shop {
    stack: Stack,
    http: reqwest::Client,
    url: String,
}

impl Shop {
    async fn open(tasker_url: Option<&str>) -> Self {
        let stack = Stack::start().await;
        let client = TaskerClient::builder(tasker_url.unwrap_or(&stack.tasker_url)).max_retries(0);
        let tasker = client.build().unwrap();
        let tasks = Tasks::new(stack.db.clone());
        let relay = tasks.relay(tasker.clone()).await.unwrap();
        tokio::spawn(relay.run(std::future::pending()));
        let app = App {
            db: stack.db.clone(),
            tasker,
            tasks,
            review_token: ReviewToken(TOKEN.to_owned()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, http::router(app)).await });
        Self {
            stack,
            http: reqwest::Client::new(),
            url,
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answered(self.http.get(format!("{}{path}", self.url))).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answered(
            self.http
                .post(format!("{}{path}", self.url))
                .bearer_auth(TOKEN)
                .json(body),
        )
        .await
    }
}

async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The templates are those of the worker, which registers them; a server without one knows none.
async fn without_templates() -> Shop {
    Shop::open(None).await
}

#[tokio::test]
async fn an_order_is_kept_when_tasker_is_away() {
    let shop = Shop::open(Some("http://127.0.0.1:1")).await;
    let wanted = json!(checkout("tasker-is-away", "tea", "tok_ok"));
    let (status, placed) = shop.post("/api/orders", &wanted).await;
    assert_eq!(
        (status, &placed["task_uuid"]),
        (202, &Value::Null),
        "{placed}"
    );
    let (status, again) = shop.post("/api/orders", &wanted).await;
    assert_eq!((status, &again["order_id"]), (202, &placed["order_id"]));
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM tasker_outbox WHERE dead_at IS NULL")
            .fetch_one(&shop.stack.db)
            .await
            .unwrap();
    assert_eq!(waiting, 1, "the relay finds what has to be created");
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong_and_write_nothing() {
    let shop = without_templates().await;
    let good = json!(checkout("a-good-one", "tea", "tok_ok"));
    for (key, value, detail) in [
        (
            "checkout_id",
            json!("short"),
            "checkout_id: 8 to 100 characters, a UUID for example",
        ),
        ("customer", json!("nobody"), "customer: a mail address"),
        (
            "country",
            json!("de"),
            "country: two capital letters, such as DE",
        ),
        ("lines", json!([]), "lines: 1 to 50 of them"),
        (
            "lines",
            json!([{"sku": "tea", "quantity": 0}]),
            "lines: quantity of `tea` must be 1 to 1000",
        ),
        (
            "lines",
            json!([{"sku": "unobtainium", "quantity": 1}]),
            "lines: there is no product `unobtainium`",
        ),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        let (status, problem) = shop.post("/api/orders", &bad).await;
        assert_eq!((status, &problem["detail"]), (422, &json!(detail)));
    }
    let mut misspelt = good.clone();
    misspelt["qty"] = json!(1);
    let (status, problem) = shop.post("/api/orders", &misspelt).await;
    assert_eq!(status, 422);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("unknown field `qty`"),
        "{problem}"
    );
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
        .fetch_one(&shop.stack.db)
        .await
        .unwrap();
    assert_eq!(orders, 0);
}

#[tokio::test]
async fn a_checkout_is_one_order_and_belongs_to_it() {
    let shop = without_templates().await;
    let wanted = checkout("only-once", "tea", "tok_ok");
    let (_, first) = shop.post("/api/orders", &json!(wanted)).await;
    let (_, second) = shop.post("/api/orders", &json!(wanted)).await;
    assert_eq!(first["order_id"], second["order_id"]);
    let mut other = wanted;
    other.lines[0].quantity = 2;
    let (status, problem) = shop.post("/api/orders", &json!(other)).await;
    assert_eq!(status, 409);
    assert_eq!(
        problem["detail"],
        "checkout `only-once` was used for another order; choose a new checkout_id"
    );
}

#[tokio::test]
async fn reviews_are_for_reviewers_and_for_orders_that_wait() {
    let shop = without_templates().await;
    let order = shop
        .stack
        .order("to-be-reviewed", "samovar", "tok_ok")
        .await;
    let path = format!("/api/orders/{}/review", order.order_id);
    let approval = json!({"approved": true, "reviewer": "me"});
    let stranger = shop
        .http
        .post(format!("{}{path}", shop.url))
        .bearer_auth("a-guess")
        .json(&approval);
    assert_eq!(answered(stranger).await.0, 401);
    assert_eq!(shop.get("/api/reviews").await.0, 401);

    let (status, problem) = shop.post(&path, &approval).await;
    assert_eq!(status, 409);
    assert_eq!(
        problem["detail"],
        format!("order {} waits for no review: it is placed", order.order_id)
    );

    sqlx::query("UPDATE orders SET status = 'in_review'")
        .execute(&shop.stack.db)
        .await
        .unwrap();
    let (status, answer) = shop.post(&path, &approval).await;
    assert_eq!((status, &answer["workflow"]), (202, &json!("settle_order")));
    assert_eq!(
        shop.post(&path, &approval).await.0,
        409,
        "the first answer counts"
    );
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let shop = without_templates().await;
    let nobody = uuid::Uuid::nil();
    let (status, problem) = shop.get(&format!("/api/orders/{nobody}")).await;
    assert_eq!(
        (status, &problem["detail"]),
        (404, &json!(format!("there is no order {nobody}")))
    );
    assert_eq!(shop.get("/api/products/tea/sold?at_least=1").await.0, 404);
    assert_eq!(
        shop.get("/api/products/tea/sold").await,
        (200, json!({"sku": "tea", "sold": 0}))
    );
    assert_eq!(
        shop.http
            .get(format!("{}/web/Cargo.toml", shop.url))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_named_at_once() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("postgresql://me:hunter2@127.0.0.1:{port}/shop");
    let connecting = e_commerce_axum::database::connect(&url, "shop", 1);
    let connected = tokio::time::timeout(std::time::Duration::from_secs(10), connecting);
    let error = format!("{:#}", connected.await.expect("at once").unwrap_err());
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    assert!(
        error.contains("refused") && !error.contains("hunter2"),
        "{error}"
    );
}
