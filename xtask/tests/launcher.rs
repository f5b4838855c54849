//! What `cargo xtask` starts before xtask, compiled here from its only file, with a cargo that writes a script instead of a program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Notes its arguments, and makes a program that says where it lies and what it was told.
const CARGO: &str = r#"#!/bin/sh
echo "$@" >> "$PWD/calls"
[ -e "$PWD/BROKEN" ] && exit 1
case "$*" in *tool*) place=target/tool ;; *) place=target/debug ;; esac
mkdir -p "$place"
rm -f "$place/xtask"
cat > "$place/xtask" <<'END'
#!/bin/sh
echo "$0 $* launcher=${XTASK_LAUNCHER:+told}"
END
chmod +x "$place/xtask"
"#;

struct World {
    folder: TempDir,
    launcher: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let launcher = folder.path().join("launcher");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("launcher/src/main.rs");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let built = Command::new(rustc)
            .args(["--edition", "2021", "-o"])
            .args([&launcher, &source])
            .status()
            .unwrap();
        assert!(built.success());
        let cargo = folder.path().join("cargo");
        fs::write(&cargo, CARGO).unwrap();
        fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).unwrap();
        let world = Self { folder, launcher };
        let repository = world.at("one");
        fs::create_dir_all(repository.join("xtask/launcher")).unwrap();
        fs::write(repository.join("xtask/tools.toml"), "").unwrap();
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// As `cargo run` starts it for the launcher of a repository.
    fn launch(&self, repository: &str, build: bool) -> Output {
        let mut command = Command::new(&self.launcher);
        command
            .arg("doctor")
            .env("CARGO", self.at("cargo"))
            .env(
                "CARGO_MANIFEST_DIR",
                self.at(repository).join("xtask/launcher"),
            )
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("XTASK_BUILD");
        if build {
            command.env("XTASK_BUILD", "optimised");
        }
        command.output().unwrap()
    }

    fn said(&self, repository: &str) -> String {
        let output = self.launch(repository, false);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn calls(&self, repository: &str) -> usize {
        let calls = fs::read_to_string(self.at(repository).join("calls"));
        calls.unwrap_or_default().lines().count()
    }
}

#[test]
fn the_program_is_built_once_for_the_same_sources() {
    let world = World::new();
    let program = world.at("one/target/debug/xtask").display().to_string();
    let said = format!("{program} doctor launcher=told\n");
    assert_eq!((world.said("one"), world.calls("one")), (said.clone(), 1));
    assert_eq!((world.said("one"), world.calls("one")), (said.clone(), 1));
    fs::write(world.at("one/Cargo.lock"), "changed").unwrap();
    assert_eq!((world.said("one"), world.calls("one")), (said, 2));
}

#[test]
fn a_copied_or_moved_checkout_starts_its_own_program() {
    let world = World::new();
    world.said("one");
    let copied = Command::new("cp")
        .arg("-a")
        .args([world.at("one"), world.at("two")])
        .status();
    assert!(copied.unwrap().success());
    let own = |place: &str| {
        world
            .at(place)
            .join("target/debug/xtask")
            .display()
            .to_string()
    };
    assert!(world.said("two").starts_with(&own("two")));
    fs::rename(world.at("one"), world.at("three")).unwrap();
    assert!(world.said("three").starts_with(&own("three")));
}

#[test]
fn the_optimised_program_is_used_as_soon_as_it_is_there_and_current() {
    let world = World::new();
    world.said("one");
    assert!(world.launch("one", true).status.success());
    let program = world.at("one/target/tool/xtask").display().to_string();
    assert_eq!(world.said("one"), format!("{program} doctor launcher=\n"));
    fs::write(world.at("one/Cargo.lock"), "changed").unwrap();
    assert!(world.said("one").contains("target/debug/xtask"));
}

#[test]
fn what_cannot_be_compiled_is_not_started() {
    let world = World::new();
    world.said("one");
    fs::write(world.at("one/BROKEN"), "").unwrap();
    fs::write(world.at("one/Cargo.lock"), "changed").unwrap();
    let output = world.launch("one", false);
    assert_eq!(output.status.code(), Some(101), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn in_a_sub_folder_cargo_says_what_to_type() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["xtask", "doctor"])
        .current_dir(root.join("docs"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(error.contains("type: cargo xtask-here"), "{error}");
}
