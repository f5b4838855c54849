//! What is said where Docker cannot be used, and what is removed after a run that was killed. The client is a script here; `.ci/run` uses a real engine.

mod common;

use std::process::Stdio;

use common::{Fixture, Ran};

/// A `docker` that answers as its environment says.
fn with_docker(script: &str, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let fixture = Fixture::new();
    fixture.shim("docker", script);
    let mut command = fixture.xtask(args);
    command.env_remove("DOCKER_HOST").stdin(Stdio::null());
    command.envs(env.iter().copied());
    command.output().unwrap().into()
}

const GOOD: &str = r#"case "$1" in
context) echo unix:///var/run/docker.sock ;;
version) case "$3" in *Components*) echo "${ENGINE:-Engine;containerd;runc;}" ;; *) echo 28.0.0 ;; esac ;;
compose) echo "${COMPOSE:-2.26.1-4}" ;;
esac"#;

#[test]
fn each_way_in_which_docker_cannot_be_used_is_one_sentence_with_a_fix() {
    let refused =
        "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1";
    let absent = "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2; exit 1";
    let no_compose = format!("[ \"$1\" = compose ] && exit 1\n{GOOD}");
    let of_version = |answer: &str| format!("[ \"$1\" = version ] && {{ {answer}; }}\n{GOOD}");
    let remote = [("DOCKER_HOST", "tcp://build:2376")];
    for (script, env, wanted, fix) in [
        (
            of_version(refused),
            &[][..],
            "your user may not use the Docker engine's socket",
            "group docker",
        ),
        (
            of_version(absent),
            &[],
            "no Docker engine is running",
            "systemctl start docker",
        ),
        (no_compose, &[], "`docker compose` is not installed", "2.20"),
        (
            GOOD.to_owned(),
            &[("COMPOSE", "2.17.3")],
            "Docker Compose 2.17.3 is too old",
            "2.20",
        ),
        (
            GOOD.to_owned(),
            &[("ENGINE", "Podman Engine;Conmon;OCI Runtime (runc);")],
            "is Podman, which has no BuildKit",
            "--stack embedded",
        ),
        (
            GOOD.to_owned(),
            &remote,
            "the Docker engine is at tcp://build:2376",
            "unset DOCKER_HOST",
        ),
    ] {
        let ran = with_docker(&script, &["e2e", "prune"], env);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains(wanted),
            "{ran:?}"
        );
        assert!(
            ran.err.contains("\n  fix: ") && ran.err.contains(fix),
            "{ran:?}"
        );
        assert_eq!(ran.err.lines().count(), 2, "{ran:?}");
    }
}

#[test]
fn prune_names_only_projects_of_runs_that_are_gone() {
    let script = format!(
        "case \"$1\" in ps|network|volume) printf 'tasker-e2e-2147483646-1\\ntasker-e2e-{}-1\\nshop\\n' ;; esac\n{GOOD}",
        std::process::id()
    );
    let ran = with_docker(&script, &["e2e", "prune", "--dry-run"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "would remove tasker-e2e-2147483646-1\n");
}

#[test]
fn a_stack_that_is_none_gets_a_suggestion() {
    let ran = Fixture::new().run(&["e2e", "examples/demo", "--stack", "dokcer"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("did you mean `docker`?"), "{ran:?}");
}
