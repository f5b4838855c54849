//! A small repository with a package of each kind, a remote, and registries; releases run on it for real.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::registries::{copy, git, Registries};
use super::{provision, server};

/// Files of the repository.
const FILES: &[(&str, &str)] = &[
    (".gitignore", "/target/\n/.xtask/\ndist/\n"),
    ("xtask/tools.toml", ""),
    ("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"rust/base\", \"rust/top\"]\n"),
    ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"fix-base\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"fix-top\"\nversion = \"0.2.0\"\ndependencies = [\n \"fix-base\",\n]\n"),
    ("rust/base/Cargo.toml", "[package]\nname = \"fix-base\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\ndescription = \"The base.\"\n"),
    ("rust/base/src/lib.rs", "//! The base.\n\n/// One.\npub fn one() -> u8 {\n    1\n}\n"),
    ("rust/base/CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-01-02\n\n- The base.\n"),
    ("rust/top/Cargo.toml", "[package]\nname = \"fix-top\"\nversion = \"0.2.0\"\nedition = \"2021\"\nlicense = \"MIT\"\ndescription = \"A program.\"\n\n[dependencies]\nfix-base = { path = \"../base\", version = \"0.1.0\", registry = \"loop\" }\n"),
    ("rust/top/src/lib.rs", "//! On top.\n\n/// Two.\npub fn two() -> u8 {\n    fix_base::one() + 1\n}\n"),
    ("rust/top/src/main.rs", "fn main() {\n    println!(\"fix-top {}: {}\", env!(\"CARGO_PKG_VERSION\"), fix_top::two());\n}\n"),
    ("rust/top/CHANGELOG.md", "# Changelog\n\n## 0.2.0 - 2026-01-02\n\n- A program.\n"),
    ("python/pkg/pyproject.toml", "[build-system]\nrequires = [\"hatchling>=1.27\"]\nbuild-backend = \"hatchling.build\"\n\n[project]\nname = \"fix-py\"\nversion = \"0.3.0rc1\"\ndescription = \"A package.\"\n\n[project.scripts]\nfix-py = \"fix_py:main\"\n\n[tool.xtask]\ninputs = [\"plugin\"]\nsmoke = [[\"fix-py\", \"generate\", \"made.txt\"]]\n"),
    ("python/pkg/src/fix_py/__init__.py", "\"\"\"A package.\"\"\"\n\nimport sys\n\n\ndef main() -> None:\n    if sys.argv[1:2] == [\"generate\"]:\n        with open(sys.argv[2], \"w\") as out:\n            out.write(\"made\\n\")\n    else:\n        print(\"fix-py\")\n"),
    ("python/pkg/CHANGELOG.md", "# Changelog\n\n## [0.3.0-rc.1] - 2026-01-02\n\n- A candidate.\n"),
    ("npm/package.json", "{\n  \"name\": \"@fix/npm\",\n  \"version\": \"0.1.0\",\n  \"license\": \"MIT\",\n  \"description\": \"A package.\",\n  \"main\": \"index.js\",\n  \"bin\": { \"fix-npm\": \"cli.js\" },\n  \"publishConfig\": { \"access\": \"public\" },\n  \"xtask\": { \"smoke\": [[\"fix-npm\", \"--version\"]] }\n}\n"),
    ("npm/index.js", "exports.one = 1;\n"),
    ("npm/cli.js", "#!/usr/bin/env node\nconsole.log(require(\"./package.json\").version);\n"),
    ("npm/README.md", "# A package\n"),
    ("gem/fix-gem.gemspec", "require_relative \"lib/fix/gem/version\"\n\nGem::Specification.new do |spec|\n  spec.name = \"fix-gem\"\n  spec.version = Fix::Gem::VERSION\n  spec.authors = [\"Test\"]\n  spec.summary = \"A gem\"\n  spec.license = \"MIT\"\n  spec.files = Dir[\"lib/**/*.rb\"].sort\nend\n"),
    ("gem/lib/fix/gem.rb", "require_relative \"gem/version\"\n"),
    ("gem/lib/fix/gem/version.rb", "module Fix\n  module Gem\n    VERSION = \"0.1.0\"\n  end\nend\n"),
    ("chart/Chart.yaml", "apiVersion: v2\nname: fix-chart\ndescription: A chart\nversion: 0.1.0\n"),
    ("chart/values.yaml", "value: one\n"),
    ("chart/templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  value: {{ .Values.value | quote }}\n"),
    ("plugin/tasker-plugin.toml", "[plugin]\nname = \"fix-plugin\"\ndescription = \"A plugin\"\nversion = \"0.1.0\"\nlanguage = \"python\"\n\n[[templates]]\nname = \"one\"\npath = \"templates/one\"\ndescription = \"One file\"\n"),
    ("plugin/templates/one/template.toml", "name = \"one\"\ndescription = \"One file\"\n\n[[parameters]]\nname = \"name\"\ndescription = \"Whatever\"\nrequired = true\n\n[[outputs]]\ntemplate = \"one.txt.tera\"\nfilename = \"{{ name }}.txt\"\n"),
    ("plugin/templates/one/one.txt.tera", "one\n"),
];

/// Tags of a whole release.
pub const TAGS: [&str; 7] = [
    "chart/v0.1.0",
    "gem/v0.1.0",
    "npm/v0.1.0",
    "plugin/v0.1.0",
    "python/pkg/v0.3.0-rc.1",
    "rust/base/v0.1.0",
    "rust/top/v0.2.0",
];

/// See the module documentation.
pub struct World {
    pub folder: PathBuf,
    pub registries: Registries,
    /// What it has beside [`World::environment`]'s other variables, or instead of them.
    set: BTreeMap<&'static str, String>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// A record of `--json`.
    pub fn record(&self, event: &str) -> Option<serde_json::Value> {
        self.out
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .find(|record: &serde_json::Value| record["event"] == event)
    }

    /// How many boundaries the run passed.
    pub fn boundaries(&self) -> usize {
        let record = self
            .record("released")
            .unwrap_or_else(|| panic!("not released: {self:?}"));
        usize::try_from(record["boundaries"].as_u64().unwrap()).unwrap()
    }
}

impl World {
    /// A new repository, committed and pushed, and registries with nothing in them.
    pub fn new(folder: &Path, registries: Registries) -> Self {
        let repo = folder.join("repo");
        for (file, text) in FILES {
            let path = repo.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        git(&repo, &["init", "--quiet", "--initial-branch=main"]);
        git(&repo, &["add", "--all"]);
        git(
            &repo,
            &[
                "commit",
                "--quiet",
                "-m",
                "feat: everything",
                "--date",
                "2026-01-02T03:04:05Z",
            ],
        );
        Self::around(folder, registries, BTreeMap::new())
    }

    /// A clone of this repository at its last commit, with the tools that are set up here.
    ///
    /// What its packages need is fetched and compiled into the machine's own stores, where it is already.
    pub fn of_this_repository(folder: &Path, registries: Registries) -> Self {
        let (root, repo) = (provision::root(), folder.join("repo"));
        let from = root.display().to_string();
        let to = repo.display().to_string();
        git(
            &root,
            &["clone", "--quiet", "--branch=main", "--no-tags", &from, &to],
        );
        git(&repo, &["remote", "remove", "origin"]);
        // A crate that another one needs comes from the registry to which both are released.
        let manifest = repo.join("ops/dev-server/Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let own = "path = \"../recovery\"";
        assert!(text.contains(own), "{text}");
        let text = text.replace(own, &format!("{own}, registry = \"loop\""));
        fs::write(&manifest, text).unwrap();
        git(
            &repo,
            &[
                "commit",
                "--quiet",
                "--all",
                "--message=test: a registry on loopback",
            ],
        );
        let linked = Command::new("cp")
            .args(["--archive", "--link"])
            .args([root.join(".xtask"), repo.join(".xtask")])
            .status();
        assert!(linked.unwrap().success());
        let home = PathBuf::from(std::env::var("HOME").unwrap());
        let cargo = std::env::var("CARGO_HOME").map_or_else(|_| home.join(".cargo"), PathBuf::from);
        let target =
            std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root.join("target"), PathBuf::from);
        let set = BTreeMap::from([
            ("CARGO_HOME", cargo.display().to_string()),
            ("CARGO_TARGET_DIR", target.display().to_string()),
            // Other crates come from where they always do.
            ("CARGO_HTTP_PROXY", String::new()),
        ]);
        Self::around(folder, registries, set)
    }

    /// Everything around a repository that is committed.
    fn around(folder: &Path, registries: Registries, set: BTreeMap<&'static str, String>) -> Self {
        for name in ["home", "cargo-home", "remote.git"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let (repo, remote) = (folder.join("repo"), folder.join("remote.git"));
        git(
            &remote,
            &["init", "--quiet", "--bare", "--initial-branch=main"],
        );
        git(
            &repo,
            &["remote", "add", "origin", &remote.display().to_string()],
        );
        git(&repo, &["push", "--quiet", "origin", "HEAD:main"]);
        Self {
            folder: folder.to_owned(),
            registries,
            set,
        }
    }

    pub fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// Options that lead to the registries on loopback.
    pub fn options(&self) -> Vec<String> {
        let url = |kind| self.registries.url(kind);
        vec![
            "--registry-crates=loop".into(),
            format!("--registry-npm={}/", url("npm")),
            format!("--registry-pypi={}/", url("pypi")),
            format!("--registry-gems={}", url("gems")),
            format!(
                "--registry-charts=oci://{}/charts",
                url("charts").trim_start_matches("http://")
            ),
            format!("--registry-files={}", url("files")),
        ]
    }

    /// What every process sees: no credentials of the machine, and those of the test.
    pub fn environment(&self, with_credentials: bool) -> BTreeMap<String, String> {
        let folder = |name: &str| self.folder.join(name).display().to_string();
        let machine = std::env::var("PATH").unwrap();
        let tools = [&self.registries.programs.uv, &self.registries.programs.helm]
            .map(|path| path.parent().unwrap().display().to_string());
        let mut set: BTreeMap<String, String> = BTreeMap::new();
        // rustup and pyenv find their things from the real home.
        for name in [
            "RUSTUP_HOME",
            "PYENV_ROOT",
            "UV_CACHE_DIR",
            "PIP_INDEX_URL",
            "UV_INDEX_URL",
            "UV_DEFAULT_INDEX",
            "SSL_CERT_FILE",
            "HTTPS_PROXY",
            "https_proxy",
            "PIP_CERT",
            "UV_NATIVE_TLS",
            "REQUESTS_CA_BUNDLE",
            "PIP_TRUSTED_HOST",
            "UV_INSECURE_HOST",
            "PIP_CONFIG_FILE",
            "UV_CONFIG_FILE",
            "LANG",
        ] {
            if let Ok(value) = std::env::var(name) {
                set.insert(name.into(), value);
            }
        }
        let home = PathBuf::from(std::env::var("HOME").unwrap());
        set.entry("RUSTUP_HOME".into())
            .or_insert_with(|| home.join(".rustup").display().to_string());
        set.entry("UV_CACHE_DIR".into())
            .or_insert_with(|| home.join(".cache/uv").display().to_string());
        for (name, value) in [
            ("PATH", format!("{}:{machine}", tools.join(":"))),
            ("HOME", folder("home")),
            ("CARGO_HOME", folder("cargo-home")),
            (
                "CARGO_REGISTRIES_LOOP_INDEX",
                format!("file://{}", self.registries.at("crates").display()),
            ),
            ("GIT_AUTHOR_NAME", "Test".into()),
            ("GIT_AUTHOR_EMAIL", "test@example.org".into()),
            ("GIT_COMMITTER_NAME", "Test".into()),
            ("GIT_COMMITTER_EMAIL", "test@example.org".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("npm_config_cache", folder("npm-cache")),
            ("XTASK_RELEASE_BACKOFF_MS", "50".into()),
            // Its index names the registry itself; so cargo is led through the proxy like this.
            ("CARGO_HTTP_PROXY", self.registries.url("crates")),
        ] {
            set.insert(name.into(), value);
        }
        for (name, value) in &self.set {
            set.insert((*name).into(), value.clone());
        }
        set.retain(|name, value| !(name == "CARGO_HTTP_PROXY" && value.is_empty()));
        if with_credentials {
            for (name, value) in self.credentials() {
                set.insert(name.into(), value);
            }
        }
        set
    }

    /// The credentials that the registries accept.
    pub fn credentials(&self) -> [(&'static str, String); 6] {
        [
            (
                "CARGO_REGISTRIES_LOOP_TOKEN",
                "cargo-token-of-the-test".into(),
            ),
            ("UV_PUBLISH_USERNAME", "tester".into()),
            ("UV_PUBLISH_PASSWORD", "python-password-of-the-test".into()),
            ("NODE_AUTH_TOKEN", self.registries.npm_token.clone()),
            ("GEM_HOST_API_KEY", server::KEY.into()),
            ("XTASK_FILES_TOKEN", server::TOKEN.into()),
        ]
    }

    /// A command in this environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env_clear()
            .envs(self.environment(true))
            .stdin(Stdio::null());
        command
    }

    /// `xtask` with these arguments, and the registries' options unless they name another.
    pub fn xtask(&self, args: &[&str]) -> Command {
        let is_given = |option: &String| {
            let key = option.split('=').next().unwrap();
            args.iter().any(|arg| arg.starts_with(key))
        };
        let options = self
            .options()
            .into_iter()
            .filter(|option| !is_given(option));
        let mut command = self.command(env!("CARGO_BIN_EXE_xtask"), &self.repo());
        command.args(args).args(options);
        command
    }

    pub fn run(&self, args: &[&str], set: &[(&str, &str)]) -> Ran {
        let ran = self.xtask(args).envs(set.iter().copied()).output().unwrap();
        Ran {
            code: ran.status.code(),
            out: String::from_utf8_lossy(&ran.stdout).into_owned(),
            err: String::from_utf8_lossy(&ran.stderr).into_owned(),
        }
    }

    /// Starts a run in a process group of its own.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.xtask(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// Keeps everything: registries, remote, repository with its ledger.
    pub fn save(&self, to: &Path) {
        let _ = fs::remove_dir_all(to);
        self.registries.save(&to.join("registries"));
        copy(&self.folder.join("remote.git"), &to.join("remote.git"));
        copy(&self.repo(), &to.join("repo"));
    }

    /// Puts everything back.
    pub fn restore(&mut self, from: &Path) {
        self.registries.restore(&from.join("registries"));
        for part in ["remote.git", "repo"] {
            let _ = fs::remove_dir_all(self.folder.join(part));
            copy(&from.join(part), &self.folder.join(part));
        }
    }

    /// All that a release leaves for others: registries, tags with their objects, and the tracked files.
    pub fn outcome(&self) -> BTreeMap<String, String> {
        let mut found = self.registries.contents();
        for line in git(
            &self.folder.join("remote.git"),
            &["for-each-ref", "--format=%(refname) %(objectname)"],
        )
        .lines()
        {
            let (name, object) = line.split_once(' ').unwrap();
            found.insert(format!("remote {name}"), object.to_owned());
        }
        for line in git(&self.repo(), &["ls-files", "--stage"]).lines() {
            let (object, name) = line.split_once('\t').unwrap();
            found.insert(format!("file {name}"), object.to_owned());
        }
        found.insert(
            "status".into(),
            git(&self.repo(), &["status", "--porcelain"]),
        );
        found
    }
}
