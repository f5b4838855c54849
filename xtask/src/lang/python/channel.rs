//! Wheels and sdists: built by the project's own backend, published by `uv publish`.

use std::path::Path;

use super::Python;
use crate::error::Result;
use crate::process::Invocation;
use crate::publish::curl::Request;
use crate::publish::secrets::{has_identity, is_set};
use crate::publish::sums::Sum;
use crate::publish::{
    puzzled, smoke, source, Channel, Context, May, Missing, Remote, Trial, Unit, Upload,
};

/// Imports every top-level package of a distribution, and asks each of its programs for help unless it is tried in a way of its own.
const TRY: &str = r#"
import importlib, importlib.metadata, subprocess, sys, os
dist = importlib.metadata.distribution(sys.argv[1])
tops = {f.parts[0] for f in dist.files if len(f.parts) > 1 and f.name == "__init__.py" and len(f.parts) == 2}
tops |= {f.stem for f in dist.files if len(f.parts) == 1 and f.suffix == ".py"}
assert tops, "no module in it"
for name in sorted(tops):
    importlib.import_module(name)
    print("imported", name)
for script in () if "smoke" in sys.argv else (e for e in dist.entry_points if e.group == "console_scripts"):
    subprocess.run([os.path.join(os.path.dirname(sys.executable), script.name), "--help"], check=True, stdout=subprocess.DEVNULL)
    print("ran", script.name)
"#;

fn uv(context: &Context, folder: &Path, words: &[&str]) -> Invocation {
    let program = context.programs.word("uv");
    Invocation::new(folder, [&[program.as_str()], words].concat())
        .env("UV_NO_PROGRESS", "1")
        .env("UV_NO_CONFIG", "1")
}

fn index(context: &Context, invocation: Invocation) -> Invocation {
    match context.targets.python_index() {
        // Other packages still come from the usual place.
        Some(url) => invocation
            .env("UV_INDEX", format!("released={url}"))
            .env("UV_INDEX_STRATEGY", "unsafe-best-match"),
        None => invocation,
    }
}

/// The name in files: lower case, every run of `-_.` an underscore.
fn file_name(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        let c = if "-_.".contains(c) { '_' } else { c };
        if !(c == '_' && out.ends_with('_')) {
            out.push(c);
        }
    }
    out
}

impl Channel for Python {
    fn prefixes(&self) -> &'static [&'static str] {
        &["UV_PUBLISH_", "ACTIONS_ID_TOKEN_"]
    }

    fn purl(&self) -> &'static str {
        "pypi"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["uv"]
    }

    fn pack(&self, context: &Context, unit: &Unit, _with: &[&Unit], into: &Path) -> Result<()> {
        let out = into.display().to_string();
        let build = uv(
            context,
            &source(context, unit),
            &[
                "build",
                "--quiet",
                "--no-create-gitignore",
                "--out-dir",
                &out,
            ],
        )
        .env("SOURCE_DATE_EPOCH", context.epoch.to_string());
        context.succeed(&unit.folder, May::Build, &build).map(drop)
    }

    fn is_artifact(&self, _unit: &Unit, name: &str) -> bool {
        name.ends_with(".whl") || name.ends_with(".tar.gz")
    }

    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let venv = trial.folder.join("venv");
        let folder = &trial.unit.folder;
        let run = |invocation: &Invocation| context.succeed(folder, May::Build, invocation);
        run(&uv(context, trial.folder, &["venv", "--quiet", "venv"]))?;
        let python = venv.join("bin/python").display().to_string();
        let mut install = vec![
            "pip".to_owned(),
            "install".into(),
            "--quiet".into(),
            "--python".into(),
            python.clone(),
        ];
        for (_, packed) in &trial.needs {
            install.extend([
                "--find-links".to_owned(),
                packed.folder.display().to_string(),
            ]);
        }
        let of_kind = |end: &str| {
            trial
                .packed
                .paths()
                .into_iter()
                .map(|path| path.display().to_string())
                .find(|path| path.ends_with(end))
        };
        let has_own_way = if trial.unit.smoke.is_empty() {
            "programs"
        } else {
            "smoke"
        };
        // The wheel with its dependencies, then the sdist in its place.
        for (more, file) in [
            (None, of_kind(".whl")),
            (Some("--reinstall"), of_kind(".tar.gz")),
        ] {
            let Some(mut file) = file else { continue };
            if more.is_none() && !trial.unit.smoke_extras.is_empty() {
                file += &format!("[{}]", trial.unit.smoke_extras.join(","));
            }
            let mut words: Vec<&str> = install.iter().map(String::as_str).collect();
            if let Some(more) = more {
                words.extend([more, "--no-deps"]);
            }
            words.push(&file);
            run(&index(context, uv(context, trial.folder, &words)))?;
            run(&Invocation::new(
                trial.folder,
                [
                    python.as_str(),
                    "-I",
                    "-c",
                    TRY,
                    &trial.unit.name,
                    has_own_way,
                ],
            ))?;
        }
        smoke(context, trial, &venv.join("bin"), |invocation| invocation)
    }

    fn credentials(&self, _context: &Context, _unit: &Unit) -> Result<(), Missing> {
        let has_password = is_set("UV_PUBLISH_USERNAME") && is_set("UV_PUBLISH_PASSWORD");
        if is_set("UV_PUBLISH_TOKEN")
            || has_password
            || has_identity()
            || is_set("UV_KEYRING_PROVIDER")
        {
            return Ok(());
        }
        Err((
            "no credentials for the Python index".into(),
            "set UV_PUBLISH_TOKEN (or UV_PUBLISH_USERNAME and UV_PUBLISH_PASSWORD), or release from a workflow with trusted publishing".into(),
        ))
    }

    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>> {
        let base = match context.targets.python_index() {
            Some(url) => url,
            None => default_index(context, unit)?,
        };
        let name = file_name(&unit.name).replace('_', "-");
        let url = format!("{}/{name}/", base.trim_end_matches('/'));
        let answer = Request::get(&url)
            .header("Accept: text/html")
            .send(&context.interrupt)?;
        match answer.status {
            404 => return Ok(Vec::new()),
            200 => {}
            _ => return Err(puzzled(unit, &url, &answer.describe())),
        }
        let starts = [
            format!("{}-{}-", file_name(&unit.name), unit.written),
            format!("{}-{}.tar.gz", file_name(&unit.name), unit.written),
        ];
        let mut found = Vec::new();
        for (link, name) in links(&answer.text()) {
            if !starts.iter().any(|start| name.starts_with(start)) {
                continue;
            }
            let sum = match link.split_once("#sha256=") {
                Some((_, sum)) => Sum::sha256(sum),
                None => download(context, unit, &url, &link)?,
            };
            found.push(Remote {
                file: Some(name),
                sum,
            });
        }
        Ok(found)
    }

    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload> {
        let file = file.display().to_string();
        let mut words = vec!["publish", "--quiet"];
        if let Some(url) = &context.targets.pypi {
            words.extend(["--publish-url", url]);
        }
        words.push(&file);
        let invocation = uv(context, &source(context, unit), &words).env("UV_HTTP_RETRIES", "0");
        Ok(Upload::Client(Box::new(invocation)))
    }

    fn limited_at(&self, context: &Context, _unit: &Unit) -> Option<String> {
        context.targets.pypi.clone()
    }
}

/// The index that pip uses by itself.
fn default_index(context: &Context, unit: &Unit) -> Result<String> {
    let code = "import os, subprocess, sys\n\
        from pip._internal.models.index import PyPI\n\
        asked = subprocess.run([sys.executable, '-m', 'pip', 'config', 'get', 'global.index-url'], capture_output=True, text=True)\n\
        print(os.environ.get('PIP_INDEX_URL') or asked.stdout.strip() or PyPI.simple_url)";
    let ask = Invocation::new(&context.root, ["python3", "-c", code]);
    let said = context.succeed(&unit.folder, May::Read, &ask)?;
    Ok(said.lines().last().unwrap_or_default().trim().to_owned())
}

/// Addresses and names of the links of a page of an index.
fn links(page: &str) -> Vec<(String, String)> {
    page.split("<a ")
        .skip(1)
        .filter_map(|rest| {
            let (_, rest) = rest.split_once("href=\"")?;
            let (link, rest) = rest.split_once('"')?;
            let (_, rest) = rest.split_once('>')?;
            let (name, _) = rest.split_once("</a>")?;
            Some((link.replace("&amp;", "&"), name.trim().to_owned()))
        })
        .collect()
}

fn download(context: &Context, unit: &Unit, page: &str, link: &str) -> Result<Sum> {
    let link = link.split('#').next().unwrap_or(link);
    let host = page
        .find("://")
        .and_then(|at| page[at + 3..].find('/').map(|end| &page[..at + 3 + end]))
        .unwrap_or(page);
    let url = match link {
        _ if link.contains("://") => link.to_owned(),
        _ if link.starts_with('/') => format!("{host}{link}"),
        _ => format!("{page}{link}"),
    };
    let answer = Request::get(&url).send(&context.interrupt)?;
    if !answer.is_success() {
        return Err(puzzled(unit, &url, &answer.describe()));
    }
    Ok(Sum::of(
        crate::publish::sums::Algorithm::Sha256,
        &answer.body,
    ))
}

#[cfg(test)]
mod tests {
    use super::{file_name, links};

    #[test]
    fn links_of_an_index_are_read() {
        let page = "<h1>x</h1><a href=\"/p/a-1.whl#sha256=ab\" data-x=\"1\">a-1.whl</a><br>\n<a  href=\"b?x=1&amp;y\">b</a>";
        assert_eq!(
            links(page),
            [
                ("/p/a-1.whl#sha256=ab".to_owned(), "a-1.whl".to_owned()),
                ("b?x=1&y".to_owned(), "b".to_owned())
            ]
        );
        assert_eq!(file_name("Fix--Py.x"), "fix_py_x");
    }
}
