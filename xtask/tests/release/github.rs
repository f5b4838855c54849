//! GitHub's releases as far as `gh` asks for them: tags, drafts, assets. Kept in memory, so that it can be looked at and emptied.
//!
//! `gh` speaks plain HTTP with the host `github.localhost`, and is led here by a proxy's address.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{json, Value};
use sha2::{Digest, Sha256};

use super::http::{self, Head};
use super::server::hex;

/// The token that may do everything.
pub const TOKEN: &str = "github-token-of-the-test";
/// The repository.
pub const REPOSITORY: &str = "github.localhost/fix/repo";

const API: &str = "http://api.github.localhost";

#[derive(Clone, Default)]
struct Release {
    tag: String,
    is_draft: bool,
    body: String,
    /// The name's bytes.
    assets: BTreeMap<String, Vec<u8>>,
}

/// See the module documentation.
#[derive(Clone, Default)]
pub struct Github(Arc<Mutex<Vec<Release>>>);

impl Github {
    /// Starts it; gives its port.
    pub fn start(&self) -> u16 {
        let own = self.clone();
        http::serve(move |mut reader| {
            let Some(head) = http::head(&mut reader) else {
                return;
            };
            let Some(body) = http::body(&mut reader, &head) else {
                return;
            };
            let (status, answer) = own.answer(&head, &body);
            let kind = ("Content-Type", "application/json; charset=utf-8");
            http::answer(reader.get_mut(), status, &[kind], &answer);
        })
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// All that others see, and drafts.
    pub fn contents(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for release in self.0.lock().unwrap().iter() {
            let kind = if release.is_draft { "draft" } else { "release" };
            let before = found.insert(format!("{kind} {}", release.tag), release.body.clone());
            assert_eq!(before, None, "two releases of {}", release.tag);
            for (name, bytes) in &release.assets {
                found.insert(
                    format!("{} {name}", release.tag),
                    hex(&Sha256::digest(bytes)),
                );
            }
        }
        found
    }

    fn answer(&self, head: &Head, body: &[u8]) -> (&'static str, Vec<u8>) {
        if head.header("authorization") != Some(&format!("token {TOKEN}")) {
            return (
                "401 Unauthorized",
                br#"{"message": "Bad credentials"}"#.to_vec(),
            );
        }
        let (path, query) = head.path.split_once('?').unwrap_or((&head.path, ""));
        let given: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut releases = self.0.lock().unwrap();
        if path == "/graphql" {
            let tag = given["variables"]["tagName"].as_str().unwrap_or_default();
            let found = releases.iter().position(|release| release.tag == tag);
            let found =
                found.map(|id| json!({"databaseId": id + 1, "isDraft": releases[id].is_draft}));
            let answer = json!({"data": {"repository": {"release": found}}});
            return ("200 OK", answer.to_string().into_bytes());
        }
        let Some(rest) = path.strip_prefix("/repos/fix/repo/releases") else {
            return missing();
        };
        let words: Vec<&str> = rest.split('/').filter(|word| !word.is_empty()).collect();
        let id = |word: &str| Some(word.parse::<usize>().ok()?.checked_sub(1)?);
        match (head.method.as_str(), words.as_slice()) {
            ("POST", []) => {
                releases.push(Release {
                    tag: given["tag_name"].as_str().unwrap_or_default().to_owned(),
                    is_draft: given["draft"] == true,
                    body: given["body"].as_str().unwrap_or_default().to_owned(),
                    assets: BTreeMap::new(),
                });
                shown("201 Created", &releases, releases.len() - 1)
            }
            // A draft has no tag yet.
            ("GET", ["tags", tag @ ..]) => {
                let tag = tag.join("/");
                let found = |release: &Release| release.tag == tag && !release.is_draft;
                match releases.iter().position(found) {
                    Some(id) => shown("200 OK", &releases, id),
                    None => missing(),
                }
            }
            ("POST", [number, "assets"]) => {
                let name = query.split('&').find_map(|pair| pair.strip_prefix("name="));
                let Some(release) = id(number).and_then(|id| releases.get_mut(id)) else {
                    return missing();
                };
                let name = name.unwrap_or_default().to_owned();
                if release.assets.contains_key(&name) {
                    let answer = json!({"message": "Validation Failed", "errors": [{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}]});
                    return ("422 Unprocessable Entity", answer.to_string().into_bytes());
                }
                release.assets.insert(name.clone(), body.to_vec());
                (
                    "201 Created",
                    asset(0, 0, &name, body).to_string().into_bytes(),
                )
            }
            ("GET", ["assets", number]) => {
                let all = releases.iter().flat_map(|release| release.assets.values());
                match id(number).and_then(|id| all.into_iter().nth(id)) {
                    Some(bytes) => ("200 OK", bytes.clone()),
                    None => missing(),
                }
            }
            ("PATCH", [number]) => match id(number).filter(|id| *id < releases.len()) {
                Some(id) => {
                    let release = &mut releases[id];
                    if let Some(draft) = given["draft"].as_bool() {
                        release.is_draft = draft;
                    }
                    if let Some(body) = given["body"].as_str() {
                        body.clone_into(&mut release.body);
                    }
                    shown("200 OK", &releases, id)
                }
                None => missing(),
            },
            ("GET", [number]) => match id(number).filter(|id| *id < releases.len()) {
                Some(id) => shown("200 OK", &releases, id),
                None => missing(),
            },
            _ => missing(),
        }
    }
}

fn missing() -> (&'static str, Vec<u8>) {
    ("404 Not Found", br#"{"message": "Not Found"}"#.to_vec())
}

fn asset(release: usize, number: usize, name: &str, bytes: &[u8]) -> Value {
    json!({
        "id": number, "name": name, "label": "", "state": "uploaded", "size": bytes.len(),
        "url": format!("{API}/repos/fix/repo/releases/assets/{number}"),
        "browser_download_url": format!("http://github.localhost/fix/repo/releases/download/{release}/{name}"),
    })
}

fn shown(status: &'static str, releases: &[Release], id: usize) -> (&'static str, Vec<u8>) {
    let release = &releases[id];
    let before: usize = releases[..id]
        .iter()
        .map(|release| release.assets.len())
        .sum();
    let assets: Vec<Value> = (before + 1..)
        .zip(&release.assets)
        .map(|(number, (name, bytes))| asset(id + 1, number, name, bytes))
        .collect();
    let place = format!("{API}/repos/fix/repo/releases/{}", id + 1);
    let value = json!({
        "id": id + 1, "tag_name": release.tag, "name": release.tag, "body": release.body, "draft": release.is_draft, "prerelease": false,
        "url": place, "assets_url": format!("{place}/assets"), "upload_url": format!("{place}/assets{{?name,label}}"),
        "html_url": format!("http://github.localhost/fix/repo/releases/{}", id + 1), "target_commitish": "main",
        "author": {"id": 1, "login": "tester"}, "assets": assets,
    });
    (status, value.to_string().into_bytes())
}
