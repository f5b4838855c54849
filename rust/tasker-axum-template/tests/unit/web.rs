use std::net::{IpAddr, SocketAddr};

use app::web::{client_address, SECURITY_HEADERS};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{header, HeaderMap, Request};

use crate::support::{MemoryApp, NOWHERE};

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = MemoryApp::new().await;
    for path in ["/documents", "/nowhere", &format!("/documents/{NOWHERE}")] {
        let strange = Request::get(path).body(Body::empty()).unwrap();
        for answer in [app.send(strange).await, app.get("ann", path).await] {
            for (name, value) in SECURITY_HEADERS {
                assert_eq!(answer.header(name), Some(value), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let app = MemoryApp::new().await;
    let nowhere = app.get("ann", "/nowhere").await;
    assert_eq!(
        (nowhere.status.as_u16(), nowhere.detail()),
        (404, "Not Found")
    );
    let token = app.get("ann", "/token").await;
    assert_eq!(
        (token.status.as_u16(), token.detail()),
        (405, "Method Not Allowed")
    );
}

#[tokio::test]
async fn a_failure_has_an_id_and_tells_nothing() {
    let app = MemoryApp::new().await;
    app.documents.break_lists();
    let answer = app.get("ann", "/documents").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.detail(), "Internal Server Error");
    assert!(answer.header("x-request-id").is_some());
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let app = MemoryApp::new().await;
    let given = "0191b3a0-0000-7000-8000-000000000001";
    for (sent, is_kept) in [(given, true), ("<script>", false)] {
        let request = Request::get("/").header("x-request-id", sent);
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(id == sent, is_kept, "{id}");
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    }
}

#[tokio::test]
async fn no_other_origin_may_call_unless_it_is_let_in() {
    let closed = MemoryApp::new().await;
    let open = MemoryApp::with(&[("CORS_ORIGINS", "[\"https://example.org\"]")]).await;
    let (ours, theirs) = ("https://example.org", "https://example.com");
    for (app, origin, allowed) in [
        (&closed, ours, None),
        (&open, ours, Some(ours)),
        (&open, theirs, None),
    ] {
        let request = Request::get("/documents").header(header::ORIGIN, origin);
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
    }
}

fn forwarded(chain: &str) -> HeaderMap {
    let header = header::HeaderName::from_static("x-forwarded-for");
    HeaderMap::from_iter([(header, chain.parse().unwrap())])
}

#[test]
fn addresses_are_believed_from_trusted_proxies_only() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    for (peer, chain, trusted, client) in [
        ("9.9.9.9", "1.1.1.1", vec!["127.0.0.1"], "9.9.9.9"),
        (
            "127.0.0.1",
            "6.6.6.6, 1.1.1.1",
            vec!["127.0.0.1"],
            "1.1.1.1",
        ),
        (
            "127.0.0.1",
            "1.1.1.1, 10.0.0.1",
            vec!["127.0.0.1", "10.0.0.1"],
            "1.1.1.1",
        ),
        ("127.0.0.1", "nobody", vec!["127.0.0.1"], "127.0.0.1"),
        ("::ffff:127.0.0.1", "1.1.1.1", vec!["127.0.0.1"], "1.1.1.1"),
    ] {
        let trusted: Vec<IpAddr> = trusted.into_iter().map(ip).collect();
        let found = client_address(ip(peer), &forwarded(chain), &trusted);
        assert_eq!(found, ip(client), "{chain}");
    }
    let none = client_address(ip("127.0.0.1"), &HeaderMap::new(), &[ip("127.0.0.1")]);
    assert_eq!(none, ip("127.0.0.1"));
}

#[tokio::test]
async fn each_address_has_its_own_limit() {
    let app = MemoryApp::with(&[("LOGIN_RATE", "1/hour")]).await;
    let peer = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
    let mut statuses = Vec::new();
    for chain in ["1.1.1.1", "2.2.2.2", "1.1.1.1"] {
        let request = Request::post("/token").extension(peer);
        let mut request = request.body(Body::empty()).unwrap();
        request.headers_mut().extend(forwarded(chain));
        statuses.push(app.send(request).await.status.as_u16());
    }
    assert_eq!(statuses, [422, 422, 429]);
}
