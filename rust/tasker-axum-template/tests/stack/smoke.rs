//! The application as it is deployed: a web process, a relay and a worker.

use app::users::{new_user, SqlUsers};
use serde_json::{json, Value};
use uuid::Uuid;

use crate::processes::{run, Process};
use crate::stack::Stack;
use crate::support::{until, PASSWORD};

/// The API with somebody signed in.
struct Api {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Api {
    async fn sign_in(url: &str, stack: &Stack) -> Self {
        let email = format!("{}@example.org", Uuid::new_v4());
        let user = new_user(&email, PASSWORD, true).await;
        SqlUsers(stack.db.clone()).add(&user).await.unwrap();
        let http = reqwest::Client::new();
        let form = [("username", email.as_str()), ("password", PASSWORD)];
        let answer = http.post(format!("{url}/token")).form(&form).send().await;
        let token: Value = answer.unwrap().json().await.unwrap();
        Self {
            url: url.to_owned(),
            token: token["access_token"].as_str().unwrap().to_owned(),
            http,
        }
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        request.bearer_auth(&self.token)
    }

    /// Its id, and that of the request.
    async fn upload(&self, content: &str) -> (String, String) {
        let form = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"letter.txt\"\r\n\r\n{content}\r\n--edge--\r\n"
        );
        let answer = self
            .request(reqwest::Method::POST, "/documents")
            .header("idempotency-key", Uuid::new_v4().to_string())
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(form);
        let answer = answer.send().await.unwrap().error_for_status().unwrap();
        let request = answer.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let document: Value = answer.json().await.unwrap();
        (document["id"].as_str().unwrap().to_owned(), request)
    }

    async fn becomes(&self, id: &str, status: &str) -> Value {
        until(&format!("document {id} is {status}"), || async {
            let answer = self.request(reqwest::Method::GET, &format!("/documents/{id}"));
            let document: Value = answer.send().await.unwrap().json().await.unwrap();
            (document["status"] == status).then_some(document)
        })
        .await
    }
}

pub async fn documents_are_published_with_and_without_a_person(stack: &Stack) {
    let worker = Process::start(stack, "worker").await;
    let relay = Process::start(stack, "relay").await;
    let web = Process::start(stack, "web").await;
    let port = web.url.rsplit(':').next().unwrap();
    let api = Api::sign_in(&web.url, stack).await;
    let (plain, request) = api.upload("a page of words\x0cand one more page").await;
    let (doubtful, _) = api.upload("?").await;
    api.becomes(&doubtful, "waiting_for_review").await;
    let review = format!("/documents/{doubtful}/review");
    let asked = api.request(reqwest::Method::POST, &review);
    let answer = asked.json(&json!({"approved": true})).send().await;
    assert_eq!(answer.unwrap().status(), 202);
    api.becomes(&doubtful, "published").await;
    let task = api.becomes(&plain, "published").await["task_uuid"].clone();
    let metrics = reqwest::get(format!("{}/tasker/metrics", relay.url)).await;
    let metrics = metrics.unwrap().text().await.unwrap();
    assert!(metrics.contains("tasker_contrib_outbox_up 1"), "{metrics}");
    let mut healthy = crate::processes::command(stack, &["health"]);
    assert!(healthy.env("PORT", port).status().unwrap().success());
    check_lines(web, relay, worker, &plain, &request, &task);
    for text in ["request", review.as_str(), "step", "intake.scan"] {
        assert!(stack.collector.has(text), "no span has {text}");
    }
}

/// Every process ends with 0, and a request can be followed to its steps.
fn check_lines(
    web: Process,
    relay: Process,
    worker: Process,
    id: &str,
    request: &str,
    task: &Value,
) {
    let (code, lines) = web.stop();
    assert_eq!(code, Some(0), "{lines:#?}");
    let of_request =
        |line: &&Value| line["message"] == "POST /documents" && line["request_id"] == request;
    let line = lines.iter().find(of_request).expect("the request's line");
    assert_eq!(line["status"], 202);
    let (code, lines) = relay.stop();
    assert_eq!(code, Some(0), "{lines:#?}");
    let message = format!("task of document {id}");
    let line = lines.iter().find(|line| line["message"] == message);
    let line = line.expect("the task's line");
    assert_eq!(
        (&line["request_id"], &line["task_uuid"]),
        (&json!(request), task)
    );
    let (code, lines) = worker.stop();
    assert_eq!(code, Some(0), "{lines:#?}");
    let of_step = |message: &str, step: &str| {
        let same = |line: &&Value| {
            line["step"] == step && line["task_uuid"] == *task && line["message"] == message
        };
        lines.iter().find(same).is_some()
    };
    assert!(of_step("step completed", "scan"), "{lines:#?}");
    let told = format!("the owner of {id} is told: published");
    assert!(of_step(&told, "notify"), "{lines:#?}");
}

pub async fn commands_of_a_deployment_can_be_repeated(stack: &Stack) {
    let shown = |words: &[&str]| {
        let output = run(stack, words, &format!("{PASSWORD}\n"));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code();
        (code, text(output.stdout), text(output.stderr))
    };
    let nothing = String::new();
    let done = (Some(0), "up to date\n".to_owned(), nothing.clone());
    assert_eq!(shown(&["migrate"]), done);
    let email = format!("{}@example.org", Uuid::new_v4());
    let add = ["add-user", &email, "--reviewer"];
    assert_eq!(
        shown(&add),
        (Some(0), format!("added {email}\n"), nothing.clone())
    );
    let again = format!("error: there is a user {email} already\n");
    assert_eq!(shown(&add), (Some(1), nothing, again));
}
