use app::web::make_token;
use axum::body::Body;
use axum::http::{header, Method, Request};
use jsonwebtoken::{encode, Algorithm, EncodingKey, Header};
use serde_json::{json, Value};

use crate::support::{people, Answer, MemoryApp, NOWHERE, PASSWORD};

async fn sign_in(app: &MemoryApp, email: &str, password: &str) -> Answer {
    let body = format!("username={email}&password={}", password.replace(' ', "+"));
    let kind = "application/x-www-form-urlencoded";
    let request = Request::post("/token").header(header::CONTENT_TYPE, kind);
    app.send(request.body(body.into()).unwrap()).await
}

async fn status(app: &MemoryApp, token: &str) -> u16 {
    let request =
        Request::get("/documents").header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn a_token_opens_the_api() {
    let app = MemoryApp::new().await;
    let answer = sign_in(&app, "Ann@Example.org", PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["token_type"], "bearer");
    assert_eq!(answer.json["expires_in"], 1800);
    let token = answer.json["access_token"].as_str().unwrap();
    assert_eq!(status(&app, token).await, 200);
}

#[tokio::test]
async fn what_is_wrong_is_not_told() {
    let app = MemoryApp::new().await;
    for (email, password) in [
        ("ann@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
    ] {
        let answer = sign_in(&app, email, password).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.detail(), "wrong e-mail address or password");
    }
    let empty = Request::post("/token").body(Body::empty()).unwrap();
    let answer = app.send(empty).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.detail(), "the form needs username and password");
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let app = MemoryApp::new().await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = sign_in(&app, "ann@example.org", "wrong").await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 429]);
    let refused = sign_in(&app, "ann@example.org", PASSWORD).await;
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let why = format!("more than 4/minute: try again in {wait} s");
    assert_eq!(refused.detail(), why);
}

#[tokio::test]
async fn a_wrong_token_opens_nothing() {
    let app = MemoryApp::new().await;
    let ann = people().await[0].id;
    let good = make_token(ann, &app.settings).unwrap();
    assert_eq!(status(&app, &good).await, 200);
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp();
    let right = json!({"sub": ann, "iss": "app", "iat": now, "exp": now + 60});
    let sign = |claims: &Value, secret: &str, algorithm| {
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::new(algorithm), claims, &key).unwrap()
    };
    let secret = app.settings.jwt_secret.clone();
    let own = sign(&right, &secret, Algorithm::HS256);
    assert_eq!(status(&app, &own).await, 200);
    for (claim, wrong) in [
        ("exp", json!(now - 1)),
        ("exp", Value::Null),
        ("iss", json!("another")),
        ("sub", json!("ann")),
        ("sub", json!(NOWHERE)),
        ("iat", Value::Null),
    ] {
        let mut claims = right.clone();
        claims[claim] = wrong;
        let token = sign(&claims, &secret, Algorithm::HS256);
        assert_eq!(status(&app, &token).await, 401, "{claims}");
    }
    let others = sign(&right, &format!("{secret}x"), Algorithm::HS256);
    assert_eq!(status(&app, &others).await, 401);
    let longer = sign(&right, &secret, Algorithm::HS512);
    assert_eq!(status(&app, &longer).await, 401);
    // {"alg":"none"} before the same claims, without a signature.
    let claims = own.split('.').nth(1).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    assert_eq!(status(&app, &unsigned).await, 401);
}

#[tokio::test]
async fn every_route_is_closed_to_strangers() {
    let app = MemoryApp::new().await;
    for (method, path) in [
        (Method::GET, "/documents".to_owned()),
        (Method::POST, "/documents".to_owned()),
        (Method::GET, format!("/documents/{NOWHERE}")),
        (Method::POST, format!("/documents/{NOWHERE}/review")),
    ] {
        let request = Request::builder().method(method).uri(&path);
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}
