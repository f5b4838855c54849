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
                line.starts_with("BREAKING CHANGE: ") || line.starts_with("BREAKING-CHANGE: ")
            });
        let head = head.trim_end_matches('!');
        let kind = head.split('(').next()?;
        let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_lowercase());
        let scope_closes = !head.contains('(') || head.ends_with(')');
        (is_word && scope_closes).then(|| Self {
            kind: kind.to_owned(),
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
    let heading = |line: &str| {
        line.strip_prefix("## ")
            .map(|rest| rest.trim().trim_matches(['[', ']']).to_lowercase())
    };
    let lines: Vec<&str> = text.lines().collect();
    let own = |line: &str| {
        heading(line)
            .is_some_and(|name| name == UNRELEASED || name == format!("{version} (unreleased)"))
    };
    let found = lines.iter().position(|line| own(line));
    let (before, body, after) = match found {
        Some(at) => {
            let end = lines[at + 1..]
                .iter()
                .position(|line| heading(line).is_some())
                .map_or(lines.len(), |n| at + 1 + n);
            (&lines[..at], &lines[at + 1..end], &lines[end..])
        }
        None => {
            let at = lines
                .iter()
                .position(|line| heading(line).is_some())
                .unwrap_or(lines.len());
            (&lines[..at], &lines[at..at], &lines[at..])
        }
    };
    let mut out: Vec<String> = before.iter().map(|line| (*line).to_owned()).collect();
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    let brackets = found.is_some_and(|at| lines[at].contains('['));
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
    out.join("\n") + "\n"
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
    let mut lines = text.lines().skip_while(|line| {
        let name = line
            .strip_prefix("## ")
            .map(|rest| rest.trim_start_matches('['));
        !name.is_some_and(|name| {
            name.strip_prefix(version)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([']', ' ']))
        })
    });
    lines.next()?;
    let body: Vec<&str> = lines.take_while(|line| !line.starts_with("## ")).collect();
    Some(body.join("\n").trim().to_owned())
}
