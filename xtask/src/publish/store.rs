//! The store of files: plugin archives, sums, bills of materials, provenance, and the notes that announce a version.
//!
//! Either an address below which files are PUT (what Artifactory, Nexus, GitLab and WebDAV servers take), or the releases
//! of the repository on GitHub, by `gh`: a draft that gets the files, and is published to announce.

use std::path::Path;

use super::context::{Context, May};
use super::curl::{is_loopback, Request};
use super::secrets;
use super::sums::{Algorithm, Sum};
use crate::error::{Error, Result};
use crate::process::Invocation;

/// The variable with a bearer token for the store.
pub const TOKEN: &str = "XTASK_FILES_TOKEN";
/// Variables with credentials for the store and for the git remote of the tags.
pub const CREDENTIALS: &[&str] = &["GH_TOKEN", "GITHUB_TOKEN", TOKEN];
/// The name of the notes in the store.
pub const NOTES: &str = "RELEASE.md";
/// The name of GitHub's releases as a store.
pub const GITHUB: &str = "github";

fn token() -> Option<String> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty())
}

fn address(context: &Context) -> Option<&str> {
    context
        .targets
        .files
        .as_deref()
        .filter(|target| *target != GITHUB)
}

fn place(base: &str, tag: &str, file: &str) -> String {
    format!("{}/{tag}/{file}", base.trim_end_matches('/'))
}

/// Whether credentials for the store are there; else what is missing and the fix.
pub fn credentials(context: &Context) -> Result<(), (String, String)> {
    let set = secrets::is_set;
    match address(context) {
        Some(url) if is_loopback(url) || set(TOKEN) || has_netrc() => Ok(()),
        Some(url) => Err((
            format!("no credentials for {url}"),
            format!("set {TOKEN}, or add the host to ~/.netrc"),
        )),
        None if set("GH_TOKEN") || set("GITHUB_TOKEN") || gh_is_logged_in() => Ok(()),
        None => Err((
            "no credentials for releases on GitHub".into(),
            "set GH_TOKEN, run `gh auth login`, or name another store: --registry-files URL".into(),
        )),
    }
}

fn has_netrc() -> bool {
    std::env::var_os("HOME").is_some_and(|home| Path::new(&home).join(".netrc").is_file())
}

fn gh_is_logged_in() -> bool {
    let words = ["gh", "auth", "status"];
    let asked = std::process::Command::new(words[0])
        .args(&words[1..])
        .output();
    asked.is_ok_and(|output| output.status.success())
}

/// The sum of a file in the store; none if it is not there.
pub fn sum(context: &Context, unit: &str, tag: &str, file: &str) -> Result<Option<Sum>> {
    let Some(base) = address(context) else {
        return github_sum(context, unit, tag, file);
    };
    let url = place(base, tag, file);
    let answer = Request::get(&url).token(token()).send(&context.interrupt)?;
    match answer.status {
        200 => Ok(Some(Sum::of(Algorithm::Sha256, &answer.body))),
        404 | 410 => Ok(None),
        _ => Err(unreachable(unit, &url, &answer.describe())),
    }
}

/// Puts a file into the store; what the server says if it refuses.
pub fn put(context: &Context, unit: &str, tag: &str, file: &Path) -> Result<Result<(), String>> {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    match address(context) {
        None => github_put(context, unit, tag, file),
        Some(base) => {
            let url = place(base, tag, &name);
            let request = Request::put(&url, file).token(token());
            let answer = context.effect(|| request.send(&context.interrupt))?;
            Ok(if answer.is_success() {
                Ok(())
            } else {
                Err(format!("{}\n{}", answer.describe(), answer.headers))
            })
        }
    }
}

/// Whether the notes of a tag are published.
pub fn is_announced(context: &Context, unit: &str, tag: &str) -> Result<bool> {
    if address(context).is_some() {
        return Ok(sum(context, unit, tag, NOTES)?.is_some());
    }
    Ok(github_view(context, unit, tag)?.is_some_and(|view| view["isDraft"] == false))
}

/// Publishes the notes of a tag; what the server says if it refuses.
pub fn announce(
    context: &Context,
    unit: &str,
    tag: &str,
    notes: &Path,
) -> Result<Result<(), String>> {
    if address(context).is_some() {
        return put(context, unit, tag, notes);
    }
    if let Err(words) = draft(context, unit, tag)? {
        return Ok(Err(words));
    }
    let notes = notes.display().to_string();
    gh(
        context,
        unit,
        &[
            "release",
            "edit",
            tag,
            "--draft=false",
            "--notes-file",
            &notes,
        ],
    )
}

fn unreachable(unit: &str, asked: &str, why: &str) -> Error {
    Error::Registry {
        unit: unit.to_owned(),
        asked: asked.to_owned(),
        why: why.to_owned(),
    }
}

fn invocation(context: &Context, words: &[&str]) -> Invocation {
    Invocation::new(&context.root, [&["gh"], words].concat())
}

fn gh(context: &Context, unit: &str, words: &[&str]) -> Result<Result<(), String>> {
    let ran = context.run(unit, May::Publish(CREDENTIALS), &invocation(context, words))?;
    Ok(if ran.status.success() {
        Ok(())
    } else {
        Err(secrets::redact(&ran.text))
    })
}

/// The release of a tag on GitHub, if there is one.
fn github_view(context: &Context, unit: &str, tag: &str) -> Result<Option<serde_json::Value>> {
    let words = ["release", "view", tag, "--json", "isDraft,assets"];
    // Reading needs the token, too.
    let ran = context.ask(unit, CREDENTIALS, &invocation(context, &words))?;
    if ran.status.success() {
        return Ok(serde_json::from_str(&ran.text).ok());
    }
    if ran.text.contains("release not found") {
        return Ok(None);
    }
    // GitHub answers strangers, too, but not always.
    if let Err(missing) = credentials(context) {
        return Err(Error::Credentials {
            missing: vec![missing],
        });
    }
    Err(unreachable(
        unit,
        "GitHub",
        secrets::redact(&ran.text).lines().next().unwrap_or(""),
    ))
}

fn github_sum(context: &Context, unit: &str, tag: &str, file: &str) -> Result<Option<Sum>> {
    let Some(view) = github_view(context, unit, tag)? else {
        return Ok(None);
    };
    let asset = view["assets"]
        .as_array()
        .and_then(|assets| assets.iter().find(|asset| asset["name"] == file));
    let Some(asset) = asset else { return Ok(None) };
    if let Some(sum) = asset["digest"]
        .as_str()
        .and_then(|digest| digest.strip_prefix("sha256:"))
    {
        return Ok(Some(Sum::sha256(sum)));
    }
    let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
    let folder = scratch.path().display().to_string();
    let words = [
        "release",
        "download",
        tag,
        "--pattern",
        file,
        "--dir",
        &folder,
    ];
    let ran = context.ask(unit, CREDENTIALS, &invocation(context, &words))?;
    if !ran.status.success() {
        return Err(unreachable(
            unit,
            "GitHub",
            ran.text.lines().next().unwrap_or(""),
        ));
    }
    Sum::of_file(Algorithm::Sha256, &scratch.path().join(file)).map(Some)
}

fn draft(context: &Context, unit: &str, tag: &str) -> Result<Result<(), String>> {
    if github_view(context, unit, tag)?.is_some() {
        return Ok(Ok(()));
    }
    let words = [
        "release",
        "create",
        tag,
        "--draft",
        "--target",
        &context.commit,
        "--title",
        tag,
        "--notes",
        "",
    ];
    gh(context, unit, &words)
}

fn github_put(context: &Context, unit: &str, tag: &str, file: &Path) -> Result<Result<(), String>> {
    if let Err(words) = draft(context, unit, tag)? {
        return Ok(Err(words));
    }
    gh(
        context,
        unit,
        &["release", "upload", tag, &file.display().to_string()],
    )
}
