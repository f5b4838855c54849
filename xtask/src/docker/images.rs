//! The repository's images: a folder with a Dockerfile each.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{explain, Engine};
use crate::error::{Error, Result};
use crate::process::{ChildGroup, Invocation, Output};

/// Where the images are.
pub const FOLDER: &str = "ops/docker/images";

/// An image that can be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name, which is its folder's.
    pub name: String,
    /// Its Dockerfile, relative to the repository.
    pub file: PathBuf,
    /// The default of its `ARG VERSION`.
    pub version: String,
}

/// How images are built.
#[derive(Clone, Debug)]
pub struct Build<'a> {
    /// What comes after the colon; without one, the image's version, and `dev`, which Compose files for development have.
    pub tag: Option<&'a str>,
    /// The commit in the image's labels.
    pub revision: &'a str,
    /// The programs come from [`given`], not from a stage that compiles them.
    pub given: bool,
    /// Further `NAME=VALUE` build arguments, such as another base.
    pub arguments: &'a [String],
}

/// Where a Dockerfile has its image's version.
pub fn version_of(text: &str) -> Option<Range<usize>> {
    const ARGUMENT: &str = "ARG VERSION=";
    let start = text
        .starts_with(ARGUMENT)
        .then_some(0)
        .or_else(|| text.find(&format!("\n{ARGUMENT}")).map(|at| at + 1))?
        + ARGUMENT.len();
    let length = text[start..].find(char::is_whitespace)?;
    Some(start..start + length)
}

/// Where programs lie that an image takes instead of compiling them.
pub fn given(root: &Path) -> PathBuf {
    root.join("target/xtask/image")
}

impl Image {
    /// All of them, by name.
    pub fn all(root: &Path) -> Result<Vec<Self>> {
        let folder = root.join(FOLDER);
        let mut names: Vec<String> = std::fs::read_dir(&folder)
            .map_err(Error::io("read", &folder))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| folder.join(name).join("Dockerfile").is_file())
            .collect();
        names.sort();
        names
            .into_iter()
            .map(|name| Self::read(root, name))
            .collect()
    }

    fn read(root: &Path, name: String) -> Result<Self> {
        let file = Path::new(FOLDER).join(&name).join("Dockerfile");
        let path = root.join(&file);
        let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let Some(version) = version_of(&text) else {
            return Err(Error::BadFile {
                file,
                line: None,
                why: "an image needs its version, as `ARG VERSION=0.1.0`".to_owned(),
                fix: None,
            });
        };
        let version = text[version].to_owned();
        Ok(Self {
            name,
            file,
            version,
        })
    }

    /// `name:tag`.
    pub fn reference(&self, tag: &str) -> String {
        format!("{}:{tag}", self.name)
    }

    /// What it is called when it is built, the proper name first.
    pub fn references(&self, build: &Build<'_>) -> Vec<String> {
        match build.tag {
            Some(tag) => vec![self.reference(tag)],
            None => vec![self.reference(&self.version), self.reference("dev")],
        }
    }

    /// The command that builds it.
    pub fn invocation(&self, root: &Path, build: &Build<'_>) -> Invocation {
        let mut words = vec!["docker".to_owned(), "build".to_owned()];
        words.extend(["--file".to_owned(), self.file.display().to_string()]);
        for reference in self.references(build) {
            words.extend(["--tag".to_owned(), reference]);
        }
        let mut argument = |text: String| words.extend(["--build-arg".to_owned(), text]);
        argument(format!("REVISION={}", build.revision));
        if build.given {
            argument("PROGRAMS=given".to_owned());
        }
        build.arguments.iter().cloned().for_each(argument);
        words.push(".".to_owned());
        Invocation::new(root, words).env("DOCKER_BUILDKIT", "1")
    }
}

impl Engine {
    /// Whether the engine has an image.
    pub fn has_image(&self, reference: &str) -> Result<bool> {
        let asked = self.ask(&["image", "inspect", "--format", "{{.Id}}", reference])?;
        Ok(asked.status.success())
    }

    /// The size of an image in bytes.
    pub fn image_size(&self, reference: &str) -> Result<Option<u64>> {
        let asked = self.ask(&["image", "inspect", "--format", "{{.Size}}", reference])?;
        Ok(asked.text.trim().parse().ok())
    }

    /// Builds an image; what the build says goes into the log.
    pub fn build(&self, image: &Image, build: &Build<'_>, log: &Path) -> Result<()> {
        let invocation = image.invocation(&self.root, build);
        let mut child = ChildGroup::spawn(&image.name, &invocation, &Output::Log(log))?;
        if child.wait(&self.interrupt)?.success() {
            return Ok(());
        }
        Err(explain(&format!("building the image {}", image.name), log))
    }
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn a_version_is_the_default_of_an_argument() {
        let text = "ARG BASE=debian\nFROM ${BASE}\nARG VERSION=0.1.0\nARG REVISION=unknown\n";
        assert_eq!(version_of(text).map(|span| &text[span]), Some("0.1.0"));
        assert_eq!(version_of("FROM debian\n# ARG VERSION=1\n"), None);
    }
}
