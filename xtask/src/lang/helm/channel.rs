//! Helm charts, in OCI registries: packed, pushed and pulled by helm.

use std::path::{Path, PathBuf};

use super::{chart, Helm};
use crate::archive;
use crate::error::{Error, Result};
use crate::process::Invocation;
use crate::publish::curl::{host, is_loopback, Request};
use crate::publish::sums::{Algorithm, Sum};
use crate::publish::{
    puzzled, source, Channel, Context, May, Missing, Remote, Trial, Unit, Upload,
};
use crate::unit::words;

fn file_of(unit: &Unit) -> String {
    format!("{}-{}.tgz", unit.name, unit.written)
}

fn helm(context: &Context, folder: &Path, words: &[&str]) -> Invocation {
    let program = context.programs.word("helm");
    Invocation::new(folder, [&[program.as_str()], words].concat())
}

fn target(context: &Context) -> &str {
    context.targets.charts.as_deref().unwrap_or_default()
}

fn plain(target: &str) -> &'static [&'static str] {
    if is_loopback(target) {
        &["--plain-http"]
    } else {
        &[]
    }
}

impl Channel for Helm {
    fn prefixes(&self) -> &'static [&'static str] {
        &["HELM_"]
    }

    fn purl(&self) -> &'static str {
        "helm"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["helm"]
    }

    fn looks_with(&self) -> Option<&'static str> {
        Some("helm")
    }

    fn pack(&self, context: &Context, unit: &Unit, _with: &[&Unit], into: &Path) -> Result<()> {
        let out = into.display().to_string();
        let folder = source(context, unit);
        with_charts_beside(context, unit, &folder)?;
        let package = helm(context, &folder, &["package", ".", "--destination", &out]);
        context.succeed(&unit.folder, May::Build, &package)?;
        // helm writes the time of packing into the archive.
        archive::at_one_time(&into.join(file_of(unit)), context.epoch)
    }

    fn is_artifact(&self, _unit: &Unit, name: &str) -> bool {
        name.ends_with(".tgz")
    }

    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let file = trial
            .packed
            .folder
            .join(file_of(trial.unit))
            .display()
            .to_string();
        let values = minimal_values(&source(context, trial.unit));
        for words in [
            &["lint", "--quiet", &file][..],
            &["template", "trial", &file],
        ] {
            let mut words = words.to_vec();
            // `helm lint` takes no APIs, and refuses for none.
            let lint = words[0] == "lint";
            let values = values
                .iter()
                .filter(|word| !lint || word.starts_with("--values="));
            words.extend(values.map(String::as_str));
            let run = helm(context, trial.folder, &words);
            context.succeed(&trial.unit.folder, May::Build, &run)?;
        }
        Ok(())
    }

    fn credentials(&self, context: &Context, _unit: &Unit) -> Result<(), Missing> {
        let target = target(context);
        if !target.starts_with("oci://") {
            return Err((
                "no registry for charts".into(),
                "name one: --registry-charts oci://HOST/PATH".into(),
            ));
        }
        let scheme = if is_loopback(target) { "http" } else { "https" };
        let url = format!("{scheme}://{}/v2/", host(target));
        let open = Request::get(&url)
            .send(&context.interrupt)
            .is_ok_and(|answer| answer.is_success());
        if open
            || stores().iter().any(|store| {
                std::fs::read_to_string(store).is_ok_and(|text| text.contains(host(target)))
            })
        {
            return Ok(());
        }
        Err((
            format!("no credentials for {target}"),
            format!("helm registry login {} --password-stdin", host(target)),
        ))
    }

    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>> {
        let target = target(context);
        if target.is_empty() {
            return Ok(Vec::new());
        }
        let scratch = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
        let place = format!("{}/{}", target.trim_end_matches('/'), unit.name);
        let mut words = vec!["pull", &place, "--version", &unit.written];
        words.extend(plain(target));
        let asked = context.ask(
            &unit.folder,
            self.prefixes(),
            &helm(context, scratch.path(), &words),
        )?;
        if asked.status.success() {
            let sum = Sum::of_file(Algorithm::Sha256, &scratch.path().join(file_of(unit)))?;
            return Ok(vec![Remote { file: None, sum }]);
        }
        let absent = ["not found", "name unknown", "manifest unknown"];
        if absent
            .iter()
            .any(|words| asked.text.to_lowercase().contains(words))
        {
            return Ok(Vec::new());
        }
        Err(puzzled(
            unit,
            &place,
            asked.text.lines().last().unwrap_or("no answer"),
        ))
    }

    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload> {
        let (file, target) = (file.display().to_string(), target(context));
        let mut words = vec!["push", &file, target];
        words.extend(plain(target));
        Ok(Upload::Client(Box::new(helm(
            context,
            &source(context, unit),
            &words,
        ))))
    }

    fn limited_at(&self, context: &Context, _unit: &Unit) -> Option<String> {
        let target = target(context);
        let (_, rest) = target.split_once("://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let scheme = if is_loopback(target) { "http" } else { "https" };
        Some(format!("{scheme}://{host}/v2/{path}/blobs/uploads/"))
    }
}

/// Puts the charts of the repository that a chart depends on into it, as they are: an archive of them would have the time of packing.
fn with_charts_beside(context: &Context, unit: &Unit, folder: &Path) -> Result<()> {
    let text = crate::file::read(&folder.join("Chart.yaml"))?;
    let table = chart::table(&text);
    for url in words(&table, chart::REPOSITORIES) {
        let Some(beside) = url.strip_prefix("file://") else {
            continue;
        };
        let charts = folder.join("charts");
        std::fs::create_dir_all(&charts).map_err(Error::io("create", &charts))?;
        let copy = Invocation::new(folder, ["cp", "-R", beside, "charts/"].map(str::to_owned));
        context.succeed(&unit.folder, May::Build, &copy)?;
    }
    Ok(())
}

/// What a chart cannot do without: `ci/minimal.yaml`, and the APIs that a cluster must have, one a line of `ci/api-versions`.
fn minimal_values(folder: &Path) -> Vec<String> {
    let values = folder.join("ci/minimal.yaml");
    let apis = std::fs::read_to_string(folder.join("ci/api-versions")).unwrap_or_default();
    let apis = apis.lines().map(|api| format!("--api-versions={api}"));
    let values = values
        .is_file()
        .then(|| format!("--values={}", values.display()));
    values.into_iter().chain(apis).collect()
}

/// Where helm and docker keep credentials.
fn stores() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let config =
        std::env::var_os("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let docker =
        std::env::var_os("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from);
    let named = std::env::var_os("HELM_REGISTRY_CONFIG").map(PathBuf::from);
    named
        .into_iter()
        .chain([
            config.join("helm/registry/config.json"),
            docker.join("config.json"),
        ])
        .collect()
}
