//! Gems: built, pushed and tried by RubyGems.

use std::path::{Path, PathBuf};

use super::Ruby;
use crate::error::{Error, Result};
use crate::process::Invocation;
use crate::publish::curl::Request;
use crate::publish::secrets::is_set;
use crate::publish::sums::{Algorithm, Sum};
use crate::publish::{
    puzzled, smoke, source, Channel, Context, May, Missing, Remote, Trial, Unit, Upload,
};

/// Requires a gem by its name, or by one of the spellings that gems use for their main file.
const TRY: &str = r#"
name = ARGV.fetch(0)
paths = [name, name.tr("-", "/"), name.tr("-", "_")].uniq
found = paths.find { |path| Gem::Specification.find_by_name(name).require_paths.any? { |lib| File.file?(File.join(Gem::Specification.find_by_name(name).full_gem_path, lib, path + ".rb")) } }
abort "none of #{paths.join(", ")} is in it" unless found
require found
puts "required #{found}"
"#;

fn file_of(unit: &Unit) -> String {
    format!("{}-{}.gem", unit.name, unit.written)
}

/// The server: the one asked for, or RubyGems' own.
fn server(context: &Context, unit: &Unit) -> Result<String> {
    if let Some(url) = &context.targets.gems {
        return Ok(url.clone());
    }
    let ask = Invocation::new(&context.root, ["ruby", "-e", "puts Gem.host"]);
    Ok(context
        .succeed(&unit.folder, May::Read, &ask)?
        .trim()
        .to_owned())
}

impl Channel for Ruby {
    fn prefixes(&self) -> &'static [&'static str] {
        &["GEM_HOST_"]
    }

    fn purl(&self) -> &'static str {
        "gem"
    }

    fn pack(&self, context: &Context, unit: &Unit, _with: &[&Unit], into: &Path) -> Result<()> {
        let folder = source(context, unit);
        let specification = std::fs::read_dir(&folder)
            .map_err(Error::io("read", &folder))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .find(|name| name.ends_with(".gemspec"))
            .unwrap_or_default();
        let out = into.join(file_of(unit)).display().to_string();
        let build = Invocation::new(
            &folder,
            ["gem", "build", "--norc", "--output", &out, &specification],
        )
        .env("SOURCE_DATE_EPOCH", context.epoch.to_string());
        context.succeed(&unit.folder, May::Build, &build).map(drop)
    }

    fn is_artifact(&self, _unit: &Unit, name: &str) -> bool {
        name.ends_with(".gem")
    }

    fn verify(&self, context: &Context, trial: &Trial<'_>) -> Result<()> {
        let home = trial.folder.join("gems").display().to_string();
        let folder = &trial.unit.folder;
        // The machine's gems count as installed; nothing is installed among them.
        let machine = context.succeed(
            folder,
            May::Read,
            &Invocation::new(
                trial.folder,
                ["ruby", "-e", "puts Gem.path.join(File::PATH_SEPARATOR)"],
            ),
        )?;
        let set = |invocation: Invocation| {
            invocation
                .env("GEM_HOME", home.clone())
                .env("GEM_PATH", format!("{home}:{}", machine.trim()))
        };
        let mut words: Vec<String> = ["gem", "install", "--norc", "--no-document"]
            .map(str::to_owned)
            .to_vec();
        if context.targets.gems.is_some() {
            words.push("--local".into());
        }
        let files = trial
            .needs
            .iter()
            .map(|(_, packed)| packed)
            .chain([trial.packed])
            .flat_map(|packed| packed.paths());
        words.extend(files.map(|path: PathBuf| path.display().to_string()));
        context.succeed(
            folder,
            May::Build,
            &set(Invocation::new(trial.folder, words)),
        )?;
        if trial.unit.smoke.is_empty() {
            let try_it = Invocation::new(trial.folder, ["ruby", "-e", TRY, &trial.unit.name]);
            context.succeed(folder, May::Build, &set(try_it))?;
        }
        smoke(context, trial, &trial.folder.join("gems/bin"), set)
    }

    fn credentials(&self, _context: &Context, _unit: &Unit) -> Result<(), Missing> {
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .unwrap_or_default();
        let stored = [".local/share/gem/credentials", ".gem/credentials"]
            .iter()
            .any(|place| home.join(place).is_file());
        if is_set("GEM_HOST_API_KEY") || stored {
            return Ok(());
        }
        Err((
            "no credentials for the gem server".into(),
            "set GEM_HOST_API_KEY, or run `gem signin`".into(),
        ))
    }

    /// The compact index, which every gem server has: a line per version, with its sum.
    fn probe(&self, context: &Context, unit: &Unit) -> Result<Vec<Remote>> {
        let base = server(context, unit)?;
        let base = base.trim_end_matches('/');
        let url = format!("{base}/info/{}", unit.name);
        let answer = Request::get(&url).send(&context.interrupt)?;
        match answer.status {
            404 => return Ok(Vec::new()),
            200 => {}
            _ => return Err(puzzled(unit, &url, &answer.describe())),
        }
        let text = answer.text();
        let Some(line) = text
            .lines()
            .find(|line| line.split(' ').next() == Some(unit.written.as_str()))
        else {
            return Ok(Vec::new());
        };
        let sum = line
            .split(['|', ','])
            .find_map(|word| word.trim().strip_prefix("checksum:"));
        let sum = match sum {
            Some(sum) => Sum::sha256(sum),
            None => {
                let file = Request::get(&format!("{base}/gems/{}", file_of(unit)))
                    .send(&context.interrupt)?;
                if !file.is_success() {
                    return Err(puzzled(unit, &url, &file.describe()));
                }
                Sum::of(Algorithm::Sha256, &file.body)
            }
        };
        Ok(vec![Remote { file: None, sum }])
    }

    fn upload(&self, context: &Context, unit: &Unit, file: &Path) -> Result<Upload> {
        let file = file.display().to_string();
        let mut words = vec!["gem", "push", &file];
        if let Some(host) = &context.targets.gems {
            words.extend(["--host", host]);
        }
        Ok(Upload::Client(Box::new(Invocation::new(
            source(context, unit),
            words,
        ))))
    }

    fn limited_at(&self, context: &Context, _unit: &Unit) -> Option<String> {
        Some(format!(
            "{}/api/v1/gems",
            context.targets.gems.as_ref()?.trim_end_matches('/')
        ))
    }
}
