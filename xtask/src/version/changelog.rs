//! `CHANGELOG.md` in the form of Keep a Changelog: what is unreleased becomes a version's section, and hand-written notes stay.

/// The heading above what is not released yet.
const UNRELEASED: &str = "unreleased";

/// The changelog of a package that has none yet.
pub const EMPTY: &str = "# Changelog\n\n## Unreleased\n";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// `feat`, `fix`, …
    pub kind: String,
    /// Whether it breaks users.
    pub breaking: bool,
    /// The rest of its first line.
    pub subject: String,
}

impl Commit {
    /// Reads a message; none if it is no conventional commit.
    pub fn parse(message: &str) -> Option<Self> {
        let (head, subject) = message.lines().next()?.split_once(": ")?;
        let breaking = head.ends_with('!')
            || message.lines().any(|line| {
                // Its text may begin on the next line.
                ["BREAKING CHANGE:", "BREAKING-CHANGE:"]
                    .iter()
                    .filter_map(|footer| line.strip_prefix(footer))
                    .any(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
            });
        let head = head.trim_end_matches('!');
        // Letters may be of any case, says the convention.
        let kind = head.split('(').next()?.to_ascii_lowercase();
        let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_lowercase());
        let scope_closes = !head.contains('(') || head.ends_with(')');
        (is_word && scope_closes).then(|| Self {
            kind,
            breaking,
            subject: subject.trim().to_owned(),
        })
    }

    fn group(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "feat" => Some("Added"),
            "fix" => Some("Fixed"),
            "perf" | "refactor" | "revert" => Some("Changed"),
            _ if self.breaking => Some("Changed"),
            _ => None,
        }
    }
}

/// The text with what is unreleased, and these commits, as the section of a version; a new empty section stands above it.
pub fn release(text: &str, version: &str, date: &str, commits: &[Commit]) -> String {
    let text = if text.trim().is_empty() { EMPTY } else { text };
    let lines: Vec<&str> = text.lines().collect();
    let headings = headings(&lines);
    let found = headings
        .iter()
        .position(|(_, name)| is_unreleased(name, version));
    let place = |n: usize| headings.get(n).map_or(lines.len(), |(at, _)| *at);
    let (before, body, after) = match found {
        Some(n) => {
            let (at, end) = (place(n), place(n + 1));
            (&lines[..at], &lines[at + 1..end], &lines[end..])
        }
        None => {
            let at = place(0);
            (&lines[..at], &lines[at..at], &lines[at..])
        }
    };
    let mut out: Vec<String> = before.iter().map(|line| (*line).to_owned()).collect();
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    let brackets = found.is_some_and(|n| lines[place(n)].contains('['));
    let name = |text: &str| {
        if brackets {
            format!("## [{text}]")
        } else {
            format!("## {text}")
        }
    };
    out.extend([
        String::new(),
        name("Unreleased"),
        String::new(),
        format!("{} - {date}", name(version)),
        String::new(),
    ]);
    out.extend(with_commits(body, commits));
    out.push(String::new());
    out.extend(after.iter().map(|line| (*line).to_owned()));
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    // As the file has it.
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    out.join(end) + end
}

/// The headings of versions: where each is, and its words. What is in a block of code is none.
fn headings(lines: &[&str]) -> Vec<(usize, String)> {
    let mut fence: Option<String> = None;
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let mark = trimmed.chars().next().filter(|mark| "`~".contains(*mark));
        let marks: String = trimmed.chars().take_while(|c| Some(*c) == mark).collect();
        match &fence {
            Some(open) if marks.starts_with(open.as_str()) && trimmed.trim() == marks => {
                fence = None
            }
            None if marks.len() >= 3 => fence = Some(marks),
            None => found.extend(
                line.strip_prefix("## ")
                    .map(|rest| (at, rest.trim().to_lowercase())),
            ),
            Some(_) => {}
        }
    }
    found
}

/// `Unreleased`, whatever follows: a date to be, a link, a version.
fn is_unreleased(heading: &str, version: &str) -> bool {
    let name = heading.trim_start_matches('[');
    let rest = name.strip_prefix(UNRELEASED);
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        || name.trim_end_matches(']') == format!("{version} (unreleased)")
}

fn with_commits(body: &[&str], commits: &[Commit]) -> Vec<String> {
    let mut lines: Vec<String> = body.iter().map(|line| (*line).to_owned()).collect();
    let trim = |lines: &mut Vec<String>| {
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        while lines.first().is_some_and(String::is_empty) {
            lines.remove(0);
        }
    };
    trim(&mut lines);
    for commit in commits {
        let Some(group) = commit.group() else {
            continue;
        };
        let entry = format!(
            "- {}{}",
            if commit.breaking {
                "**Breaking:** "
            } else {
                ""
            },
            commit.subject
        );
        if lines.contains(&entry) {
            continue;
        }
        let heading = format!("### {group}");
        match lines.iter().position(|line| *line == heading) {
            None => {
                if !lines.is_empty() {
                    lines.push(String::new());
                }
                lines.extend([heading, String::new(), entry]);
            }
            Some(at) => {
                let mut end = lines[at + 1..]
                    .iter()
                    .position(|line| line.starts_with("### "))
                    .map_or(lines.len(), |n| at + 1 + n);
                while lines[end - 1].is_empty() {
                    end -= 1;
                }
                lines.insert(end, entry);
            }
        }
    }
    if lines.is_empty() {
        lines.push("No changes of its own.".to_owned());
    }
    lines
}

/// The notes of a version, without its heading.
pub fn notes(text: &str, version: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let headings = headings(&lines);
    let version = version.to_lowercase();
    let n = headings.iter().position(|(_, name)| {
        let rest = name.trim_start_matches('[').strip_prefix(&version);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([']', ' ']))
    })?;
    let end = headings.get(n + 1).map_or(lines.len(), |(at, _)| *at);
    Some(lines[headings[n].0 + 1..end].join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{notes, release, Commit};

    #[test]
    fn a_breaking_change_is_one_however_it_is_written() {
        for (message, kind, breaking) in [
            ("Feat: x", "feat", false),
            ("FEAT!: x", "feat", true),
            ("fix(a)!: x", "fix", true),
            ("fix: x\n\nBREAKING CHANGE:\n  the text", "fix", true),
            ("fix: x\r\n\r\nBREAKING-CHANGE: text", "fix", true),
            (
                "fix: x\n\nthis is no BREAKING CHANGE: it says",
                "fix",
                false,
            ),
            ("fix: x\n\nBREAKING CHANGE:D", "fix", false),
        ] {
            let commit = Commit::parse(message).expect(message);
            assert_eq!(
                (commit.kind.as_str(), commit.breaking),
                (kind, breaking),
                "{message}"
            );
        }
        assert_eq!(Commit::parse("Merge branch: x"), None);
    }

    #[test]
    fn hand_written_notes_are_found_under_every_heading_that_people_write() {
        for heading in [
            "## Unreleased",
            "## [Unreleased]",
            "## [Unreleased] - ReleaseDate",
            "## [Unreleased](https://example.com/compare)",
            "## Unreleased (0.2.0)",
            "## 0.2.0 (unreleased)",
        ] {
            let text = format!("# Changelog\n\n{heading}\n\n- by hand\n\n## 0.1.0\n\n- first\n");
            let done = release(&text, "0.2.0", "2026-12-01", &[]);
            assert_eq!(
                notes(&done, "0.2.0").as_deref(),
                Some("- by hand"),
                "{heading}: {done}"
            );
            assert_eq!(
                done.to_lowercase().matches("unreleased").count(),
                1,
                "{done}"
            );
        }
    }

    #[test]
    fn ends_of_lines_and_blocks_of_code_stay() {
        let text = "# Changelog\r\n\r\n## Unreleased\r\n\r\n- x\r\n\r\n```sh\r\n## first make a copy\r\n```\r\n\r\n## 0.1.0\r\n";
        let commit = Commit::parse("fix: y").expect("a commit");
        let done = release(text, "0.2.0", "2026-12-01", &[commit]);
        assert_eq!(done.matches('\n').count(), done.matches("\r\n").count());
        let body = notes(&done, "0.2.0").expect("notes");
        assert_eq!(
            body,
            "- x\n\n```sh\n## first make a copy\n```\n\n### Fixed\n\n- y"
        );
    }
}
