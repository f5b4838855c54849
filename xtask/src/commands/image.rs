//! `image`: the repository's container images.

use serde_json::json;

use super::shared::images;
use super::shared::session::Session;
use crate::docker::{Build, Engine, Image};
use crate::error::{closest, Error, Result};
use crate::process::{capture, Invocation};

/// Build the container images of ops/docker/images, or list them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask image list\n  cargo xtask image build                          compile everything in the build\n  cargo xtask image build --given                  with the programs of this checkout"
)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Name the images and say which of them the engine has.
    List,
    /// Build images.
    Build(BuildArgs),
}

#[derive(Debug, clap::Args)]
struct BuildArgs {
    /// Names of images [default: all].
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// What comes after the colon [default: the image's version, and dev, which Compose files for development use].
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Take the programs of this checkout, which its tests use, too, instead of compiling optimised ones in the build.
    #[arg(long)]
    given: bool,
    /// A further build argument, such as BASE=debian:trixie-slim@sha256:…
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    arguments: Vec<String>,
    /// Print what would be run.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<()> {
    match &args.what {
        What::List => list(session),
        What::Build(args) => build(session, args),
    }
}

fn list(session: &mut Session) -> Result<()> {
    // Without an engine the list is one of files.
    let engine = Engine::find(&session.root, &session.interrupt).ok();
    for image in Image::all(&session.root)? {
        let reference = image.reference(&image.version);
        let size = match &engine {
            Some(engine) => engine.image_size(&reference)?,
            None => None,
        };
        let state = match size {
            Some(bytes) => format!("{} MB", bytes / 1_000_000),
            None => "not built".to_owned(),
        };
        session.report.tell(
            &[format!(
                "{reference:<28} {state:<10} {}",
                image.file.display()
            )],
            &json!({"event": "image", "reference": reference, "bytes": size, "file": image.file}),
        );
    }
    Ok(())
}

fn build(session: &mut Session, args: &BuildArgs) -> Result<()> {
    let images = select(session, &args.names)?;
    let revision = revision(session);
    let build = Build {
        tag: args.tag.as_deref(),
        revision: &revision,
        given: args.given,
        arguments: &args.arguments,
    };
    if args.dry_run {
        for image in &images {
            let line = image.invocation(&session.root, &build).command_line();
            session.report.tell(
                std::slice::from_ref(&line),
                &json!({"event": "image_plan", "image": image.name, "command": line}),
            );
        }
        return Ok(());
    }
    let engine = Engine::find(&session.root, &session.interrupt)?;
    if args.given {
        images::give_programs(session)?;
    }
    images::build(session, &engine, &images, &build)?;
    for image in &images {
        let reference = image.references(&build).swap_remove(0);
        let bytes = engine.image_size(&reference)?;
        let size = bytes.unwrap_or_default() / 1_000_000;
        session.report.tell(
            &[format!("image: {reference}, {size} MB")],
            &json!({"event": "image", "reference": reference, "bytes": bytes, "file": image.file}),
        );
    }
    Ok(())
}

fn select(session: &Session, names: &[String]) -> Result<Vec<Image>> {
    let all = Image::all(&session.root)?;
    let known: Vec<&str> = all.iter().map(|image| image.name.as_str()).collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            let suggestion = closest(name, known.iter().copied());
            return Err(Error::unknown("image", name, suggestion, &known));
        }
    }
    let wanted = |image: &Image| names.is_empty() || names.contains(&image.name);
    Ok(all.iter().filter(|image| wanted(image)).cloned().collect())
}

/// The commit, for the label; a checkout without git has none.
fn revision(session: &Session) -> String {
    let ask = Invocation::new(&session.root, ["git", "rev-parse", "HEAD"]);
    match capture("image", &ask, &session.interrupt) {
        Ok(asked) if asked.status.success() => asked.text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}
