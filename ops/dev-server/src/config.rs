//! Complete configuration files for the processes of a stack, rendered from the table of Core's keys.
//!
//! Core needs every key of a section that is present, so files are always whole, and it needs no placeholder: values are literal.

use anyhow::Context as _;
use toml::{Table, Value};

use crate::cli::Role;
use crate::contract::{ConfigValue, CONFIG_KEYS, OPTIONAL_SECTIONS};

/// Creating a task takes a second connection while it holds one, so the pool must stay larger than the number of creations in flight.
const SERVER_POOL: i64 = 60;

/// What differs from stack to stack.
#[derive(Debug, Clone)]
pub struct Stack<'a> {
    /// The database.
    pub database_url: &'a str,
    /// The server's REST API.
    pub orchestration_url: &'a str,
    /// `IP:port` of the server's gRPC API, if it has one.
    pub grpc_address: Option<&'a str>,
}

/// The file's text.
pub fn render(role: Role, stack: &Stack<'_>) -> anyhow::Result<String> {
    let mut file = Table::new();
    let settings = settings(role, stack)?;
    for key in CONFIG_KEYS
        .iter()
        .filter(|key| wanted(key.path, role, stack))
    {
        insert(&mut file, key.path, to_toml(key.default));
    }
    for (path, value) in settings {
        insert(&mut file, path, value);
    }
    Ok(toml::to_string(&file)?)
}

fn to_toml(value: ConfigValue) -> Value {
    match value {
        ConfigValue::Str(text) => text.into(),
        ConfigValue::Bool(truth) => truth.into(),
        ConfigValue::Int(number) => number.into(),
        ConfigValue::Float(number) => number.into(),
        ConfigValue::StrList(texts) => texts.to_vec().into(),
        ConfigValue::IntList(numbers) => numbers.to_vec().into(),
    }
}

/// Optional sections that a role uses; the others stay out, which switches off what they configure.
fn wanted(path: &str, role: Role, stack: &Stack<'_>) -> bool {
    let used = match role {
        Role::Worker => ["common", "worker"],
        Role::Orchestration => ["common", "orchestration"],
    };
    let sections: &[&str] = match role {
        Role::Worker => &["worker.orchestration_client"],
        Role::Orchestration if stack.grpc_address.is_some() => {
            &["orchestration.web", "orchestration.grpc"]
        }
        Role::Orchestration => &["orchestration.web"],
    };
    let top = path.split('.').next().unwrap_or_default();
    used.contains(&top)
        && OPTIONAL_SECTIONS
            .iter()
            .map(|(section, _why)| section)
            .filter(|section| {
                path.strip_prefix(**section)
                    .is_some_and(|rest| rest.starts_with('.'))
            })
            .all(|section| sections.contains(section))
}

fn settings(role: Role, stack: &Stack<'_>) -> anyhow::Result<Vec<(&'static str, Value)>> {
    let mut settings: Vec<(&'static str, Value)> = vec![
        ("common.database.url", stack.database_url.into()),
        ("common.execution.environment", "development".into()),
    ];
    match role {
        Role::Worker => settings.push((
            "worker.orchestration_client.base_url",
            stack.orchestration_url.into(),
        )),
        Role::Orchestration => {
            let url = url::Url::parse(stack.orchestration_url).context("the server's URL")?;
            let host = url.host_str().context("the server's URL names no host")?;
            let port = url
                .port_or_known_default()
                .context("the server's URL names no port")?;
            settings.extend([
                ("orchestration.web.bind_address", format!("{host}:{port}").into()),
                ("common.database.pool.max_connections", SERVER_POOL.into()),
                // Retries become due on this beat; a person who waits for one should not wait for the beat.
                ("orchestration.event_systems.task_readiness.timing.fallback_polling_interval_seconds", 1.into()),
                ("orchestration.event_systems.orchestration.timing.fallback_polling_interval_seconds", 1.into()),
            ]);
            let grpc = stack.grpc_address.map(Value::from);
            settings.extend(grpc.map(|address| ("orchestration.grpc.bind_address", address)));
        }
    }
    Ok(settings)
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let child = table
                .entry(head.to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(child) = child {
                insert(child, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{render, Role, Stack};
    use tasker_shared::config::tasker::TaskerConfig;

    const STACK: Stack<'_> = Stack {
        database_url: "postgresql://u:p@127.0.0.1:5432/d",
        orchestration_url: "http://127.0.0.1:8080",
        grpc_address: None,
    };

    #[test]
    fn core_accepts_a_rendered_worker_file() {
        let config: TaskerConfig = toml::from_str(&render(Role::Worker, &STACK).unwrap()).unwrap();
        assert_eq!(config.common.database.url, STACK.database_url);
        let worker = config.worker.expect("a worker section");
        assert!(worker.web.is_none(), "an embedded worker serves no HTTP");
        assert_eq!(
            worker
                .orchestration_client
                .expect("a client section")
                .base_url,
            STACK.orchestration_url
        );
        assert!(config.orchestration.is_none());
    }

    #[test]
    fn core_accepts_a_rendered_server_file_whose_pool_cannot_deadlock() {
        let config: TaskerConfig =
            toml::from_str(&render(Role::Orchestration, &STACK).unwrap()).unwrap();
        let web = config
            .orchestration
            .expect("a server section")
            .web
            .expect("a web section");
        assert_eq!(web.bind_address, "127.0.0.1:8080");
        assert!(config.common.database.pool.max_connections >= 60);
    }

    #[test]
    fn a_server_has_grpc_only_if_that_was_asked_for() {
        let grpc = |stack: &Stack<'_>| {
            let text = render(Role::Orchestration, stack).unwrap();
            let config: TaskerConfig = toml::from_str(&text).unwrap();
            config.orchestration.expect("a server section").grpc
        };
        assert!(grpc(&STACK).is_none());
        let asked = Stack {
            grpc_address: Some("127.0.0.1:9190"),
            ..STACK
        };
        let section = grpc(&asked).expect("a gRPC section");
        assert_eq!(section.bind_address, "127.0.0.1:9190");
    }
}
