//! npm tarballs: packed and published by `npm`, built and tried with Bun where the package is for Bun.

use std::path::{Path, PathBuf};

use semver::Version;

use super::TypeScript;
use crate::error::Result;
use crate::process::Invocation;
use crate::publish::curl::{host, Request};
use crate::publish::secrets::{has_identity, is_set};
use crate::publish::sums::Sum;
use crate::publish::{
    puzzled, smoke, source, Channel, Context, May, Missing, Remote, Trial, Unit, Upload,
};
use crate::version::notation;

fn manifest(folder: &Path) -> Result<serde_json::Value> {
    let text = crate::file::read(&folder.join("package.json"))?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

fn npm(context: &Context, folder: &Path, words: &[&str]) -> Invocation {
    let invocation = Invocation::new(folder, [&["npm"], words].concat())
        .env("npm_config_update_notifier", "false")
        .env("npm_config_fund", "false")
        .env("npm_config_audit", "false")
        .env("npm_config_fetch_retries", "0");
    match context.programs.folder("bun") {
        Some(folder) => invocation.with_path(folder),
        None => invocation,
    }
}

/// The registry: the one asked for, or npm's own.
fn registry(context: &Context, unit: &Unit) -> Result<String> {
    if let Some(url) = &context.targets.npm {
        return Ok(url.clone());
    }
    let ask = npm(context, &context.root, &["config", "get", "registry"]);
    Ok(context
        .succeed(&unit.folder, May::Read, &ask)?
        .trim()
        .to_owned())
}

impl Channel for TypeScript {
    fn prefixes(&self) -> &'static [&'static str] {
        &["NODE_AUTH_TOKEN", "NPM_TOKEN", "ACTIONS_ID_TOKEN_"]
    }

    fn purl(&self) -> &'static str {
        "npm"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["bun"]
    }

    fn pack(&self, context: &Context, unit: &Unit, _with: &[&Unit], into: &Path) -> Result<()> {
        let folder = source(context, unit);
        let run = |invocation: &Invocation| context.succeed(&unit.folder, May::Build, invocation);
        if manifest(&folder)?["scripts"]["build"].is_string() {
            let bun = folder.join("bun.lock").is_file();
            if bun {
                let install =
                    Invocation::new(&folder, ["bun", "install", "--frozen-lockfile", "--silent"]);
                run(&context
                    .programs
                    .folder("bun")
                    .into_iter()
                    .fold(install, |install, folder| install.with_path(folder)))?;
            } else if folder.join("package-lock.json").is_file() {
                run(&npm(context, &folder, &["ci", "--silent"]))?;
            }
            let build = npm(context, &folder, &["run", "--silent", "build"]);
            run(&build.env("SOURCE_DATE_EPOCH", context.epoch.to_string()))?;
        }
        let out = into.display().to_string();
        run(&npm(
            context,
            &folder,
            &["pack", "--silent", "--pack-destination", &out],
        ))
        .map(drop)
    }

    fn is_artifact(&self, _unit: &Unit, name: &str) -> bool {
        name.ends_with(".tgz")
    }

    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let folder = &trial.unit.folder;
        let run = |invocation: &Invocation| context.succeed(folder, May::Build, invocation);
        run(&Invocation::new(
            trial.folder,
            ["npm", "init", "--yes", "--silent"],
        ))?;
        let files: Vec<String> = trial
            .needs
            .iter()
            .map(|(_, packed)| packed)
            .chain([trial.packed])
            .flat_map(|packed| packed.paths())
            .map(|path: PathBuf| path.display().to_string())
            .collect();
        let words: Vec<&str> = ["install", "--silent", "--ignore-scripts"]
            .into_iter()
            .chain(files.iter().map(String::as_str))
            .collect();
        run(&npm(context, trial.folder, &words))?;
        let manifest = manifest(&source(context, trial.unit))?;
        let entry = manifest["exports"].get(".").is_some()
            || manifest["main"].is_string()
            || trial
                .folder
                .join("node_modules")
                .join(&trial.unit.name)
                .join("index.js")
                .is_file();
        if entry {
            let code = format!(
                "await import({:?}); console.log(\"imported\")",
                trial.unit.name
            );
            let run_with = match (
                manifest["engines"]["bun"].is_string(),
                context.programs.folder("bun"),
            ) {
                (true, Some(bun)) => {
                    Invocation::new(trial.folder, ["bun", "-e", &code]).with_path(bun)
                }
                _ => Invocation::new(trial.folder, ["node", "--input-type=module", "-e", &code]),
            };
            run(&run_with)?;
        }
        let bin = trial.folder.join("node_modules/.bin");
        smoke(context, trial, &bin, |invocation| {
            match context.programs.folder("bun") {
                Some(folder) => Invocation {
                    path: vec![bin.clone(), folder.to_owned()],
                    ..invocation
                },
                None => invocation,
            }
        })
    }

    fn credentials(&self, context: &Context, unit: &Unit) -> Result<(), Missing> {
        let stored = || {
            let url = registry(context, unit).unwrap_or_default();
            let home = std::env::var_os("HOME")
                .map(PathBuf::from)
                .unwrap_or_default();
            let text = std::fs::read_to_string(home.join(".npmrc")).unwrap_or_default();
            text.lines().any(|line| {
                line.trim_start().starts_with(&format!("//{}", host(&url)))
                    && line.contains("_auth")
            })
        };
        if is_set("NODE_AUTH_TOKEN") || is_set("NPM_TOKEN") || has_identity() || stored() {
            return Ok(());
        }
        Err((
            "no credentials for the npm registry".into(),
            "set NODE_AUTH_TOKEN, run `npm login`, or release from a workflow with trusted publishing".into(),
        ))
    }

    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>> {
        let url = format!(
            "{}/{}",
            registry(context, unit)?.trim_end_matches('/'),
            unit.name.replace('/', "%2f")
        );
        let answer = Request::get(&url).send(&context.interrupt)?;
        match answer.status {
            404 => return Ok(Vec::new()),
            200 => {}
            _ => return Err(puzzled(unit, &url, &answer.describe())),
        }
        let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let version = &value["versions"][&unit.written];
        let sum = version["dist"]["integrity"]
            .as_str()
            .and_then(Sum::integrity);
        match (version.is_null(), sum) {
            (true, _) => Ok(Vec::new()),
            (false, Some(sum)) => Ok(vec![Remote { file: None, sum }]),
            (false, None) => Err(puzzled(unit, &url, "the version has no sha512 integrity")),
        }
    }

    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload> {
        let (file, url) = (file.display().to_string(), registry(context, unit)?);
        let tag = tag_of(&unit.version);
        let mut words = vec!["publish", &file, "--tag", tag, "--ignore-scripts"];
        if context.targets.npm.is_some() {
            words.extend(["--registry", &url]);
        }
        let mut invocation = npm(context, &source(context, unit), &words);
        // npm puts the variable's value in itself: nothing secret is written or shown.
        for name in ["NODE_AUTH_TOKEN", "NPM_TOKEN"] {
            if is_set(name) {
                let place = url
                    .split_once(':')
                    .map_or("", |(_, rest)| rest)
                    .trim_end_matches('/');
                invocation = invocation.env(
                    format!("npm_config_{place}/:_authToken"),
                    format!("${{{name}}}"),
                );
                break;
            }
        }
        Ok(Upload::Client(Box::new(invocation)))
    }

    fn limited_at(&self, context: &Context, unit: &Unit) -> Option<String> {
        let url = context.targets.npm.as_ref()?;
        Some(format!(
            "{}/{}",
            url.trim_end_matches('/'),
            unit.name.replace('/', "%2f")
        ))
    }
}

/// The npm tag under which a version is found.
fn tag_of(version: &Version) -> &'static str {
    notation::pre(version)
        .ok()
        .flatten()
        .map_or("latest", |(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use super::tag_of;

    #[test]
    fn nobody_who_asks_for_no_tag_gets_a_pre_release() {
        for (version, tag) in [
            ("1.2.0", "latest"),
            ("1.2.0-rc.1", "rc"),
            ("0.1.0-alpha.3", "alpha"),
        ] {
            assert_eq!(tag_of(&version.parse().unwrap()), tag);
        }
    }
}
