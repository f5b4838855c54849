//! Which of the running stacks a command means.
//!
//! What is named counts most, then what the environment points at, then the stack of this checkout, then one that a person started rather
//! than a program for itself. Each rule only narrows what the one before left, and is skipped where it would leave nothing.

use std::path::{Path, PathBuf};

use url::Url;

use crate::error::StackError;
use crate::invocation::typed;
use crate::rundir::Instance;

/// What was typed.
#[derive(Debug, Default)]
pub struct Wanted {
    /// `--data-dir`, as an absolute path.
    pub data_dir: Option<PathBuf>,
    /// `--port`: of the REST API.
    pub port: Option<u16>,
}

/// Where the command was typed.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The working folder.
    pub folder: PathBuf,
    /// `TASKER_ORCHESTRATION_URL`.
    pub orchestration_url: Option<String>,
    /// `DATABASE_URL`.
    pub database_url: Option<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn here() -> std::io::Result<Self> {
        Ok(Self {
            folder: std::env::current_dir()?,
            orchestration_url: std::env::var("TASKER_ORCHESTRATION_URL").ok(),
            database_url: std::env::var("DATABASE_URL").ok(),
        })
    }
}

/// The stack that `command` (such as `psql`) is meant for.
///
/// # Errors
/// [`StackError::NoInstance`] or [`StackError::ManyInstances`].
pub fn choose(
    mut running: Vec<Instance>,
    wanted: &Wanted,
    around: &Surroundings,
    command: &str,
) -> Result<Instance, StackError> {
    if wanted.data_dir.is_some() || wanted.port.is_some() {
        let named = |stack: &Instance| {
            wanted.port.is_none_or(|port| stack.port() == Some(port))
                && (wanted.data_dir.is_none() || stack.data_dir == wanted.data_dir)
        };
        if !running.iter().any(named) {
            return Err(none(wanted, &running, command));
        }
        running.retain(named);
    }
    let same = |given: &Option<String>, url: &str| {
        given
            .as_deref()
            .is_some_and(|given| place(given) == place(url))
    };
    let here = checkout(&around.folder);
    narrow(&mut running, |stack| {
        same(&around.orchestration_url, &stack.orchestration_url)
    });
    narrow(&mut running, |stack| {
        same(&around.database_url, &stack.database_url)
    });
    narrow(&mut running, |stack| checkout(&stack.started_in) == here);
    narrow(&mut running, |stack| !stack.held);
    match running.len() {
        0 => Err(none(wanted, &running, command)),
        1 => Ok(running.remove(0)),
        count => Err(StackError::ManyInstances {
            count,
            list: lines(&running, command),
        }),
    }
}

/// Keeps what fits, if anything does.
fn narrow(running: &mut Vec<Instance>, fits: impl Fn(&Instance) -> bool) {
    if running.iter().any(&fits) {
        running.retain(fits);
    }
}

fn none(wanted: &Wanted, running: &[Instance], command: &str) -> StackError {
    let data_dir = wanted.data_dir.as_ref();
    let named = [
        data_dir.map(|path| format!(" on {}", path.display())),
        wanted.port.map(|port| format!(" at port {port}")),
    ];
    let hint: String = named.into_iter().flatten().collect();
    let others = if running.is_empty() {
        String::new()
    } else {
        format!(", or use one that is running:\n{}", lines(running, command))
    };
    StackError::NoInstance { hint, others }
}

/// One line for each stack that can be typed as it is.
fn lines(stacks: &[Instance], command: &str) -> String {
    let line = |stack: &Instance| {
        let data = match &stack.data_dir {
            Some(path) => format!("data kept in {}", path.display()),
            None => "data not kept".to_owned(),
        };
        format!(
            "  {}   # process {}, started in {}, {data}",
            typed(&format!("{command} --port {}", stack.port().unwrap_or(0))),
            stack.pid,
            stack.started_in.display()
        )
    };
    stacks.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Host, port and path of a URL; the names of this machine count as one.
fn place(url: &str) -> Option<(String, Option<u16>, String)> {
    let url = Url::parse(url).ok()?;
    let host = match url.host_str()? {
        "localhost" | "[::1]" => "127.0.0.1",
        host => host,
    };
    let path = url.path().trim_end_matches('/');
    Some((
        host.to_owned(),
        url.port_or_known_default(),
        path.to_owned(),
    ))
}

/// The checkout that a folder is in, or the folder itself.
fn checkout(folder: &Path) -> &Path {
    folder
        .ancestors()
        .find(|folder| folder.join(".git").exists())
        .unwrap_or(folder)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{choose, Surroundings, Wanted};
    use crate::rundir::Instance;

    fn stack(pid: u32, folder: &str) -> Instance {
        Instance {
            pid,
            orchestration_url: format!("http://127.0.0.1:{pid}"),
            database_url: format!("postgresql://tasker:tasker@127.0.0.1:{}/tasker", pid + 1),
            data_dir: None,
            started_in: folder.into(),
            held: false,
        }
    }

    fn around(folder: &str) -> Surroundings {
        Surroundings {
            folder: folder.into(),
            ..Surroundings::default()
        }
    }

    /// The process that was chosen, or the message.
    fn chosen(stacks: &[Instance], wanted: &Wanted, around: &Surroundings) -> Result<u32, String> {
        choose(stacks.to_vec(), wanted, around, "psql")
            .map(|stack| stack.pid)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_port_or_a_data_directory_names_one() {
        let mut stacks = [stack(4000, "/a"), stack(5000, "/a")];
        stacks[1].data_dir = Some("/data".into());
        let port = Wanted {
            port: Some(4000),
            ..Wanted::default()
        };
        assert_eq!(chosen(&stacks, &port, &around("/a")), Ok(4000));
        let data = Wanted {
            data_dir: Some(PathBuf::from("/data")),
            ..Wanted::default()
        };
        assert_eq!(chosen(&stacks, &data, &around("/a")), Ok(5000));
        let gone = Wanted {
            port: Some(6000),
            ..Wanted::default()
        };
        let message = chosen(&stacks, &gone, &around("/a")).unwrap_err();
        assert!(message.contains("at port 6000"), "{message}");
        assert!(message.contains("tasker-dev psql --port 4000"), "{message}");
    }

    #[test]
    fn the_environment_chooses_when_it_points_at_a_stack() {
        let stacks = [stack(4000, "/a"), stack(5000, "/a")];
        let mut near = around("/a");
        near.orchestration_url = Some("http://localhost:5000/".to_owned());
        assert_eq!(chosen(&stacks, &Wanted::default(), &near), Ok(5000));
        near.orchestration_url = Some("http://elsewhere:9999".to_owned());
        near.database_url = Some("postgresql://me:x@127.0.0.1:4001/tasker?sslmode=disable".into());
        assert_eq!(chosen(&stacks, &Wanted::default(), &near), Ok(4000));
    }

    #[test]
    fn stacks_of_other_checkouts_and_of_other_programs_are_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        for name in ["here", "there"] {
            std::fs::create_dir_all(folder.path().join(name).join(".git")).unwrap();
        }
        let deep = |path: &Path| path.join("app").to_str().unwrap().to_owned();
        let mut stacks = vec![
            stack(4000, here.to_str().unwrap()),
            stack(5000, folder.path().join("there").to_str().unwrap()),
        ];
        let near = around(&deep(&here));
        assert_eq!(chosen(&stacks, &Wanted::default(), &near), Ok(4000));
        // A test of the same checkout.
        stacks.push(stack(6000, &deep(&here)));
        stacks[2].held = true;
        assert_eq!(chosen(&stacks, &Wanted::default(), &near), Ok(4000));
        // The only one is the right one, wherever it was started.
        assert_eq!(chosen(&stacks[1..2], &Wanted::default(), &near), Ok(5000));
    }

    #[test]
    fn of_several_each_is_listed_with_what_to_type() {
        let stacks = [stack(4000, "/a"), stack(5000, "/a")];
        let message = chosen(&stacks, &Wanted::default(), &around("/a")).unwrap_err();
        assert_eq!(
            message,
            "2 stacks are running, and any of them could be meant:\n  \
             tasker-dev psql --port 4000   # process 4000, started in /a, data not kept\n  \
             tasker-dev psql --port 5000   # process 5000, started in /a, data not kept\n\
             fix: type one of these lines, or set TASKER_ORCHESTRATION_URL to the address of the stack that you mean."
        );
        let message = chosen(&[], &Wanted::default(), &around("/a")).unwrap_err();
        assert_eq!(
            message,
            "no stack is running.\nfix: start one with `tasker-dev up`."
        );
    }
}
