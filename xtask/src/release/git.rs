//! What a release asks of git, and the tags it makes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::git::run::git;
use crate::process::Invocation;
use crate::publish::store::CREDENTIALS;
use crate::publish::{Context, Head, May};

/// The commit of the work tree.
pub fn head(root: &Path) -> Result<Head> {
    let changed = git(root, &["status", "--porcelain"])?;
    if let Some(first) = changed.lines().next() {
        return Err(Error::Version {
            why: format!(
                "the work tree has {} uncommitted changes, the first is `{}`; nothing was released",
                changed.lines().count(),
                first.trim()
            ),
            fix: "commit them, or run git stash".into(),
        });
    }
    let text = git(root, &["log", "-1", "--format=%H %ct"])?;
    let (commit, time) = text.trim().split_once(' ').unwrap_or_default();
    Ok(Head {
        commit: commit.to_owned(),
        time: time.parse().unwrap_or(0),
    })
}

/// Tags and the commits they stand for, in this clone.
pub fn local_tags(root: &Path) -> Result<BTreeMap<String, String>> {
    let text = git(
        root,
        &[
            "for-each-ref",
            "--format=%(refname:strip=2) %(objectname) %(*objectname)",
            "refs/tags",
        ],
    )?;
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (name, object) = (words.next()?, words.next()?);
            let commit = words
                .next()
                .filter(|word| !word.is_empty())
                .unwrap_or(object);
            Some((name.to_owned(), commit.to_owned()))
        })
        .collect())
}

/// The same, where others fetch.
pub fn remote_tags(root: &Path, remote: &str) -> Result<BTreeMap<String, String>> {
    let text = git(root, &["ls-remote", "--tags", remote])?;
    let mut tags = BTreeMap::new();
    for (object, name) in text.lines().filter_map(|line| line.split_once('\t')) {
        let Some(name) = name.strip_prefix("refs/tags/") else {
            continue;
        };
        // The line with `^{}` comes after the tag's own and has the commit.
        tags.insert(name.trim_end_matches("^{}").to_owned(), object.to_owned());
    }
    Ok(tags)
}

/// A file at a tag or commit; none if it is not there.
pub fn file_at(root: &Path, revision: &str, file: &Path) -> Option<String> {
    git(root, &["show", &format!("{revision}:{}", file.display())]).ok()
}

/// Makes a tag in this clone unless it is there.
///
/// Its time is the commit's, so that a tag which has to be made again is the same object.
pub fn tag(context: &Context, unit: &str, tag: &str, message: &str) -> Result<()> {
    if let Some(commit) = local_tags(&context.root)?.get(tag) {
        return same_commit(context, tag, commit);
    }
    let time = format!("{} +0000", context.epoch);
    let words = [
        "git",
        "tag",
        "--annotate",
        "--no-sign",
        "--message",
        message,
        tag,
        &context.commit,
    ];
    let make = Invocation::new(&context.root, words).env("GIT_COMMITTER_DATE", time);
    context
        .succeed(unit, May::Publish(CREDENTIALS), &make)
        .map(drop)
}

/// Sends a tag to where others fetch, unless it is there.
pub fn push(context: &Context, unit: &str, tag: &str) -> Result<()> {
    let remote = &context.targets.remote;
    if let Some(commit) = remote_tags(&context.root, remote)?.get(tag) {
        return same_commit(context, tag, commit);
    }
    let name = format!("refs/tags/{tag}");
    let send = Invocation::new(&context.root, ["git", "push", "--quiet", remote, &name])
        .env("GIT_TERMINAL_PROMPT", "0");
    let sent = context.run(unit, May::Publish(CREDENTIALS), &send)?;
    // The answer may have been lost after the remote took it, or another run was faster.
    match remote_tags(&context.root, remote)?.get(tag) {
        Some(commit) => same_commit(context, tag, commit),
        None => Err(context.failed(unit, &send, &sent)),
    }
}

fn same_commit(context: &Context, tag: &str, commit: &str) -> Result<()> {
    if commit == context.commit {
        return Ok(());
    }
    Err(Error::Version {
        why: format!(
            "the tag {tag} exists at commit {commit}, but {} is being released",
            context.commit
        ),
        fix: format!("release from {commit}, or bump the version: cargo xtask bump"),
    })
}
