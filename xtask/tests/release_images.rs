//! A release of an image to a real registry on loopback, killed and continued.
//!
//! It needs a Docker engine at `DOCKER_HOST` and skopeo, so it runs only when asked for, as `ops/docker/proof/run` does:
//! `cargo test --package xtask --test release_images`.

#![allow(dead_code, reason = "`release` has more than an image needs")]

mod release;

use std::fs;
use std::path::Path;

use release::provision;
use release::registries::{git, Registries};
use release::world::{Ran, World};

const UNIT: &str = "--unit=image";
const DOCKERFILE: &str = "# xtask: name = \"fix-image\"\nFROM scratch\nARG VERSION=0.1.0\nARG REVISION=unknown\nLABEL org.opencontainers.image.version=\"${VERSION}\" org.opencontainers.image.revision=\"${REVISION}\"\nCOPY chart/values.yaml /values.yaml\nUSER 10001:10001\n";

struct Images {
    world: World,
    engine: String,
    registry: String,
}

impl Images {
    /// The repository of the other releases, with an image.
    fn new(folder: &Path) -> Self {
        let engine = std::env::var("DOCKER_HOST").expect("DOCKER_HOST names no Docker engine");
        let world = World::new(folder, Registries::start(folder, provision::programs()));
        let at = world.registries.url("charts");
        let registry = format!("--registry-images={}/images", at.replace("http", "oci"));
        let images = Self {
            world,
            engine,
            registry,
        };
        images.commit(DOCKERFILE, "feat: an image");
        images
    }

    fn commit(&self, dockerfile: &str, message: &str) {
        let repo = self.world.repo();
        fs::create_dir_all(repo.join("image")).unwrap();
        fs::write(repo.join("image/Dockerfile"), dockerfile).unwrap();
        git(&repo, &["add", "--all"]);
        git(&repo, &["commit", "--quiet", "-m", message]);
        git(&repo, &["push", "--quiet", "origin", "HEAD:main"]);
    }

    fn run(&self, args: &[&str], set: &[(&str, &str)]) -> Ran {
        let args = [&["release", self.registry.as_str()], args].concat();
        let set = [&[("DOCKER_HOST", self.engine.as_str())], set].concat();
        self.world.run(&args, &set)
    }

    fn succeeds(&self, what: &str, args: &[&str]) -> Ran {
        let ran = self.run(args, &[]);
        assert_eq!(ran.code, Some(0), "{what}\n{}\n{}", ran.out, ran.err);
        ran
    }

    /// A second build is one of other bytes only if nothing of the first is left.
    fn forget_builds(&self) {
        let ran = std::process::Command::new("docker")
            .args(["builder", "prune", "--all", "--force"])
            .env("DOCKER_HOST", &self.engine)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
    }

    /// What the registry has.
    fn manifest(&self) -> String {
        let url = self.world.registries.url("charts");
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let asked = agent
            .get(format!("{url}/v2/images/fix-image/manifests/0.1.0"))
            .header("accept", "application/vnd.oci.image.manifest.v1+json")
            .call();
        asked.unwrap().body_mut().read_to_string().unwrap()
    }
}

#[test]
fn an_image_is_released_once_however_often_it_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let mut images = Images::new(folder.path());
    let base = folder.path().join("base");
    images.world.save(&base);
    images.succeeds("undisturbed", &[UNIT]);
    let again = images.succeeds("again", &["--json", UNIT]);
    assert_eq!(again.boundaries(), 0);
    let files = images.world.outcome();
    for file in [
        "fix-image-0.1.0.cdx.json",
        "fix-image-0.1.0.provenance.json",
    ] {
        assert!(files.keys().any(|name| name.ends_with(file)), "{file}");
    }

    images.world.restore(&base);
    let boundaries = images.succeeds("counted", &["--json", UNIT]).boundaries();
    assert!(boundaries > 6, "{boundaries}");
    for at in (1..=boundaries).step_by(3) {
        images.world.restore(&base);
        let killed = images.run(
            &["--jobs=1", UNIT],
            &[("XTASK_RELEASE_KILL_AT", &at.to_string())],
        );
        assert_eq!(killed.code, None, "{at}: {killed:?}");
        images.succeeds(&format!("killed at {at}"), &[UNIT]);
        let outcome = images.world.outcome();
        assert!(
            outcome.contains_key("remote refs/tags/image/v0.1.0"),
            "{at}"
        );
        // A second build would have left blobs of its own.
        let blobs = outcome
            .keys()
            .filter(|name| name.starts_with("charts/") && name.ends_with("/data"));
        assert_eq!(blobs.count(), 3, "{at}: configuration, layer and manifest");
    }
}

#[test]
fn what_was_published_is_taken_from_there_if_the_packed_bytes_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let images = Images::new(folder.path());
    images.succeeds("undisturbed", &[UNIT]);
    let published = images.manifest();
    let repo = images.world.repo();
    fs::remove_dir_all(repo.join("target")).unwrap();
    images.forget_builds();
    git(&repo, &["tag", "--delete", "image/v0.1.0"]);
    git(
        &repo,
        &["push", "--quiet", "origin", ":refs/tags/image/v0.1.0"],
    );
    images.succeeds("packed again", &[UNIT]);
    assert_eq!(images.manifest(), published);
}

#[test]
fn what_cannot_be_released_is_refused_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let images = Images::new(folder.path());
    let all = images.world.run(&["release", "--dry-run"], &[]);
    assert!(
        all.out
            .contains("left out: image; name a registry with --registry-images"),
        "{all:?}"
    );

    let as_root = DOCKERFILE.replace("USER 10001:10001\n", "");
    images.commit(&as_root, "feat: an image that runs as root");
    let ran = images.run(&[UNIT], &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("it runs as root"), "{ran:?}");

    images.commit(DOCKERFILE, "fix: not as root");
    images.succeeds("the first", &[UNIT]);
    let published = images.manifest();
    let repo = images.world.repo();
    git(
        &repo,
        &["push", "--quiet", "origin", ":refs/tags/image/v0.1.0"],
    );
    git(&repo, &["tag", "--delete", "image/v0.1.0"]);
    let other = DOCKERFILE.replace("/values.yaml\n", "/other.yaml\n");
    images.commit(&other, "feat: another image of the same version");
    let ran = images.run(&[UNIT], &[]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("fix-image-0.1.0.manifest.json"), "{ran:?}");
    assert_eq!(images.manifest(), published);
}
