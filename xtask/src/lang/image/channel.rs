//! Images in OCI registries: built by Docker, and copied by skopeo, which pushes what was packed, byte by byte.
//!
//! What lies in the ledger is an OCI layout, `layout/`, and beside it the image's manifest as a file. A manifest names all bytes of an image by their sums, so
//! comparing it with the registry's compares everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Image;
use crate::docker::{self, Build};
use crate::error::{Error, Result};
use crate::lang::rust::locked_below;
use crate::process::Invocation;
use crate::publish::curl::{host, is_loopback, Request};
use crate::publish::sums::{Algorithm, Sum};
use crate::publish::{
    puzzled, Channel, Component, Context, May, Missing, Remote, Targets, Trial, Unit, Upload,
};
use crate::unit::{parse_comments, words};

/// The folder of the OCI layout beside the manifest.
const LAYOUT: &str = "layout";
/// Labels that say what an image was built from.
const VERSION: &str = "org.opencontainers.image.version";
const REVISION: &str = "org.opencontainers.image.revision";

fn manifest_of(unit: &Unit) -> String {
    format!("{}-{}.manifest.json", unit.name, unit.written)
}

/// `oci:FOLDER/layout:VERSION`.
fn layout(folder: &Path, unit: &Unit) -> String {
    format!("oci:{}:{}", folder.join(LAYOUT).display(), unit.written)
}

fn target(context: &Context) -> &str {
    context.targets.images.as_deref().unwrap_or_default()
}

/// `docker://HOST/PATH/NAME:VERSION`.
fn remote(context: &Context, unit: &Unit) -> String {
    let target = target(context)
        .trim_start_matches("oci://")
        .trim_end_matches('/');
    format!("docker://{target}/{}:{}", unit.name, unit.written)
}

/// skopeo, on the registry of the release.
fn skopeo(context: &Context, words: &[&str], tls: &str, more: &[&str]) -> Invocation {
    let plain = is_loopback(target(context)).then(|| format!("--{tls}=false"));
    let words = words.iter().copied().chain(plain.as_deref());
    let all = std::iter::once("skopeo")
        .chain(words)
        .chain(more.iter().copied());
    Invocation::new(&context.root, all)
}

impl Channel for Image {
    fn prefixes(&self) -> &'static [&'static str] {
        &["REGISTRY_AUTH_"]
    }

    fn purl(&self) -> &'static str {
        "oci"
    }

    fn is_wanted(&self, targets: &Targets) -> std::result::Result<(), &'static str> {
        let hint = "name a registry with --registry-images oci://HOST/PATH";
        targets.images.as_ref().map(drop).ok_or(hint)
    }

    fn pack(&self, context: &Context, unit: &Unit, _with: &[&Unit], into: &Path) -> Result<()> {
        if is_of_this_commit(context, unit)? {
            // Two builds never have the same bytes, and what was published stays.
            pull(context, unit, into)?;
        } else {
            build(context, unit, into)?;
        }
        let manifest = read_manifest(&into.join(LAYOUT))?;
        let file = into.join(manifest_of(unit));
        std::fs::write(&file, manifest).map_err(Error::io("write", &file))
    }

    fn is_artifact(&self, _unit: &Unit, name: &str) -> bool {
        name.ends_with(".manifest.json")
    }

    fn components(&self, context: &Context, unit: &Unit) -> Vec<Component> {
        let mut all = crates(context, unit);
        all.extend(debian_packages(context, unit));
        all
    }

    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let (unit, folder) = (trial.unit, &trial.packed.folder);
        let words = ["skopeo", "inspect", "--config", &layout(folder, unit)];
        let asked = Invocation::new(trial.folder, words);
        let text = context.succeed(&unit.folder, May::Build, &asked)?;
        let problems = problems(&text, &unit.written, &context.commit);
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::CheckFailed {
            unit: unit.folder.clone(),
            problems,
        })
    }

    fn credentials(&self, context: &Context, _unit: &Unit) -> Result<(), Missing> {
        if let Err(hint) = self.is_wanted(&context.targets) {
            return Err(("no registry for images".into(), hint.into()));
        }
        let target = target(context);
        if which::which("skopeo").is_err() {
            let fix = "install skopeo (Debian: apt-get install skopeo)";
            return Err(("skopeo, which pushes images, is missing".into(), fix.into()));
        }
        let scheme = if is_loopback(target) { "http" } else { "https" };
        let open = Request::get(&format!("{scheme}://{}/v2/", host(target)))
            .send(&context.interrupt)
            .is_ok_and(|answer| answer.is_success());
        let login = Invocation::new(
            &context.root,
            ["skopeo", "login", "--get-login", host(target)],
        );
        if open
            || context
                .ask("images", self.prefixes(), &login)
                .is_ok_and(|ran| ran.status.success())
        {
            return Ok(());
        }
        Err((
            format!("no credentials for {target}"),
            format!("skopeo login {} --password-stdin", host(target)),
        ))
    }

    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>> {
        let manifest = ask(context, unit, &["inspect", "--raw"])?;
        let sum = manifest.map(|text| Sum::of(Algorithm::Sha256, text.as_bytes()));
        Ok(sum
            .map(|sum| Remote { file: None, sum })
            .into_iter()
            .collect())
    }

    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload> {
        let from = layout(file.parent().unwrap_or(Path::new(".")), unit);
        let words = ["copy", "--quiet", "--preserve-digests"];
        let copy = skopeo(
            context,
            &words,
            "dest-tls-verify",
            &[&from, &remote(context, unit)],
        );
        Ok(Upload::Client(Box::new(copy)))
    }
}

/// What skopeo tells of the image in the registry; none if there is no such image, or no registry.
fn ask(context: &Context, unit: &Unit, words: &[&str]) -> Result<Option<String>> {
    if target(context).is_empty() {
        return Ok(None);
    }
    let place = remote(context, unit);
    let asked = context.ask(
        &unit.folder,
        Image.prefixes(),
        &skopeo(context, words, "tls-verify", &[&place]),
    )?;
    if asked.status.success() {
        return Ok(Some(asked.text));
    }
    let said = asked.text.to_lowercase();
    let absent = ["manifest unknown", "name unknown", "not found"];
    if absent.iter().any(|words| said.contains(words)) {
        return Ok(None);
    }
    let line = asked.text.lines().last().unwrap_or("no answer");
    Err(puzzled(unit, &place, line))
}

/// Whether the registry has this version, built from this commit: by another run, whose ledger is gone.
fn is_of_this_commit(context: &Context, unit: &Unit) -> Result<bool> {
    let config = ask(context, unit, &["inspect", "--config"])?;
    Ok(config.is_some_and(|text| label(&text, REVISION).as_deref() == Some(&context.commit)))
}

fn pull(context: &Context, unit: &Unit, into: &Path) -> Result<()> {
    let words = ["copy", "--quiet", "--preserve-digests"];
    let to = layout(into, unit);
    let copy = skopeo(
        context,
        &words,
        "src-tls-verify",
        &[&remote(context, unit), &to],
    );
    context.succeed(&unit.folder, May::Build, &copy)?;
    // The engine is asked what is in it.
    let saved = into.join(".saved.tar");
    let archive = format!(
        "docker-archive:{}:{}:{}",
        saved.display(),
        unit.name,
        tag(context)
    );
    let load = saved.display().to_string();
    for words in [
        &["skopeo", "copy", "--quiet", &to, &archive][..],
        &["docker", "load", "--quiet", "--input", &load],
    ] {
        let run = Invocation::new(&context.root, words.iter().copied());
        context.succeed(&unit.folder, May::Build, &run)?;
    }
    std::fs::remove_file(&saved).map_err(Error::io("remove", &saved))
}

/// Builds it from the clean clone. The tag is one that nobody else uses.
fn build(context: &Context, unit: &Unit, into: &Path) -> Result<()> {
    let source = context.source();
    let image = docker::Image {
        name: unit.name.clone(),
        file: Path::new(&unit.folder).join("Dockerfile"),
        version: unit.written.clone(),
    };
    let tag = tag(context);
    let how = Build {
        tag: Some(&tag),
        revision: &context.commit,
        given: false,
        arguments: &[],
    };
    context.succeed(&unit.folder, May::Build, &image.invocation(&source, &how))?;
    let saved = into.join(".saved.tar");
    let reference = image.reference(&tag);
    let archive = format!("docker-archive:{}", saved.display());
    for words in [
        &[
            "docker",
            "save",
            "--output",
            &saved.display().to_string(),
            &reference,
        ][..],
        &["skopeo", "copy", "--quiet", &archive, &layout(into, unit)],
    ] {
        let run = Invocation::new(&source, words.iter().copied());
        context.succeed(&unit.folder, May::Build, &run)?;
    }
    std::fs::remove_file(&saved).map_err(Error::io("remove", &saved))
}

fn tag(context: &Context) -> String {
    format!(
        "release-{}",
        context.commit.get(..12).unwrap_or(&context.commit)
    )
}

/// The bytes of the manifest of a layout with one image.
fn read_manifest(layout: &Path) -> Result<Vec<u8>> {
    let index = layout.join("index.json");
    let text = std::fs::read_to_string(&index).map_err(Error::io("read", &index))?;
    let index: Value = serde_json::from_str(&text).unwrap_or_default();
    let digest = index["manifests"][0]["digest"].as_str().unwrap_or_default();
    let file: PathBuf = layout.join("blobs").join(digest.replace(':', "/"));
    std::fs::read(&file).map_err(Error::io("read", file))
}

/// A label in what `skopeo inspect --config` prints.
fn label(config: &str, name: &str) -> Option<String> {
    let config: Value = serde_json::from_str(config).ok()?;
    config["config"]["Labels"][name].as_str().map(str::to_owned)
}

/// What makes an image unfit to be published.
fn problems(config: &str, version: &str, revision: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, wanted) in [(VERSION, version), (REVISION, revision)] {
        let found = label(config, name).unwrap_or_default();
        if found != wanted {
            problems.push(format!("its label {name} is `{found}`, not `{wanted}`"));
        }
    }
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let user = config["config"]["User"].as_str().unwrap_or_default();
    if user.is_empty() || user.starts_with("root") || user.split(':').next() == Some("0") {
        problems.push("it runs as root: its Dockerfile needs USER with a number".to_owned());
    }
    problems
}

/// What its programs are compiled from: `# xtask: crates = […]`.
fn crates(context: &Context, unit: &Unit) -> Vec<Component> {
    let file = context.source().join(&unit.folder).join("Dockerfile");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let settings = parse_comments(&text).unwrap_or_default();
    let mut found = BTreeMap::new();
    for name in words(&settings, "crates") {
        for part in locked_below(&context.source(), name) {
            found.insert((part.name.clone(), part.version.clone()), part);
        }
    }
    found.into_values().collect()
}

/// The packages of Debian in it; none where it has none.
fn debian_packages(context: &Context, unit: &Unit) -> Vec<Component> {
    let reference = format!("{}:{}", unit.name, tag(context));
    let words = [
        "docker",
        "run",
        "--rm",
        "--network=none",
        "--entrypoint=dpkg-query",
    ];
    let format = ["--show", "--showformat=${Package} ${Version}\\n"];
    let all = words.into_iter().chain([reference.as_str()]).chain(format);
    let ran = context.ask(&unit.folder, &[], &Invocation::new(&context.root, all));
    let text = ran
        .ok()
        .filter(|ran| ran.status.success())
        .map(|ran| ran.text);
    let package = |line: &str| {
        let (name, version) = line.split_once(' ')?;
        Some(Component {
            kind: Some("deb/debian"),
            name: name.to_owned(),
            version: version.to_owned(),
            sha256: String::new(),
        })
    };
    text.unwrap_or_default()
        .lines()
        .filter_map(package)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::problems;

    #[test]
    fn an_image_says_what_it_is_and_does_not_run_as_root() {
        let config = |user: &str, version: &str| {
            format!(
                r#"{{"config": {{"User": "{user}", "Labels": {{"org.opencontainers.image.version": "{version}", "org.opencontainers.image.revision": "abc"}}}}}}"#
            )
        };
        assert!(problems(&config("10001:10001", "0.1.0"), "0.1.0", "abc").is_empty());
        for (config, wanted) in [
            (config("", "0.1.0"), "runs as root"),
            (config("0:0", "0.1.0"), "runs as root"),
            (config("root", "0.1.0"), "runs as root"),
            (config("10001", "0.2.0"), "is `0.2.0`, not `0.1.0`"),
            ("{}".to_owned(), "revision is ``, not `abc`"),
        ] {
            let found = problems(&config, "0.1.0", "abc").join("; ");
            assert!(found.contains(wanted), "{found}");
        }
    }
}
