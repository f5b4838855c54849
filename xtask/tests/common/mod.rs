//! A repository to run xtask on: a copy of the fixture in a temporary folder, with a registry client and tools that are
//! small shell scripts. The registry client (`npm`) hands out a package with a `uv` that makes environments of scripts.

#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use clap::Parser as _;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use xtask::cli::Cli;

/// A copy of the fixture.
pub struct Fixture {
    _folder: TempDir,
    /// The repository.
    pub root: PathBuf,
    /// Scripts that stand before everything else on PATH; each call of one is recorded.
    pub shims: PathBuf,
}

/// The fake `uv`: makes `.venv` with a `pytest` that fails if there is `tests/FAIL` (after the file that this names is there), and hangs if there is `tests/HANG`.
const UV: &str = r#"#!/bin/sh
echo "fake uv $*"
case "$1" in
venv)
    mkdir -p .venv/bin
    cp /bin/sh .venv/bin/python
    cat > .venv/bin/pytest <<'EOF'
#!/bin/sh
if [ -e tests/HANG ]; then
    # A grandchild that ends only by SIGKILL (or after two minutes), and a child of the same group.
    sh -c 'trap "" TERM; echo $$ >> tests/pids; for _ in $(seq 120); do sleep 1; done' &
    echo $$ >> tests/pids
    wait
fi
if [ -e tests/FAIL ]; then
    # It may name a file, for which it waits, a minute at most.
    wanted=$(cat tests/FAIL)
    for _ in $(seq 600); do
        [ -z "$wanted" ] || [ -e "$wanted" ] && break
        sleep 0.1
    done
    echo "E   assert 1 == 2"
    echo "==== 1 failed, 2 passed in 0.01s ===="
    exit 1
fi
echo "==== 3 passed, 1 skipped in 0.01s ===="
EOF
    for tool in ruff mypy; do printf '#!/bin/sh\necho %s "$@"\n' $tool > .venv/bin/$tool; done
    chmod +x .venv/bin/*
    ;;
build)
    while [ "$1" != --out-dir ]; do shift; done
    mkdir -p "$2" && echo wheel > "$2/greeter-1.0-py3-none-any.whl" && echo sdist > "$2/greeter-1.0.tar.gz"
    ;;
esac
"#;

impl Fixture {
    /// A fresh copy, with the right checksum in its table of tools.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap().join("repo");
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/two-languages"),
            &root,
        );
        let shims = folder.path().canonicalize().unwrap().join("shims");
        fs::create_dir(&shims).unwrap();
        let fixture = Self {
            _folder: folder,
            root,
            shims,
        };
        let package = fixture.shims.join("package.tgz");
        let sum = pack(&package, &[("package/bin/uv", UV.as_bytes())]);
        fixture.write_tools(&sum);
        fixture.shim("npm", &format!("cp {} ./uv-1.0.tgz", package.display()));
        fixture
    }

    /// Writes the table of tools with one tool of this checksum.
    pub fn write_tools(&self, sum: &str) {
        let platform = xtask::tools::platform();
        let table = format!(
            "[tool.uv]\nversion = \"1.0\"\nregistry = \"npm\"\nbinary = \"bin/uv\"\nlanguages = [\"python\"]\n\
             about = \"makes environments\"\n\n[tool.uv.platforms]\n{platform} = {{ package = \"uv\", sha256 = [\"{sum}\"] }}\n\n\
             [host.npm]\ncommand = [\"npm\", \"--version\"]\nminimum = \"7\"\nlanguages = [\"python\"]\n\
             about = \"fetches uv\"\nfix = \"apt-get install npm\"\n"
        );
        self.write("xtask/tools.toml", &table);
    }

    /// Puts a script on PATH that records its calls; `--version` is answered for all.
    pub fn shim(&self, name: &str, script: &str) {
        let calls = self.shims.join("calls").display().to_string();
        let text = format!(
            "#!/bin/sh\necho \"{name} $*\" >> {calls}\nif [ \"$1\" = --version ]; then echo 10.0.0; exit; fi\n{script}\n"
        );
        let path = self.shims.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Calls of shims so far, one a line.
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.shims.join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes a file of the repository.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `xtask` with these arguments, in the repository, with shims before the machine's PATH.
    pub fn xtask(&self, args: &[&str]) -> Command {
        let machine = std::env::var("PATH").unwrap();
        self.xtask_with_path(args, &format!("{}:{machine}", self.shims.display()))
    }

    /// `xtask` with this PATH and nothing else.
    pub fn xtask_with_path(&self, args: &[&str], path: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(args)
            .current_dir(&self.root)
            .env("PATH", path)
            .stdin(Stdio::null());
        for name in ["CARGO_TARGET_DIR", "GITHUB_ACTIONS"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs to the end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.xtask(args).output().unwrap())
    }

    /// Every file and folder with its content and its time of change.
    pub fn tree(&self) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
        let mut tree = BTreeMap::new();
        record(&self.root, &mut tree);
        tree
    }
}

fn record(path: &Path, tree: &mut BTreeMap<PathBuf, (SystemTime, Vec<u8>)>) {
    let meta = path.symlink_metadata().unwrap();
    let content = if meta.is_file() {
        fs::read(path).unwrap()
    } else {
        Vec::new()
    };
    tree.insert(path.to_owned(), (meta.modified().unwrap(), content));
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            record(&entry.unwrap().path(), tree);
        }
    }
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Output with everything that differs from run to run replaced.
    pub fn stable(&self) -> String {
        let mut text = String::new();
        for line in self.out.lines() {
            // Which of them were the slowest differs from run to run.
            if line.starts_with("slowest: ") {
                text.push_str("slowest: [tasks]\n");
                continue;
            }
            let words: Vec<String> = line.split(' ').map(stable_word).collect();
            text.push_str(&words.join(" ").replace("[n] s", "[time]"));
            text.push('\n');
        }
        text
    }

    /// The text without the name of the run's folder.
    pub fn without_run(text: &str) -> String {
        let mut parts = text.split("target/xtask/runs/");
        let mut stable = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.split_once('/').map_or("", |(_, rest)| rest);
            stable += "target/xtask/runs/[run]/";
            stable += rest;
        }
        stable
    }

    /// The objects of `--json`.
    pub fn records(&self) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

/// Seconds such as `0.1` or `(0.1` become `[n]`.
fn stable_word(word: &str) -> String {
    let number = word.trim_start_matches('(');
    if number.contains('.') && number.parse::<f64>().is_ok() && number != "1.0" {
        word.replace(number, "[n]")
    } else {
        word.to_owned()
    }
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Makes a package as registries hold it; gives its sha256. The files are not executable, as in some real packages.
pub fn pack(path: &Path, files: &[(&str, &[u8])]) -> String {
    let encoder =
        flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(encoder);
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    Sha256::digest(fs::read(path).unwrap())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// git as somebody, without the settings of this machine's user; gives what it said.
pub fn git(folder: &Path, args: &[&str]) -> String {
    let who = [
        "user.name=t",
        "user.email=t@example.org",
        "protocol.file.allow=always",
    ];
    let output = Command::new("git")
        .args(who.iter().flat_map(|setting| ["-c", setting]))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until something is true.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited a minute: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process exists and is no zombie.
pub fn is_alive(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat"));
    match status {
        Ok(stat) => !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z'),
        Err(_) if Path::new("/proc/self/stat").exists() => false,
        Err(_) => nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok(),
    }
}

/// A process that is killed if the test ends early.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The commands that `rerun` names in a plan, or in what ran.
pub fn reruns(ran: &Ran) -> Vec<String> {
    let mut found = Vec::new();
    for record in ran.records() {
        let tasks = record["tasks"].as_array().cloned().unwrap_or_default();
        for task in tasks.iter().chain([&record]) {
            found.extend(task["rerun"].as_str().map(str::to_owned));
        }
    }
    found
}

/// Splits as a shell does, as far as `quote` needs it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

/// Every rerun line of a plan, or of what ran, is a command that the command line takes.
pub fn assert_reruns(command: &[&str], ran: &Ran) {
    let lines = reruns(ran);
    assert!(!lines.is_empty(), "{command:?}: {ran:?}");
    for line in lines {
        let words = words(&line);
        assert_eq!(words[..2], ["cargo", "xtask"], "{line}");
        if let Err(error) = Cli::try_parse_from(&words[1..]) {
            panic!("{command:?}: `{line}`: {error}");
        }
        // A command starts with what was typed; fetching a tool has a command of its own.
        let says = |command: &str| words.contains(&command.to_owned());
        assert!(
            says(command[0]) || says("setup") || says("codegen") || command[0] == "--core",
            "{command:?}: {line}"
        );
    }
}
