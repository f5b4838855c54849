//! Registries on loopback, each behind a proxy that can go wrong, over folders that can be looked at and put back.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::provision::Programs;
use super::proxy::Proxy;
use super::server;

/// The registries, by the name of their folder.
pub const KINDS: [&str; 6] = ["npm", "pypi", "crates", "charts", "gems", "files"];

/// See the module documentation.
pub struct Registries {
    /// Everything lies below.
    pub folder: PathBuf,
    /// In front of each registry.
    pub proxies: BTreeMap<&'static str, Proxy>,
    /// What npm needs to publish.
    pub npm_token: String,
    /// The programs.
    pub programs: Programs,
    crates_port: u16,
    crates: Option<Running>,
    _others: Vec<Running>,
}

/// A server that ends with the test, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn start(name: &str, log: &Path, port: u16, command: &mut Command) -> Running {
    let file = fs::File::create(log).unwrap();
    let twin = file.try_clone().unwrap();
    command.stdin(Stdio::null()).stdout(file).stderr(twin);
    let mut child = Running(
        command
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}")),
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = child.0.try_wait().unwrap();
        assert!(
            ended.is_none() && Instant::now() < deadline,
            "{name} did not start: {}",
            fs::read_to_string(log).unwrap()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

pub fn git(folder: &Path, args: &[&str]) -> String {
    let ran = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.org",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

impl Registries {
    /// Starts all, with nothing in them.
    pub fn start(folder: &Path, programs: Programs) -> Self {
        for kind in KINDS {
            fs::create_dir_all(folder.join("registries").join(kind)).unwrap();
        }
        let logs = folder.join("logs");
        fs::create_dir_all(&logs).unwrap();
        let at = |kind: &str| folder.join("registries").join(kind);
        let port: BTreeMap<&str, u16> = ["npm", "pypi", "crates", "charts"]
            .map(|kind| (kind, free_port()))
            .into();

        let config = folder.join("verdaccio.yaml");
        fs::write(
            &config,
            format!(
                "storage: {}\nauth:\n  htpasswd:\n    file: {}\nuplinks: {{}}\npackages:\n  '**':\n    access: $all\n    publish: $authenticated\nlog: {{type: stdout, format: pretty, level: warn}}\n",
                at("npm").display(),
                folder.join("htpasswd").display()
            ),
        )
        .unwrap();
        let mut others = Vec::new();
        let address = format!("127.0.0.1:{}", port["npm"]);
        others.push(start(
            "verdaccio",
            &logs.join("npm"),
            port["npm"],
            Command::new("node")
                .arg(&programs.verdaccio)
                .arg("--config")
                .arg(&config)
                .args(["--listen", &address]),
        ));

        let pypi_port = port["pypi"].to_string();
        others.push(start(
            "pypiserver",
            &logs.join("pypi"),
            port["pypi"],
            Command::new("python3")
                .args([
                    "-m",
                    "pypiserver",
                    "run",
                    "-i",
                    "127.0.0.1",
                    "-p",
                    &pypi_port,
                    "-P",
                    ".",
                    "-a",
                    ".",
                    "--hash-algo",
                    "sha256",
                    "--disable-fallback",
                ])
                .arg(at("pypi"))
                .env("PYTHONPATH", &programs.pypiserver),
        ));

        let config = folder.join("docker-registry.yaml");
        fs::write(
            &config,
            format!("version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp: {{addr: \"127.0.0.1:{}\"}}\n", at("charts").display(), port["charts"]),
        )
        .unwrap();
        others.push(start(
            "docker-registry",
            &logs.join("charts"),
            port["charts"],
            Command::new(&programs.charts)
                .arg("serve")
                .arg(&config)
                .env("OTEL_TRACES_EXPORTER", "none"),
        ));

        let mut proxies: BTreeMap<&'static str, Proxy> = BTreeMap::new();
        for (kind, upstream) in [
            ("npm", port["npm"]),
            ("pypi", port["pypi"]),
            ("crates", port["crates"]),
            ("charts", port["charts"]),
            ("gems", server::gems(at("gems"))),
            ("files", server::files(at("files"))),
        ] {
            proxies.insert(kind, Proxy::new(upstream));
        }
        let npm_token = npm_user(port["npm"]);
        let mut registries = Self {
            folder: folder.to_owned(),
            proxies,
            npm_token,
            programs,
            crates_port: port["crates"],
            crates: None,
            _others: others,
        };
        registries.start_crates();
        registries
    }

    /// The crate registry keeps its index in memory, so it is started again over other folders.
    fn start_crates(&mut self) {
        let folder = self.at("crates");
        let address = format!("127.0.0.1:{}", self.crates_port);
        let log = self.folder.join("logs/crates");
        self.crates = Some(start(
            "cargo-http-registry",
            &log,
            self.crates_port,
            Command::new(&self.programs.crates)
                .args(["--addr", &address])
                .arg(&folder),
        ));
        // It listens a moment before its index is ready.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !folder.join("index").exists() {
            assert!(
                Instant::now() < deadline,
                "cargo-http-registry made no index"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The folder of a registry.
    pub fn at(&self, kind: &str) -> PathBuf {
        self.folder.join("registries").join(kind)
    }

    /// The address of a registry's proxy.
    pub fn url(&self, kind: &str) -> String {
        format!("http://127.0.0.1:{}", self.proxies[kind].port)
    }

    /// Copies everything that the registries keep.
    pub fn save(&self, to: &Path) {
        let _ = fs::remove_dir_all(to);
        copy(&self.folder.join("registries"), to);
    }

    /// Puts back what was copied.
    pub fn restore(&mut self, from: &Path) {
        self.crates = None;
        let all = self.folder.join("registries");
        for kind in KINDS {
            let folder = all.join(kind);
            for entry in fs::read_dir(&folder).unwrap().flatten() {
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    fs::remove_dir_all(path).unwrap()
                } else {
                    fs::remove_file(path).unwrap()
                }
            }
        }
        copy(from, &all);
        for proxy in self.proxies.values() {
            proxy.reset();
        }
        self.start_crates();
    }

    /// Everything that matters of what the registries have: names and bytes. Times and numbers that a registry adds by itself
    /// (when something came, its revision) are left out.
    pub fn contents(&self) -> BTreeMap<String, String> {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for kind in KINDS {
            files(&self.at(kind), &self.at(kind), &mut |name, path| {
                let name = format!("{kind}/{name}");
                let skip = [
                    ".git/",
                    ".verdaccio-db.json",
                    "/_uploads/",
                    "crates/config.json",
                    "crates/index",
                ];
                if skip.iter().any(|part| name.contains(part)) || is_chart_time(&name) {
                    return;
                }
                match manifest(&name, path) {
                    Some(manifest) => {
                        *found.entry(format!("chart {manifest}")).or_default() += "once"
                    }
                    None => drop(found.insert(name.clone(), content(&name, path))),
                }
            });
        }
        found
    }
}

/// helm writes the time of the push into the manifest of an image, so its digest differs each time; what it points to does not.
fn is_chart_time(name: &str) -> bool {
    name.starts_with("charts/")
        && (name.contains("/_manifests/") || name.ends_with("/current/link"))
}

/// The manifest of an image without the time of its push, if the file is one.
fn manifest(name: &str, path: &Path) -> Option<String> {
    if !name.starts_with("charts/") {
        return None;
    }
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).ok()?;
    value.get("schemaVersion")?;
    value["annotations"]
        .as_object_mut()?
        .remove("org.opencontainers.image.created");
    Some(value.to_string())
}

fn content(name: &str, path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    if name.starts_with("npm/") && name.ends_with("package.json") {
        let mut value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        for key in ["time", "_rev", "_attachments", "_distfiles"] {
            value.as_object_mut().unwrap().remove(key);
        }
        // npm tells from which file of this machine it was published.
        for version in value["versions"].as_object_mut().unwrap().values_mut() {
            for key in ["_resolved", "_from"] {
                version.as_object_mut().unwrap().remove(key);
            }
        }
        return value.to_string();
    }
    use sha2::Digest;
    server::hex(&sha2::Sha256::digest(bytes))
}

fn files(top: &Path, folder: &Path, each: &mut dyn FnMut(&str, &Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(top, &path, each);
        } else if kind.is_file() {
            each(&path.strip_prefix(top).unwrap().to_string_lossy(), &path);
        }
    }
}

/// Copies a folder, links as links.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let status = Command::new("cp")
        .args(["-a", "--reflink=auto"])
        .arg(from.join("."))
        .arg(to)
        .status()
        .unwrap();
    assert!(status.success());
}

fn npm_user(port: u16) -> String {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let body = serde_json::json!({"name": "tester", "password": "npm-password-of-the-test"});
    let mut answer = agent
        .put(format!(
            "http://127.0.0.1:{port}/-/user/org.couchdb.user:tester"
        ))
        .header("content-type", "application/json")
        .send(body.to_string())
        .unwrap();
    let value: serde_json::Value =
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    value["token"].as_str().unwrap().to_owned()
}
