//! Where packed bytes come from: an in-toto statement with SLSA provenance.
//!
//! It holds no time, no number of a run and no machine, so that packing again, by whomever, gives the same file. Who built something is what
//! registries with trusted publishing attest themselves.

use std::path::Path;

use serde_json::{json, Value};

use crate::error::Result;
use crate::git::run::git;
use crate::publish::sums::{Algorithm, Sum};
use crate::publish::Context;
use crate::publish::Unit;

/// The statement about a unit whose packed files lie in `folder`.
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
                "buildType": "urn:tasker-contrib:cargo-xtask-release:1",
                "externalParameters": { "unit": unit.folder, "version": unit.version.to_string(), "tag": unit.tag },
                "resolvedDependencies": [{
                    "uri": format!("git+{repository}"), "digest": { "gitCommit": context.commit },
                }],
            },
            "runDetails": { "builder": { "id": "urn:tasker-contrib:cargo-xtask" } },
        },
    });
    Ok(serde_json::to_string_pretty(&statement).unwrap_or_default() + "\n")
}

/// The address of the remote, the same for everybody: without names, passwords, and how one reaches it.
fn repository(context: &Context) -> String {
    let remote = &context.targets.remote;
    address(&git(&context.root, &["remote", "get-url", remote]).unwrap_or_default())
}

fn address(url: &str) -> String {
    let url = url.trim().trim_end_matches('/').trim_end_matches(".git");
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        // A path of this machine says nothing to others.
        None if url.starts_with(['/', '.']) => return "local".to_owned(),
        // As ssh writes it: user@host:path.
        None => url.split_once(':').unwrap_or((url, "")),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("https://{host}/{path}")
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_the_same_however_it_was_cloned() {
        for url in [
            "https://forge.example.org/team/repo.git\n",
            "https://me:secret@forge.example.org/team/repo",
            "ssh://git@forge.example.org/team/repo.git",
            "git@forge.example.org:team/repo.git",
        ] {
            assert_eq!(address(url), "https://forge.example.org/team/repo");
        }
        assert_eq!(address("/home/me/repo"), "local");
    }
}
