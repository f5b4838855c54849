//! Getting one thing to where it belongs, whatever happens on the way: a file into a registry, notes into the store.

use std::path::Path;
use std::time::{Duration, Instant};

use super::plan::{Conflict, There};
use super::retry::{self, Cause};
use super::{git, observe};
use crate::error::{Error, Result};
use crate::publish::curl::Request;
use crate::publish::Packed;
use crate::publish::Upload;
use crate::publish::{secrets, store, Unit};
use crate::publish::{Context, May};
use crate::version::changelog;

/// How long a registry may take to show what it took.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Uploads each file that is not there yet: the registry's first, then those of the store.
pub fn upload(
    context: &Context,
    unit: &Unit,
    packed: &Packed,
    say: &dyn Fn(String),
) -> Result<String> {
    let mut sent = Vec::new();
    for name in packed.artifacts.iter().chain(&packed.extras) {
        let is_extra = packed.extras.contains(name);
        let look = || -> Result<There> {
            if is_extra {
                return observe::extra(context, unit, packed, name);
            }
            observe::compare(packed, name, &unit.channel.probe(context, unit)?)
        };
        if until_there(
            context,
            unit,
            name,
            &look,
            &|| send(context, unit, &packed.folder.join(name), is_extra),
            say,
        )? {
            sent.push(name.clone());
        }
    }
    Ok(if sent.is_empty() {
        "already there, with the same bytes".to_owned()
    } else {
        format!("{} files", sent.len())
    })
}

/// Tries until something is there. Whether it is decides the place itself, not the answer to the try: that may be lost.
fn until_there(
    context: &Context,
    unit: &Unit,
    name: &str,
    look: &dyn Fn() -> Result<There>,
    send: &dyn Fn() -> Result<Result<(), String>>,
    say: &dyn Fn(String),
) -> Result<bool> {
    match retry::asking(context, look)? {
        There::Same => return Ok(false),
        There::Other(conflict) => return Err(taken(unit, &conflict)),
        There::No | There::NotCompared => {}
    }
    let mut tried = 0;
    let mut waited = Duration::ZERO;
    loop {
        tried += 1;
        let answer = match send() {
            // Before it sends, it may have to ask.
            Err(error @ Error::Registry { .. }) => Err(error.to_string()),
            answer => answer?,
        };
        // A look that fails is one more thing that may pass.
        match (look(), &answer) {
            (Ok(There::Same), _) => return Ok(true),
            (Ok(There::Other(conflict)), _) => return Err(taken(unit, &conflict)),
            // It was taken, and is not shown yet: waiting for that is the next step.
            (_, Ok(())) => return Ok(true),
            (_, Err(_)) => {}
        }
        let words = answer.err().unwrap_or_default();
        let wait = match retry::cause(&words, retry::now()) {
            Cause::Refused => return Err(refused(context, unit, name, &words)),
            Cause::RateLimited(named) => {
                tried -= 1;
                match named
                    .or_else(|| ask_for_time(context, unit))
                    .unwrap_or_else(retry::unnamed)
                {
                    wait if waited + wait > retry::LONGEST => {
                        return Err(refused(context, unit, name, &words))
                    }
                    wait => {
                        say(format!(
                            "{name}: too many requests; the server asks to wait {} s",
                            wait.as_secs()
                        ));
                        wait
                    }
                }
            }
            Cause::Passing if tried >= retry::TRIES => {
                return Err(refused(context, unit, name, &words))
            }
            Cause::Passing => {
                let wait = retry::back_off(tried + 1);
                say(format!(
                    "{name}: failed, is tried again in {} ms: {}",
                    wait.as_millis(),
                    last_line(&words)
                ));
                wait
            }
        };
        waited += wait;
        context.sleep(wait)?;
    }
}

/// Sends one file; what was said if it was not taken.
fn send(context: &Context, unit: &Unit, file: &Path, is_extra: bool) -> Result<Result<(), String>> {
    let channel = unit.channel;
    let upload = if is_extra {
        Upload::Store
    } else {
        channel.upload(context, unit, file)?
    };
    match upload {
        Upload::Store => store::put(context, &unit.folder, &unit.tag, file),
        Upload::Client(invocation) => {
            let ran = context.run(
                &unit.folder,
                May::Publish(unit.channel.prefixes()),
                &invocation,
            )?;
            Ok(if ran.status.success() {
                Ok(())
            } else {
                Err(secrets::redact(&ran.text))
            })
        }
    }
}

/// Clients do not print how long a server asks to wait; the server says it to anybody.
fn ask_for_time(context: &Context, unit: &Unit) -> Option<Duration> {
    let url = unit.channel.limited_at(context, unit)?;
    let answer = Request::post_nothing(&url).send(&context.interrupt).ok()?;
    if answer.status == 429 {
        retry::named_wait(&answer.headers, retry::now())
    } else {
        Some(Duration::ZERO)
    }
}

/// Waits until a registry hands out what it took.
pub fn visible(context: &Context, unit: &Unit, packed: &Packed) -> Result<String> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        match observe::there(context, unit, packed) {
            Ok(There::Same) => return Ok("handed out".to_owned()),
            Ok(There::Other(conflict)) => return Err(taken(unit, &conflict)),
            Ok(_) if started.elapsed() > VISIBLE_WITHIN => {
                return Err(Error::Version {
                    why: format!(
                        "{}: its registry still does not list it after {} minutes",
                        unit.folder,
                        VISIBLE_WITHIN.as_secs() / 60
                    ),
                    fix: "run the same command again later: it continues where it stopped".into(),
                });
            }
            Err(error) if started.elapsed() > VISIBLE_WITHIN => return Err(error),
            Ok(_) | Err(_) => {}
        }
        context.sleep(pause)?;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// Publishes the notes: the version's part of the changelog at the tag.
pub fn announce(context: &Context, unit: &Unit, say: &dyn Fn(String)) -> Result<String> {
    let text = git::file_at(
        &context.root,
        &format!("refs/tags/{}", unit.tag),
        &unit.changelog,
    )
    .or_else(|| git::file_at(&context.root, "HEAD", &unit.changelog));
    let notes = text
        .and_then(|text| changelog::notes(&text, &unit.version.to_string()))
        .unwrap_or_default();
    let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
    let file = scratch.path().join(store::NOTES);
    let text = format!("# {} {}\n\n{}\n", unit.name, unit.version, notes.trim());
    std::fs::write(&file, text).map_err(Error::io("write", &file))?;
    let look = || {
        Ok(if store::is_announced(context, &unit.folder, &unit.tag)? {
            There::Same
        } else {
            There::No
        })
    };
    let send = || store::announce(context, &unit.folder, &unit.tag, &file);
    let new = until_there(context, unit, store::NOTES, &look, &send, say)?;
    Ok(if new {
        "notes published"
    } else {
        "already there"
    }
    .to_owned())
}

/// A version that has other bytes.
pub fn taken(unit: &Unit, conflict: &Conflict) -> Error {
    Error::Version {
        why: format!(
            "{}: {} {} is in its registry with different bytes: {} has {}, here it is {}",
            unit.folder, unit.name, unit.version, conflict.file, conflict.theirs, conflict.ours
        ),
        fix: "release from the commit that was uploaded, or bump the version: cargo xtask bump"
            .into(),
    }
}

fn refused(context: &Context, unit: &Unit, name: &str, words: &str) -> Error {
    let lines: Vec<&str> = words
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    Error::Ended {
        what: format!("{}: the upload of {name}", unit.folder),
        why: "failed; run the same command again: it continues where it stopped".into(),
        tail: lines[lines.len().saturating_sub(12)..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect(),
        log: context.log(&unit.folder).unwrap_or_default(),
    }
}

fn last_line(words: &str) -> &str {
    words
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("")
        .trim()
}
