//! Releases of a small repository to real registries on loopback, disturbed at every point at which they can be.
//!
//! Slow (minutes) and in need of a few packages, so it runs only when asked for: `cargo test --package xtask --test release_proof`.

mod release;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use release::github::{self, Github};
use release::provision;
use release::proxy::{Fault, Proxy};
use release::registries::Registries;
use release::world::{Ran, World, TAGS};

type Outcome = BTreeMap<String, String>;

fn world(folder: &Path) -> World {
    World::new(folder, Registries::start(folder, provision::programs()))
}

/// Fails with what differs.
fn same(what: &str, expected: &Outcome, found: &Outcome) {
    let differs = |a: &Outcome, b: &Outcome| -> Vec<String> {
        a.iter()
            .filter(|(name, sum)| b.get(*name) != Some(sum))
            .map(|(name, sum)| format!("{name} {sum}"))
            .collect()
    };
    let (missing, added) = (differs(expected, found), differs(found, expected));
    assert!(
        missing.is_empty() && added.is_empty(),
        "{what}\nexpected: {missing:#?}\nfound: {added:#?}"
    );
}

fn succeeded(what: &str, ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{what}\n{}\n{}", ran.out, ran.err);
}

/// Everything is done once undisturbed, then the registries and tags are put back, but not the packed bytes.
fn verified(world: &mut World, base: &Path, units: &[&str], to: &Path) -> Outcome {
    world.restore(base);
    let mut args = vec!["release"];
    args.extend(units);
    succeeded("undisturbed", &world.run(&args, &[]));
    let expected = world.outcome();
    let ledger = world.folder.join("kept-ledger");
    let _ = std::fs::remove_dir_all(&ledger);
    std::fs::rename(world.repo().join("target"), &ledger).unwrap();
    world.restore(base);
    std::fs::rename(&ledger, world.repo().join("target")).unwrap();
    world.save(to);
    expected
}

#[test]
fn killed_after_every_effect_a_release_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path());
    let (base, point) = (folder.path().join("base"), folder.path().join("point"));
    world.save(&base);
    let undisturbed = world.run(&["release", "--json"], &[]);
    succeeded("undisturbed", &undisturbed);
    let (expected, boundaries) = (world.outcome(), undisturbed.boundaries());
    for tag in TAGS {
        assert!(
            expected.contains_key(&format!("remote refs/tags/{tag}")),
            "{tag}"
        );
    }
    // Again there is nothing to do.
    let again = world.run(&["release", "--json"], &[]);
    assert_eq!((again.code, again.boundaries()), (Some(0), 0));

    // Each run goes one effect further than the one before, and is killed right after it, before it can note anything:
    // that is also right before the next effect. From each of these places a rerun must come to the same end.
    let started = Instant::now();
    let every = every();
    world.restore(&base);
    let (mut points, mut reruns) = (0_usize, 0);
    loop {
        let killed = world.run(
            &["release", "--json", "--jobs=1"],
            &[("XTASK_RELEASE_KILL_AT", "2")],
        );
        if killed.code == Some(0) {
            break;
        }
        assert_eq!(killed.code, None, "{killed:?}");
        points += 1;
        if !points.is_multiple_of(every) {
            continue;
        }
        let began = Instant::now();
        world.save(&point);
        let rerun = world.run(&["release", "--json"], &[]);
        succeeded(&format!("rerun after kill {points}"), &rerun);
        same(&format!("after kill {points}"), &expected, &world.outcome());
        world.restore(&point);
        reruns += 1;
        eprintln!("killed at point {points}: {:.1?}", began.elapsed());
    }
    same(
        "after being killed at every effect in a row",
        &expected,
        &world.outcome(),
    );
    assert_eq!(
        points * 2,
        boundaries,
        "every boundary of the undisturbed run was tried"
    );
    let amid = killed_amid_parallel_work(&mut world, &base, &expected, boundaries);
    let (points, reruns) = (points + amid, reruns + amid);
    println!("killed at {points} points, with a rerun from {reruns} ({boundaries} boundaries): registries, tags and files the same each time; {:.0?}", started.elapsed());
}

/// With several units at a time, where one effect is cut off in the middle of others; gives the number of kills.
fn killed_amid_parallel_work(
    world: &mut World,
    base: &Path,
    expected: &Outcome,
    boundaries: usize,
) -> usize {
    let points = [3, 8, 17, 29, 44, 61].map(|at: usize| at.min(boundaries - 1));
    for at in points {
        world.restore(base);
        let at = at.to_string();
        let killed = world.run(&["release"], &[("XTASK_RELEASE_KILL_AT", &at)]);
        assert_eq!(killed.code, None, "{killed:?}");
        let what = format!("rerun after a kill at boundary {at} of parallel work");
        succeeded(&what, &world.run(&["release"], &[]));
        same(&what, expected, &world.outcome());
        assert_eq!(unfinished(&world.repo()), Vec::<PathBuf>::new(), "{what}");
    }
    points.len()
}

/// From every how many points of a kill there is a rerun: each takes as long as a release. `.ci/run` sets more than one by day.
fn every() -> usize {
    std::env::var("RELEASE_PROOF_EVERY").map_or(1, |text| text.parse().unwrap())
}

/// What a killed run began below the ledger and never finished.
fn unfinished(repo: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![repo.join("target/xtask/release")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') && name != ".lock" {
                found.push(entry.path());
            } else if entry.path().is_dir() && name != "source" && name != "publish" {
                open.push(entry.path());
            }
        }
    }
    found
}

/// What goes wrong on the way to a registry, and at which of its requests.
#[test]
fn whatever_a_registry_does_to_an_upload_a_release_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path());
    let (base, ready) = (folder.path().join("base"), folder.path().join("ready"));
    world.save(&base);
    let started = Instant::now();
    let mut points = 0;
    for (kind, units) in [
        ("npm", &["--unit=npm"][..]),
        ("pypi", &["--unit=python/pkg"]),
        ("crates", &["--unit=rust/base", "--unit=rust/top"]),
        ("gems", &["--unit=gem"]),
        ("charts", &["--unit=chart"]),
        ("files", &["--unit=plugin"]),
    ] {
        let expected = verified(&mut world, &base, units, &ready);
        let args: Vec<&str> = ["release", "--json"]
            .into_iter()
            .chain(units.iter().copied())
            .collect();
        succeeded(kind, &world.run(&args, &[]));
        let requests = world.registries.proxies[kind].changes();
        assert!(requests > 0, "{kind}: nothing went through the proxy");
        for at in 1..=requests {
            for fault in [
                Fault::Cut,
                Fault::LoseAnswer,
                Fault::RateLimit,
                Fault::Broken,
                Fault::Delay,
                Fault::Hold,
            ] {
                let what = format!("{kind}: {fault:?} at request {at} of {requests}");
                let began = Instant::now();
                world.restore(&ready);
                world.registries.proxies[kind].arm(at, fault);
                if fault == Fault::Hold {
                    // Killed in the middle of an upload; what it had started goes on for a moment.
                    let mut child = world.spawn(&args);
                    assert!(
                        world.registries.proxies[kind].wait_held(Duration::from_secs(30)),
                        "{what}"
                    );
                    child.kill().unwrap();
                    child.wait().unwrap();
                    world.registries.proxies[kind].release();
                } else {
                    // It gets over these by itself.
                    let asked_before = Instant::now();
                    succeeded(&what, &world.run(&args, &[]));
                    same(&what, &expected, &world.outcome());
                    if fault == Fault::RateLimit {
                        assert!(
                            asked_before.elapsed() >= Duration::from_secs(1),
                            "{what}: it did not wait as long as asked"
                        );
                    }
                }
                succeeded(&what, &world.run(&args, &[]));
                same(&what, &expected, &world.outcome());
                points += 1;
                eprintln!("{what}: {:.1?}", began.elapsed());
            }
        }
    }
    println!("{points} uploads were cut, delayed, limited, refused, lost or killed: registries, tags and files the same each time; {:.0?}", started.elapsed());
}

#[test]
fn refusals_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let before = world.outcome();

    // Without credentials: all that is missing at once, before anything is uploaded.
    let names: Vec<&str> = world.credentials().iter().map(|(name, _)| *name).collect();
    let mut command = world.xtask(&["release"]);
    for name in &names {
        command.env_remove(name);
    }
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    for name in [
        "CARGO_REGISTRIES_LOOP_TOKEN",
        "UV_PUBLISH_TOKEN",
        "NODE_AUTH_TOKEN",
        "GEM_HOST_API_KEY",
    ] {
        assert!(said.contains(name), "{name} is not in: {said}");
    }
    same("without credentials", &before, &world.outcome());

    // With wrong ones: the server's words, no second try, and a rerun with right ones goes on.
    let wrong = world.run(
        &["release", "--unit=gem"],
        &[("GEM_HOST_API_KEY", "a-wrong-key-of-the-test")],
    );
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(
        wrong.err.contains("Access Denied") && !wrong.err.contains("a-wrong-key"),
        "{}",
        wrong.err
    );
    same("wrong credentials", &before, &world.outcome());
    succeeded(
        "right credentials",
        &world.run(&["release", "--unit=gem"], &[]),
    );

    // Something that is not committed.
    std::fs::write(world.repo().join("new.txt"), "x").unwrap();
    let dirty = world.run(&["release"], &[]);
    assert!(
        dirty.code == Some(2) && dirty.err.contains("`?? new.txt`"),
        "{dirty:?}"
    );
    std::fs::remove_file(world.repo().join("new.txt")).unwrap();

    // A version that is taken by other bytes: both sums, and nothing is tagged.
    let killed = world.run(
        &["release", "--unit=npm", "--json", "--jobs=1"],
        &[("XTASK_RELEASE_KILL_AT", "8")],
    );
    assert_eq!(killed.code, None);
    std::fs::write(world.repo().join("npm/index.js"), "exports.two = 2;\n").unwrap();
    release::registries::git(
        &world.repo(),
        &["commit", "--quiet", "--all", "-m", "fix: other bytes"],
    );
    let taken = world.run(&["release", "--unit=npm"], &[]);
    assert_eq!(taken.code, Some(2), "{taken:?}");
    assert!(
        taken.err.contains("with different bytes") && taken.err.matches("sha512:").count() == 2,
        "{}",
        taken.err
    );
    assert!(!world.outcome().contains_key("remote refs/tags/npm/v0.1.0"));

    // A unit that is none.
    let unknown = world.run(&["release", "--unit=npn"], &[]);
    assert!(
        unknown.code == Some(2) && unknown.err.contains("did you mean `npm`"),
        "{unknown:?}"
    );
    world.registries.proxies["npm"].reset();
}

#[test]
fn what_was_packed_can_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path());
    let (base, ready) = (folder.path().join("base"), folder.path().join("ready"));
    world.save(&base);
    let expected = verified(&mut world, &base, &[], &ready);
    let boundaries = world.run(&["release", "--json"], &[]).boundaries();
    // In the middle of the uploads, and before and after the first tags.
    for part in [4, 2] {
        world.restore(&ready);
        let at = (boundaries - boundaries / part).to_string();
        assert_eq!(
            world
                .run(&["release", "--jobs=1"], &[("XTASK_RELEASE_KILL_AT", &at)])
                .code,
            None
        );
        std::fs::remove_dir_all(world.repo().join("target")).unwrap();
        succeeded("packed again", &world.run(&["release"], &[]));
        same("packed again", &expected, &world.outcome());
    }
}

#[test]
fn nothing_that_is_written_holds_a_credential() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let ran = world.run(&["release", "--json"], &[]);
    succeeded("a release", &ran);
    let secrets: Vec<String> = world
        .credentials()
        .iter()
        .filter(|(name, _)| !name.ends_with("USERNAME"))
        .map(|(_, value)| value.clone())
        .collect();
    for secret in &secrets {
        assert!(
            !ran.out.contains(secret) && !ran.err.contains(secret),
            "printed"
        );
    }
    let mut looked = 0;
    let mut open: Vec<_> = [
        "repo",
        "home",
        "cargo-home",
        "npm-cache",
        "registries",
        "remote.git",
    ]
    .iter()
    .map(|name| folder.path().join(name))
    .collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if let Ok(bytes) = std::fs::read(&path) {
            looked += 1;
            for secret in &secrets {
                assert!(
                    !bytes
                        .windows(secret.len())
                        .any(|part| part == secret.as_bytes()),
                    "{} holds a credential",
                    path.display()
                );
            }
        }
    }
    println!("{looked} files without a credential");
    assert!(looked > 100);
}

/// What a dry run may start: only what looks.
const LOOKS: [&str; 12] = [
    "git status --porcelain",
    "git log -1 ",
    "git for-each-ref ",
    "git ls-remote ",
    "git ls-files ",
    "git tag --list",
    "git remote get-url ",
    "git show ",
    "cargo generate-lockfile",
    "helm pull ",
    "npm config get ",
    "curl --silent",
];

/// A call of git without the settings that shield it from the user's.
fn without_settings(call: &str) -> String {
    let mut rest = call.strip_prefix("git ").unwrap_or_default();
    while let Some((_, after)) = rest
        .strip_prefix("-c ")
        .and_then(|settings| settings.split_once(' '))
    {
        rest = after;
    }
    if rest.is_empty() {
        call.to_owned()
    } else {
        format!("git {rest}")
    }
}

/// Every file below a folder with its content and its time.
fn snapshot(folder: &Path) -> Outcome {
    let mut found = Outcome::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        let bytes = if meta.is_file() {
            std::fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        found.insert(
            path.display().to_string(),
            format!("{:?} {:?}", meta.modified().unwrap(), bytes),
        );
    }
    found
}

#[test]
fn looking_changes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let shims = folder.path().join("shims");
    let calls = folder.path().join("calls");
    std::fs::create_dir(&shims).unwrap();
    let path = world.environment(true)["PATH"].clone();
    for name in [
        "git", "cargo", "npm", "node", "uv", "python3", "gem", "ruby", "helm", "curl", "gh", "bun",
        "tar", "sh",
    ] {
        let Some(real) = std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
        else {
            continue;
        };
        let text = format!(
            "#!/bin/bash\necho \"{name} $*\" >> {}\nexec {} \"$@\"\n",
            calls.display(),
            real.display()
        );
        std::fs::write(shims.join(name), text).unwrap();
        std::fs::set_permissions(shims.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let shimmed = format!("{}:{path}", shims.display());
    // Before anything, in the middle, and after everything.
    for until in [None, Some("60"), Some("0")] {
        if let Some(until) = until {
            world.run(
                &["release", "--jobs=1"],
                &[("XTASK_RELEASE_KILL_AT", until)],
            );
        }
        for args in [
            &["release", "--dry-run"][..],
            &["release", "--dry-run", "--json"],
            &["release", "status"],
        ] {
            let parts = ["repo", "registries", "remote.git", "home"];
            let before: Vec<Outcome> = parts
                .iter()
                .map(|part| snapshot(&folder.path().join(part)))
                .collect();
            let _ = std::fs::remove_file(&calls);
            let ran = world.run(args, &[("PATH", &shimmed)]);
            succeeded("looking", &ran);
            for (part, before) in parts.iter().zip(&before) {
                same(
                    &format!("{args:?} after {until:?}: {part}"),
                    before,
                    &snapshot(&folder.path().join(part)),
                );
            }
            let root = world.repo().canonicalize().unwrap().display().to_string();
            let text = std::fs::read_to_string(&calls)
                .unwrap()
                .replace(&format!("git -C {root} "), "git ");
            for call in text.lines() {
                let call = without_settings(call);
                assert!(
                    LOOKS.iter().any(|look| call.starts_with(look)),
                    "{args:?} started `{call}`"
                );
                assert!(
                    !call.starts_with("curl") || call.contains("--request GET"),
                    "{args:?} started `{call}`"
                );
            }
        }
    }
}

/// Runs a program that must succeed; gives what it prints.
fn run(world: &World, folder: &Path, words: &[&str], set: &[(&str, &str)]) -> String {
    let ran = world
        .command(words[0], folder)
        .args(&words[1..])
        .envs(set.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{words:?}: {said}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    said
}

#[test]
fn consumers_install_what_was_released() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    // In two runs, as a workflow with a job of its own for what has credentials does it.
    succeeded(
        "verified",
        &world.run(&["release", "--until=verified"], &[]),
    );
    assert!(!world
        .outcome()
        .keys()
        .any(|name| name.starts_with("remote refs/tags/")));
    succeeded("the rest", &world.run(&["release", "resume"], &[]));
    let url = |kind| world.registries.url(kind);
    let new = |name: &str| {
        let path = folder.path().join("consumers").join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };

    let python = new("python");
    run(&world, &python, &["python3", "-m", "venv", "venv"], &[]);
    let index = format!("{}/simple/", url("pypi"));
    run(
        &world,
        &python,
        &[
            "venv/bin/pip",
            "install",
            "--quiet",
            "--pre",
            "--index-url",
            &index,
            "fix-py",
        ],
        &[],
    );
    run(
        &world,
        &python,
        &["venv/bin/fix-py", "generate", "made.txt"],
        &[],
    );
    assert_eq!(
        std::fs::read_to_string(python.join("made.txt")).unwrap(),
        "made\n"
    );

    let npm = new("npm");
    run(&world, &npm, &["npm", "init", "--yes", "--silent"], &[]);
    run(
        &world,
        &npm,
        &[
            "npm",
            "install",
            "--silent",
            "--no-audit",
            "--registry",
            &url("npm"),
            "@fix/npm",
        ],
        &[],
    );
    assert_eq!(
        run(&world, &npm, &["node_modules/.bin/fix-npm"], &[]).trim(),
        "0.1.0"
    );
    assert_eq!(
        run(
            &world,
            &npm,
            &["node", "-p", "require('@fix/npm').one"],
            &[]
        )
        .trim(),
        "1"
    );

    let bun = provision::bun().expect("bun is not there; fix: cargo xtask setup typescript");
    {
        let project = new("bun");
        std::fs::write(project.join("package.json"), "{\"name\": \"consumer\"}").unwrap();
        let bun = bun.display().to_string();
        run(
            &world,
            &project,
            &[&bun, "add", "@fix/npm"],
            &[("npm_config_registry", &url("npm"))],
        );
        assert_eq!(
            run(
                &world,
                &project,
                &[&bun, "-e", "console.log(require('@fix/npm').one)"],
                &[]
            )
            .trim(),
            "1"
        );
    }

    let cargo = new("cargo");
    run(
        &world,
        &cargo,
        &[
            "cargo", "init", "--quiet", "--name", "consumer", "--vcs", "none",
        ],
        &[],
    );
    run(
        &world,
        &cargo,
        &["cargo", "add", "--quiet", "fix-top", "--registry", "loop"],
        &[],
    );
    std::fs::write(
        cargo.join("src/main.rs"),
        "fn main() {\n    println!(\"{}\", fix_top::two());\n}\n",
    )
    .unwrap();
    assert_eq!(
        run(&world, &cargo, &["cargo", "run", "--quiet"], &[]).trim(),
        "2"
    );
    run(
        &world,
        &cargo,
        &[
            "cargo",
            "install",
            "--quiet",
            "--root",
            "installed",
            "--registry",
            "loop",
            "fix-top",
        ],
        &[],
    );
    assert_eq!(
        run(&world, &cargo, &["installed/bin/fix-top"], &[]).trim(),
        "fix-top 0.2.0: 2"
    );

    let gem = new("gem");
    let home = gem.join("home").display().to_string();
    run(
        &world,
        &gem,
        &[
            "gem",
            "install",
            "--norc",
            "--no-document",
            "--clear-sources",
            "--source",
            &url("gems"),
            "--install-dir",
            &home,
            "fix-gem",
        ],
        &[],
    );
    assert_eq!(
        run(
            &world,
            &gem,
            &["ruby", "-e", "require 'fix/gem'; puts Fix::Gem::VERSION"],
            &[("GEM_HOME", &home), ("GEM_PATH", &home)]
        )
        .trim(),
        "0.1.0"
    );

    let chart = new("chart");
    let place = format!(
        "oci://{}/charts/fix-chart",
        url("charts").trim_start_matches("http://")
    );
    run(
        &world,
        &chart,
        &["helm", "pull", &place, "--version", "0.1.0", "--plain-http"],
        &[],
    );
    assert!(run(
        &world,
        &chart,
        &[
            "helm",
            "template",
            "x",
            "fix-chart-0.1.0.tgz",
            "--set",
            "value=two"
        ],
        &[]
    )
    .contains("value: \"two\""));

    let plugin = new("plugin");
    for file in [
        "fix-plugin-0.1.0.tar.gz",
        "SHA256SUMS",
        "fix-plugin-0.1.0.cdx.json",
        "fix-plugin-0.1.0.provenance.json",
    ] {
        run(
            &world,
            &plugin,
            &[
                "curl",
                "--silent",
                "--fail",
                "--noproxy",
                "*",
                "--remote-name",
                &format!("{}/plugin/v0.1.0/{file}", url("files")),
            ],
            &[],
        );
    }
    run(
        &world,
        &plugin,
        &["sha256sum", "--check", "--strict", "SHA256SUMS"],
        &[],
    );
    run(
        &world,
        &plugin,
        &["tar", "xzf", "fix-plugin-0.1.0.tar.gz"],
        &[],
    );
    assert!(plugin
        .join("fix-plugin-0.1.0/templates/one/one.txt.tera")
        .is_file());
}

/// GitHub's releases as the store of files, by the real `gh`.
#[test]
fn github_keeps_the_files_and_the_notes() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path());
    let (base, ready) = (folder.path().join("base"), folder.path().join("ready"));
    world.save(&base);
    let github = Github::default();
    let proxy = Proxy::new(github.start());
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let set = [
        ("GH_TOKEN", github::TOKEN),
        ("GH_HOST", "github.localhost"),
        ("GH_REPO", github::REPOSITORY),
        ("HTTP_PROXY", address.as_str()),
        ("http_proxy", address.as_str()),
        ("NO_PROXY", "127.0.0.1"),
        ("GH_NO_UPDATE_NOTIFIER", "1"),
    ];
    let args = [
        "release",
        "--json",
        "--unit=plugin",
        "--registry-files=github",
    ];

    // Nothing works without credentials, and that is said first.
    let refused = world.run(
        &args,
        &[
            ("GH_HOST", "github.localhost"),
            ("GH_REPO", github::REPOSITORY),
            set[3],
            set[4],
            set[5],
        ],
    );
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.out.contains("GH_TOKEN"), "{refused:?}");

    proxy.reset();
    succeeded("undisturbed", &world.run(&args, &set));
    let expected = github.contents();
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "plugin/v0.1.0 SHA256SUMS",
            "plugin/v0.1.0 fix-plugin-0.1.0.cdx.json",
            "plugin/v0.1.0 fix-plugin-0.1.0.provenance.json",
            "plugin/v0.1.0 fix-plugin-0.1.0.tar.gz",
            "release plugin/v0.1.0",
        ]
    );
    assert!(expected["release plugin/v0.1.0"].starts_with("# fix-plugin 0.1.0"));
    let requests = proxy.changes();
    let again = world.run(&args, &set);
    assert_eq!((again.code, again.boundaries()), (Some(0), 0));

    world.restore(&base);
    github.clear();
    let until: Vec<&str> = args.iter().copied().chain(["--until=verified"]).collect();
    succeeded("packed", &world.run(&until, &set));
    world.save(&ready);
    for at in 1..=requests {
        for fault in [
            Fault::Cut,
            Fault::LoseAnswer,
            Fault::Broken,
            Fault::RateLimit,
        ] {
            let what = format!("{fault:?} at request {at} of {requests}");
            world.restore(&ready);
            github.clear();
            proxy.arm(at, fault);
            let first = world.run(&args, &set);
            if first.code != Some(0) {
                succeeded(&what, &world.run(&args, &set));
            }
            same(&what, &expected, &github.contents());
        }
    }
    println!("{requests} requests of gh were each disturbed in 4 ways: the same release each time");
}

/// Folders and kinds of what is published of this repository.
fn own_units(ran: &Ran) -> Vec<(String, String)> {
    let plan = ran.record("release_plan").unwrap();
    let units = plan["units"].as_array().unwrap().iter();
    let word = |unit: &serde_json::Value, key: &str| unit[key].as_str().unwrap().to_owned();
    units
        .map(|unit| (word(unit, "tag"), word(unit, "ecosystem")))
        .collect()
}

#[test]
fn this_repository_releases_its_own_packages() {
    let folder = tempfile::tempdir().unwrap();
    let registries = Registries::start(folder.path(), provision::programs());
    let world = World::of_this_repository(folder.path(), registries);
    let started = Instant::now();
    // As the workflow does it: packed and tried first, uploaded by another run.
    let packed = world.run(&["release", "--json", "--until=verified"], &[]);
    succeeded("packed and tried", &packed);
    let units = own_units(&packed);
    for kind in ["crate", "python", "gem", "npm", "plugin"] {
        assert!(
            units.iter().any(|(_, other)| other == kind),
            "{kind}: {units:?}"
        );
    }
    assert!(!world
        .outcome()
        .keys()
        .any(|name| name.starts_with("remote refs/tags/")));
    eprintln!("packed and tried: {:.1?}", started.elapsed());
    succeeded("released", &world.run(&["release", "--json"], &[]));
    let outcome = world.outcome();
    for (tag, _) in &units {
        assert!(
            outcome.contains_key(&format!("remote refs/tags/{tag}")),
            "{tag}"
        );
    }
    let again = world.run(&["release", "--json"], &[]);
    assert_eq!((again.code, again.boundaries()), (Some(0), 0));
    println!(
        "{} packages of this repository released in {:.0?}",
        units.len(),
        started.elapsed()
    );
    bills_of_materials_are_valid(&world, units.len());
    install_own_packages(&world);
}

/// Against the schema of CycloneDX, which its own library has.
fn bills_of_materials_are_valid(world: &World, packages: usize) {
    let check = "import glob, sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        files = glob.glob(sys.argv[1] + '/**/*.cdx.json', recursive=True)\n\
        for file in files:\n\
        \x20   problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(file).read())\n\
        \x20   assert problem is None, (file, problem)\n\
        print(len(files))";
    let files = world.registries.at("files").display().to_string();
    let library = provision::cyclonedx().display().to_string();
    let found = run(
        world,
        &world.folder,
        &["python3", "-c", check, &files],
        &[("PYTHONPATH", &library)],
    );
    assert_eq!(found.trim(), packages.to_string());
}

/// From the registries, by each ecosystem's own client.
fn install_own_packages(world: &World) {
    let url = |kind| world.registries.url(kind);
    let new = |name: &str| {
        let path = world.folder.join("consumers").join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let uv = world.registries.programs.uv.display().to_string();
    let python = new("python");
    run(world, &python, &[&uv, "venv", "--quiet", "venv"], &[]);
    let index = format!("released={}/simple/", url("pypi"));
    run(
        world,
        &python,
        &[
            &uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            "venv/bin/python",
            "tasker-contrib-fastapi[cli]",
            "tasker-contrib-django",
        ],
        &[("UV_INDEX", &index)],
    );
    run(world, &python, &["venv/bin/tasker", "--help"], &[]);

    // What it needs comes from where it always does.
    let npm = new("npm");
    run(world, &npm, &["npm", "init", "--yes", "--silent"], &[]);
    let version = env!("CARGO_PKG_VERSION");
    let tarball = format!(
        "{}/tasker-contrib-bun/-/tasker-contrib-bun-{version}.tgz",
        url("npm")
    );
    run(
        world,
        &npm,
        &["npm", "install", "--silent", "--no-audit", &tarball],
        &[],
    );
    let bun = provision::bun().unwrap().display().to_string();
    let client = "import { createClient } from \"tasker-contrib-bun/client\"; console.log(typeof createClient)";
    assert_eq!(
        run(world, &npm, &[&bun, "-e", client], &[]).trim(),
        "function"
    );

    let gem = new("gem");
    let home = gem.join("home").display().to_string();
    run(
        world,
        &gem,
        &[
            "gem",
            "install",
            "--norc",
            "--no-document",
            "--ignore-dependencies",
            "--clear-sources",
            "--source",
            &url("gems"),
            "--install-dir",
            &home,
            "tasker-contrib-rails",
        ],
        &[],
    );
    let machine = run(
        world,
        &gem,
        &["ruby", "-e", "puts Gem.path.join(File::PATH_SEPARATOR)"],
        &[],
    );
    let path = format!("{home}:{}", machine.trim());
    run(
        world,
        &gem,
        &[
            "ruby",
            "-e",
            "require 'tasker-contrib-rails'; puts TaskerContribRails::VERSION",
        ],
        &[("GEM_HOME", &home), ("GEM_PATH", &path)],
    );

    let cargo = new("cargo");
    run(
        world,
        &cargo,
        &[
            "cargo", "init", "--quiet", "--lib", "--name", "consumer", "--vcs", "none",
        ],
        &[],
    );
    std::fs::copy(world.repo().join("Cargo.lock"), cargo.join("Cargo.lock")).unwrap();
    run(
        world,
        &cargo,
        &[
            "cargo",
            "add",
            "--quiet",
            "tasker-contrib-axum",
            "--registry",
            "loop",
        ],
        &[],
    );
    std::fs::write(
        cargo.join("src/lib.rs"),
        "pub use tasker_contrib_axum::TaskerWorker;\n",
    )
    .unwrap();
    let manifest = std::fs::read_to_string(cargo.join("Cargo.toml")).unwrap();
    std::fs::write(
        cargo.join("Cargo.toml"),
        format!("{manifest}\n[profile.dev]\ndebug = false\n"),
    )
    .unwrap();
    let protoc = provision::tool("protoc", "bin/protoc")
        .display()
        .to_string();
    run(
        world,
        &cargo,
        &["cargo", "build", "--quiet"],
        &[("PROTOC", &protoc), ("SQLX_OFFLINE", "true")],
    );
}
