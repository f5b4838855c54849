//! Puts generated files together: compared with what is expected, without one overwriting another, into one project.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};

use crate::error::{Error, Result};
use crate::file::write;
use crate::plan::{Assembly, REPOSITORY};

/// Begins a line of a project's file that stands for one line per generated file.
const EACH: &str = "@EACH ";
/// How many lines of a difference are shown.
const SHOWN: usize = 30;

/// Files by their path in the project, with their text.
type Files = BTreeMap<PathBuf, String>;

/// Does it; gives one line per problem.
pub fn assemble(assembly: &Assembly) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut made: BTreeMap<PathBuf, (String, String)> = BTreeMap::new();
    for (case, folder, count) in &assembly.cases {
        let files = files(folder)?;
        if files.len() != *count {
            problems.push(format!(
                "{case}: {count} outputs made {} files in the folder; two outputs have the same name, or one leads out of the folder",
                files.len()
            ));
        }
        problems.extend(compare(assembly, case, &files)?);
        for (path, text) in files {
            match made.get(&path) {
                Some((other, theirs)) if *theirs != text => problems.push(format!(
                    "{case} and {other} make different files {}; give them other names in template-tests.toml, or `alone = true`",
                    path.display()
                )),
                _ => {
                    made.insert(path, (case.clone(), text));
                }
            }
        }
    }
    let mut all = match &assembly.base {
        None => Files::new(),
        Some(base) => files(base)?,
    };
    let repository = assembly.repository.display().to_string();
    for text in all.values_mut() {
        *text = text.replace(REPOSITORY, &repository);
        if text.contains(EACH) {
            *text = for_each(text, made.keys());
        }
    }
    for file in &assembly.copies {
        let from = assembly.repository.join(file);
        let text = fs::read_to_string(&from).map_err(Error::io("read", &from))?;
        all.insert(file.into(), text);
    }
    all.extend(made.into_iter().map(|(path, (_, text))| (path, text)));
    for (path, text) in all {
        write(&assembly.into.join(path), &text)?;
    }
    Ok(problems)
}

/// Languages such as Rust name their modules in another file. There `@EACH src/handlers/*.rs: pub mod {name};` stands for one line per
/// generated file that fits, with its name without the ending.
fn for_each<'a>(text: &str, made: impl Iterator<Item = &'a PathBuf> + Clone) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let rule = line
            .split_once(EACH)
            .and_then(|(indent, rule)| Some((indent, rule.split_once(": ")?)))
            .and_then(|(indent, (files, line))| Some((indent, files.split_once('*')?, line)));
        let Some((indent, (before, after), line)) = rule else {
            lines.push(line.to_owned());
            continue;
        };
        for path in made.clone() {
            let path = path.display().to_string();
            let fits = path
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after));
            if fits.is_some_and(|rest| !rest.contains('/')) {
                let stem = Path::new(&path).file_stem().unwrap_or_default();
                lines.push(format!(
                    "{indent}{}",
                    line.replace("{name}", &stem.to_string_lossy())
                ));
            }
        }
    }
    lines.join("\n") + "\n"
}

/// Compares a case's files with its snapshot, or writes that.
fn compare(assembly: &Assembly, case: &str, files: &Files) -> Result<Vec<String>> {
    let snapshot = assembly.snapshots.join(format!("{case}.txt"));
    let found = render(files);
    if assembly.update {
        write(&snapshot, &found)?;
        return Ok(Vec::new());
    }
    let fix = "look at the difference, then: cargo xtask template test --update";
    match fs::read_to_string(&snapshot) {
        Ok(expected) if expected == found => Ok(Vec::new()),
        Ok(expected) => Ok(vec![format!(
            "{case}: files differ from the snapshot ({fix})\n{}",
            difference(&expected, &found)
        )]),
        Err(_) => Ok(vec![format!("{case}: there is no snapshot ({fix})")]),
    }
}

/// All files in one text that reads well as a diff.
fn render(files: &Files) -> String {
    files
        .iter()
        .map(|(path, text)| {
            format!(
                "=== {}\n{text}{}",
                path.display(),
                if text.ends_with('\n') {
                    ""
                } else {
                    "\n(no newline at the end)\n"
                }
            )
        })
        .collect()
}

/// The lines that differ.
fn difference(expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    let changes = diff.iter_all_changes();
    let lines: Vec<String> = changes
        .filter_map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => return None,
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            Some(format!("{sign} {}", change.value().trim_end_matches('\n')))
        })
        .collect();
    let more = lines.len().saturating_sub(SHOWN);
    let mut text = lines[..lines.len() - more].join("\n");
    if more > 0 {
        text.push_str(&format!("\n… {more} more lines"));
    }
    text
}

/// Every text file below a folder.
fn files(folder: &Path) -> Result<Files> {
    let mut found = Files::new();
    let mut next = vec![folder.to_owned()];
    while let Some(place) = next.pop() {
        for entry in fs::read_dir(&place).map_err(Error::io("read", &place))? {
            let path = entry.map_err(Error::io("read", &place))?.path();
            if path.is_dir() {
                next.push(path);
            } else {
                let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
                found.insert(path.strip_prefix(folder).unwrap_or(&path).to_owned(), text);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{difference, for_each};

    #[test]
    fn a_line_for_each_generated_file() {
        let made = [
            "src/a/one.rs",
            "src/a/two_x.rs",
            "src/a/b/three.rs",
            "src/a/four.py",
        ]
        .map(Into::into);
        let text = for_each(
            "x\n  @EACH src/a/*.rs: mod {name};\n@EACH src/a/*_x.rs: {name}\n",
            made.iter(),
        );
        assert_eq!(text, "x\n  mod one;\n  mod two_x;\ntwo_x\n");
    }

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "- b\n+ x\n+ y");
        assert_eq!(difference("a\na\n", "a\n"), "- a");
        assert_eq!(difference("a\nb\nc\n", "x\nb\ny\n"), "- a\n+ x\n- c\n+ y");
        let many: String = (0..40).map(|n| format!("{n}\n")).collect();
        assert!(difference("", &many).ends_with("+ 29\n… 10 more lines"));
    }
}
