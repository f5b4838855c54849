//! Where packed bytes come from: an in-toto statement with SLSA provenance.
//!
//! It holds no time and no number of a run, so that packing again gives the same file.

use std::path::Path;

use serde_json::{json, Value};

use super::effects::Context;
use super::sums::{Algorithm, Sum};
use super::Unit;
use crate::error::Result;
use crate::version::bump::git;

/// The statement about a unit whose packed files lie in `folder`.
///
/// # Errors
/// If a file cannot be read.
pub fn of(context: &Context, unit: &Unit, folder: &Path, artifacts: &[String]) -> Result<String> {
    let mut subject: Vec<Value> = Vec::new();
    for name in artifacts {
        let sum = Sum::of_file(Algorithm::Sha256, &folder.join(name))?;
        subject.push(json!({ "name": name, "digest": { "sha256": sum.hex } }));
    }
    let repository = repository(context);
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "cargo-xtask-release/v1",
                "externalParameters": { "unit": unit.folder, "version": unit.version.to_string(), "tag": unit.tag },
                "resolvedDependencies": [{
                    "uri": format!("git+{repository}"), "digest": { "gitCommit": context.commit },
                }],
            },
            "runDetails": { "builder": { "id": builder() } },
        },
    });
    Ok(serde_json::to_string_pretty(&statement).unwrap_or_default() + "\n")
}

/// The address of the remote, without a user's name or password in it.
fn repository(context: &Context) -> String {
    let url = git(
        &context.root,
        &["remote", "get-url", &context.targets.remote],
    )
    .unwrap_or_default();
    let url = url.trim();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end]
                .rsplit_once('@')
                .map_or(&rest[..end], |(_, host)| host);
            format!("{scheme}://{host}{}", &rest[end..])
        }
        // A path of this machine says nothing to others.
        None if url.starts_with(['/', '.']) => "local".to_owned(),
        None => url.to_owned(),
    }
}

fn builder() -> String {
    match std::env::var("GITHUB_WORKFLOW_REF") {
        Ok(workflow) if !workflow.is_empty() => workflow,
        _ => "local".to_owned(),
    }
}
