//! A generated monorepo that xtask, turbo, moon and nx all can run: the same units, files and dependencies for each.
//!
//! A unit's test is a program that does nothing. For turbo, moon and nx it is the command `true`; for xtask it is a Python unit whose environment
//! is made by a script in place of `uv` and whose `pytest` prints one line.

use std::fs;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{cmd, Shell};
use xtask::tools::platform;

/// Makes an environment whose `pytest` does nothing.
const UV: &str =
    "#!/bin/sh\n[ \"$1\" = venv ] || exit 0\nmkdir -p .venv/bin\nln -sf /bin/sh .venv/bin/python\n\
    printf '#!/bin/sh\\necho 1 passed in 0.01s\\n' > .venv/bin/pytest\nchmod +x .venv/bin/pytest\n";
const TURBO: &str = "{\"tasks\": {\"test\": {\"outputs\": []}}}\n";
const NX: &str = "{\"analytics\": false, \"targetDefaults\": {\"test\": {\"cache\": true, \"inputs\": [\"{projectRoot}/**/*\", \"^default\"]}}}\n";
const MOON: &str = "projects: ['units/*']\ntelemetry: false\n";
const MOON_TASKS: &str = "tasks:\n  test:\n    command: 'true'\n";
const IGNORED: &str =
    "/target/\n/.xtask/\n/.nx/\n/.turbo/\n/.moon/cache/\n/node_modules\n.venv/\n.turbo/\n";

/// Writes the tree and commits it on `main`; the branch `work` has one more commit, with a change in the unit in the middle.
pub fn write(root: &Path, units: usize, peers: &Path, bun: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(root);
    let file = |path: &str, text: &str| sh.write_file(path, text);
    file(".gitignore", IGNORED)?;
    file("turbo.json", TURBO)?;
    file("nx.json", NX)?;
    file(".moon/workspace.yml", MOON)?;
    file(".moon/tasks/all.yml", MOON_TASKS)?;
    file("package.json", &format!("{{\"name\": \"root\", \"private\": true, \"packageManager\": \"bun@{bun}\", \"workspaces\": [\"units/*\"]}}\n"))?;
    file("xtask/tools.toml", &tools_table())?;
    file(".xtask/tools/uv-1.0/bin/uv", UV)?;
    let uv = root.join(".xtask/tools/uv-1.0/bin/uv");
    fs::set_permissions(&uv, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot write {}", Path::new(&uv).display()))?;
    let modules = root.join("node_modules");
    symlink(peers.join("node_modules"), &modules)
        .with_context(|| format!("cannot link {}", Path::new(&modules).display()))?;
    for unit in 0..units {
        write_unit(&sh, unit)?;
    }
    cmd!(sh, "git init --quiet --initial-branch main")
        .quiet()
        .run()?;
    commit(&sh)?;
    cmd!(sh, "git checkout --quiet -b work").quiet().run()?;
    sh.write_file(changed(root, units), "changed = True\n")?;
    commit(&sh)
}

/// The file that the branch changed.
pub fn changed(root: &Path, units: usize) -> PathBuf {
    root.join(format!("units/u{:04}/src/a.py", units / 2))
}

/// Each unit depends on two earlier ones, so that a change in the middle reaches a part of the others.
fn write_unit(sh: &Shell, unit: usize) -> Result<()> {
    let folder = PathBuf::from(format!("units/u{unit:04}"));
    let mut uses: Vec<usize> = if unit == 0 {
        Vec::new()
    } else {
        vec![unit / 2, unit / 3]
    };
    uses.dedup();
    let names = || uses.iter().map(|used| format!("u{used:04}"));
    let join = |lines: Vec<String>, between: &str| lines.join(between);
    let packages = join(
        names().map(|name| format!("\"{name}\": \"*\"")).collect(),
        ", ",
    );
    let project = format!(
        "{{\"name\": \"u{unit:04}\", \"version\": \"1.0.0\", \"private\": true, \"scripts\": {{\"test\": \"true\"}}, \"dependencies\": {{{packages}}},\n  \
         \"nx\": {{\"targets\": {{\"test\": {{\"command\": \"true\"}}}}}}}}\n"
    );
    sh.write_file(folder.join("package.json"), &project)?;
    let paths = join(
        names()
            .map(|name| format!("{name} = {{ path = \"../{name}\" }}\n"))
            .collect(),
        "",
    );
    sh.write_file(folder.join("pyproject.toml"), format!("[project]\nname = \"p{unit:04}\"\n\n[tool.uv.sources]\n{paths}\n[tool.pytest.ini_options]\ntestpaths = [\"src\"]\n"))?;
    let edges = join(names().map(|name| format!("'{name}'")).collect(), ", ");
    sh.write_file(folder.join("moon.yml"), format!("dependsOn: [{edges}]\n"))?;
    sh.write_file(folder.join("requirements.lock"), "")?;
    for name in ["a", "b", "c", "d", "e"] {
        sh.write_file(
            folder.join(format!("src/{name}.py")),
            format!("# {unit}{name}\n{}", "value = 1\n".repeat(20)),
        )?;
    }
    Ok(())
}

fn tools_table() -> String {
    format!(
        "[tool.uv]\nversion = \"1.0\"\nregistry = \"pypi\"\nbinary = \"bin/uv\"\nlanguages = [\"python\"]\nabout = \"makes environments\"\n\n\
         [tool.uv.platforms]\n{} = {{ package = \"uv\", sha256 = [\"0\"] }}\n\n\
         [host.node]\ncommand = [\"node\", \"--version\"]\nminimum = \"16\"\nlanguages = [\"python\"]\nabout = \"a tool\"\nfix = \"\"\n",
        platform()
    )
}

fn commit(sh: &Shell) -> Result<()> {
    let author = [
        "-c",
        "user.name=bench",
        "-c",
        "user.email=bench@example.org",
    ];
    cmd!(sh, "git add --all").quiet().run()?;
    Ok(cmd!(sh, "git {author...} commit --quiet --message tree")
        .quiet()
        .run()?)
}
