//! Settings of worker and client, checked before Core sees them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use tasker_shared::config::tasker::TaskerConfig as CoreConfig;
use toml::{Table, Value};

use crate::connection;
use crate::contract::{ConfigKey, ConfigValue, CONFIG_KEYS, OPTIONAL_SECTIONS, PATTERNS, SETTINGS};
use crate::nearest::hint;
use crate::Error;

const CLIENT: &str = "worker.orchestration_client";
const DATABASE_URL: &str = "common.database.url";
const BASE_URL: &str = "worker.orchestration_client.base_url";
const TIMEOUT: &str = "worker.orchestration_client.timeout_ms";
const RETRIES: &str = "worker.orchestration_client.max_retries";
const CONCURRENCY: &str = "worker.mpsc_channels.handler_dispatch.max_concurrent_handlers";
const DELIVERY: &str = "worker.event_systems.worker.deployment_mode";

const VISIBILITY: &str = "common.queues.default_visibility_timeout_seconds";
const TOKEN: &str = "orchestration.token";
const API_KEY: &str = "orchestration.api_key";
const API_KEY_HEADER: &str = "orchestration.api_key_header";
const MAX_CALLS: &str = "orchestration.max_concurrency";

/// Settings of the client that Core has no keys for. Their variables are named like all others.
static OWN_KEYS: [ConfigKey; 4] = [
    own(TOKEN, ConfigValue::Str("")),
    own(API_KEY, ConfigValue::Str("")),
    own(API_KEY_HEADER, ConfigValue::Str("X-API-Key")),
    ConfigKey {
        min: Some(1.0),
        max: Some(1000.0),
        ..own(MAX_CALLS, ConfigValue::Int(16))
    },
];

const fn own(path: &'static str, default: ConfigValue) -> ConfigKey {
    ConfigKey {
        path,
        default,
        min: None,
        max: None,
        choices: &[],
        pattern: None,
        env: None,
        inert: false,
        doc: "",
    }
}

/// `orchestration.api_key` is `TASKER_ORCHESTRATION__API_KEY`.
fn own_variable(key: &ConfigKey) -> String {
    format!("TASKER_{}", key.path.to_uppercase().replace('.', "__"))
}

/// Variables that have a name of their own beside `TASKER_<SECTION>__<SETTING>`.
const PLAIN_VARIABLES: [(&str, &str); 3] = [
    ("DATABASE_URL", DATABASE_URL),
    ("TASKER_DATABASE_URL", DATABASE_URL),
    ("TASKER_ORCHESTRATION_URL", BASE_URL),
];
/// Variables of Tasker that are not settings of this package.
const OTHER_VARIABLES: [&str; 5] = [
    "TASKER_TEMPLATE_PATH",
    "TASKER_ENV",
    "TASKER_CONFIG_PATH",
    "TASKER_WORKER_ID",
    "TASKER_INSTANCE_ID",
];

fn is_database(key: &ConfigKey) -> bool {
    key.pattern
        .is_some_and(|pattern| pattern.starts_with("database_url"))
}

/// What a configuration says about calls of the server.
pub(crate) struct Calls {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    /// Header and key.
    pub(crate) api_key: Option<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) max_retries: u32,
    pub(crate) max_concurrency: usize,
    pub(crate) templates: Option<PathBuf>,
}

/// Settings of Tasker by name (`database.url`) or by Core's own path (`common.database.pool.max_connections`).
///
/// Core has no defaults for most of its keys and ignores the ones it does not know; this type always gives it a complete
/// configuration, and refuses unknown keys and values out of range with all problems in one error. Nothing is checked until the
/// worker or the client is built.
///
/// ```
/// use tasker_contrib_axum::TaskerConfig;
///
/// let config = TaskerConfig::new()
///     .set("database.url", "postgresql://app:secret@127.0.0.1:5432/tasker")
///     .set("worker.concurrency", 20)
///     .templates("config/tasks");
/// assert!(config.check().is_ok());
/// let wrong = TaskerConfig::new().set("database.pool_sise", 5).check().unwrap_err();
/// assert!(wrong.to_string().contains("did you mean `database.pool_size`"));
/// ```
#[derive(Clone, Default)]
pub struct TaskerConfig {
    values: BTreeMap<String, (Value, String)>,
    templates: Option<PathBuf>,
    problems: Vec<String>,
}

impl TaskerConfig {
    /// Defaults alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `DATABASE_URL`, `TASKER_ORCHESTRATION_URL`, `TASKER_TEMPLATE_PATH`, and `TASKER_<SECTION>__<SETTING>` for every setting.
    #[must_use]
    pub fn from_env() -> Self {
        Self::new().with_env()
    }

    /// The same variables, on top of what is set already: a container's `DATABASE_URL` counts more than a file in its image.
    ///
    /// ```no_run
    /// use tasker_contrib_axum::TaskerConfig;
    ///
    /// let config = TaskerConfig::from_file("config/tasker.toml").with_env();
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn with_env(self) -> Self {
        self.with_variables(std::env::vars())
    }

    fn with_variables(self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        let mut config = self;
        for (name, path) in PLAIN_VARIABLES {
            if let Some(text) = variables.get(name) {
                config.put_text(path, text, &format!("variable {name}"));
            }
        }
        for setting in SETTINGS {
            if let Some(text) = variables.get(setting.variable) {
                let source = format!("variable {}", setting.variable);
                config.put_text(setting.path, text, &source);
            }
        }
        for key in &OWN_KEYS {
            let name = own_variable(key);
            if let Some(text) = variables.get(&name) {
                config.put_text(key.path, text, &format!("variable {name}"));
            }
        }
        if let Some(folder) = variables.get("TASKER_TEMPLATE_PATH") {
            config.templates = Some(folder.into());
        }
        let unknown = variables.keys().filter(|name| {
            name.starts_with("TASKER_")
                && name.contains("__")
                && !SETTINGS.iter().any(|setting| setting.variable == *name)
                && !OWN_KEYS.iter().any(|key| own_variable(key) == **name)
                && !OTHER_VARIABLES.contains(&name.as_str())
        });
        for name in unknown {
            let near = hint(name, SETTINGS.iter().map(|setting| setting.variable));
            config
                .problems
                .push(format!("variable {name}: unknown setting{near}"));
        }
        config
    }

    /// Reads a TOML file whose keys are settings or Core's own paths, a complete worker configuration of Core among them.
    /// `${NAME}` and `${NAME:-default}` in it are replaced by environment variables.
    #[must_use]
    pub fn from_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let mut config = Self::new();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                config.problems.push(format!("{}: {error}", path.display()));
                return config;
            }
        };
        match substituted(&text).parse::<Table>() {
            Ok(table) => config.put_table("", table, &path.display().to_string()),
            Err(error) => config.problems.push(format!("{}: {error}", path.display())),
        }
        config
    }

    /// Sets one value; a later one replaces an earlier one.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.put(name, value.into(), "set by the application");
        self
    }

    /// The folder with the task templates; `config/tasks` by default.
    #[must_use]
    pub fn templates(mut self, folder: impl Into<PathBuf>) -> Self {
        self.templates = Some(folder.into());
        self
    }

    /// Finds everything that is wrong with it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with one line for each problem.
    pub fn check(&self) -> Result<(), Error> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Error::Config(self.problems.clone()))
    }

    /// The database's URL, and where it was set.
    pub(crate) fn database(&self) -> (String, String) {
        let source = self.values.get(DATABASE_URL).map_or_else(
            || "the default; nothing sets DATABASE_URL".to_owned(),
            |(_value, source)| source.clone(),
        );
        (self.text(DATABASE_URL), source)
    }

    pub(crate) fn template_folder(&self) -> PathBuf {
        self.templates
            .clone()
            .unwrap_or_else(|| PathBuf::from("config/tasks"))
    }

    /// Everything about calls of the server.
    pub(crate) fn calls(&self) -> Calls {
        let given = |path: &str| Some(self.text(path)).filter(|text| !text.is_empty());
        Calls {
            url: self.text(BASE_URL),
            token: given(TOKEN),
            api_key: given(API_KEY).map(|key| (self.text(API_KEY_HEADER), key)),
            timeout: Duration::from_millis(u64::try_from(self.number(TIMEOUT)).unwrap_or(u64::MAX)),
            max_retries: u32::try_from(self.number(RETRIES)).unwrap_or(u32::MAX),
            max_concurrency: self.number(MAX_CALLS),
            templates: self.templates.clone().filter(|folder| folder.is_dir()),
        }
    }

    /// Whether notifications of the database may be used; a connection pooler in front of it can be in their way.
    pub(crate) fn listens(&self) -> bool {
        self.text(DELIVERY) != "PollingOnly"
    }

    pub(crate) fn hidden(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.number(VISIBILITY)).unwrap_or_default())
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.number(CONCURRENCY)
    }

    pub(crate) fn number(&self, path: &str) -> usize {
        let number = self.value(path).as_integer().unwrap_or_default();
        usize::try_from(number).unwrap_or_default()
    }

    fn text(&self, path: &str) -> String {
        self.value(path).as_str().unwrap_or_default().to_owned()
    }

    fn value(&self, path: &str) -> Value {
        self.values.get(path).map_or_else(
            || key(path).map_or_else(|| "".into(), |key| default(key.default)),
            |(value, _source)| value.clone(),
        )
    }

    /// The configuration of a worker as Core wants it: complete, literal, without servers of its own.
    pub(crate) fn core(&self) -> Result<CoreConfig, Error> {
        self.check()?;
        let mut file = Table::new();
        let name = connection::worker_name();
        for key in CONFIG_KEYS.iter().filter(|key| self.wanted(key.path)) {
            let value = match self.value(key.path) {
                Value::String(url) if is_database(key) && !url.is_empty() => {
                    connection::rendered(&url, &name).into()
                }
                other => other,
            };
            insert(&mut file, key.path, value);
        }
        Value::Table(file).try_into().map_err(|error| {
            Error::Config(vec![format!("Tasker Core does not accept it: {error}")])
        })
    }

    fn wanted(&self, path: &str) -> bool {
        let below = |section: &str| {
            path.strip_prefix(section)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        let set = |section: &str| {
            let prefix = format!("{section}.");
            self.values.keys().any(|path| path.starts_with(&prefix))
        };
        !path.starts_with("orchestration.")
            && OPTIONAL_SECTIONS
                .iter()
                .filter(|(section, _why)| below(section))
                .all(|(section, _why)| *section == CLIENT || set(section))
    }

    fn put_table(&mut self, prefix: &str, table: Table, source: &str) {
        for (name, value) in table {
            let path = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            match value {
                Value::Table(inner) => self.put_table(&path, inner, source),
                value => self.put(&path, value, source),
            }
        }
    }

    /// A variable's text, as the type of its key.
    fn put_text(&mut self, path: &str, text: &str, source: &str) {
        let value = match key(path).map(|key| key.default) {
            Some(ConfigValue::Int(_)) => text.parse::<i64>().map(Value::from).ok(),
            Some(ConfigValue::Float(_)) => text.parse::<f64>().map(Value::from).ok(),
            Some(ConfigValue::Bool(_)) => text.parse::<bool>().map(Value::from).ok(),
            _ => None,
        };
        self.put(path, value.unwrap_or_else(|| text.into()), source);
    }

    fn put(&mut self, name: &str, value: Value, source: &str) {
        let path = SETTINGS
            .iter()
            .find(|setting| setting.name == name)
            .map_or(name, |setting| setting.path);
        let Some(key) = key(path) else {
            let names = SETTINGS.iter().map(|setting| setting.name);
            let keys = CONFIG_KEYS.iter().chain(&OWN_KEYS).map(|key| key.path);
            let near = hint(name, names.chain(keys));
            self.problems
                .push(format!("{name} ({source}): unknown setting{near}"));
            return;
        };
        match fault(key, &value) {
            Some(fault) => self.problems.push(format!("{name} ({source}): {fault}")),
            None => {
                self.values
                    .insert(path.to_owned(), (value, source.to_owned()));
            }
        }
    }
}

/// The file at this path, and the environment on top of it.
impl From<PathBuf> for TaskerConfig {
    fn from(path: PathBuf) -> Self {
        Self::from_file(path).with_env()
    }
}

/// The file at this path, and the environment on top of it.
impl From<&str> for TaskerConfig {
    fn from(path: &str) -> Self {
        Self::from_file(path).with_env()
    }
}

/// Names and sources only: values may be secrets.
impl std::fmt::Debug for TaskerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sources = self
            .values
            .iter()
            .map(|(path, (_value, source))| (path, source));
        f.debug_map().entries(sources).finish()
    }
}

fn key(path: &str) -> Option<&'static ConfigKey> {
    let mut keys = CONFIG_KEYS.iter().chain(&OWN_KEYS);
    keys.find(|key| key.path == path)
}

fn default(value: ConfigValue) -> Value {
    match value {
        ConfigValue::Str(text) => text.into(),
        ConfigValue::Bool(truth) => truth.into(),
        ConfigValue::Int(number) => number.into(),
        ConfigValue::Float(number) => number.into(),
        ConfigValue::StrList(texts) => texts.to_vec().into(),
        ConfigValue::IntList(numbers) => numbers.to_vec().into(),
    }
}

/// What is wrong with a value; never says the value of something that may hold a password.
fn fault(key: &ConfigKey, value: &Value) -> Option<String> {
    let kind = match (key.default, value) {
        (ConfigValue::Str(_), Value::String(_))
        | (ConfigValue::Bool(_), Value::Boolean(_))
        | (ConfigValue::Int(_), Value::Integer(_))
        | (ConfigValue::Float(_), Value::Float(_) | Value::Integer(_))
        | (ConfigValue::StrList(_) | ConfigValue::IntList(_), Value::Array(_)) => None,
        (ConfigValue::Str(_), _) => Some("a string"),
        (ConfigValue::Bool(_), _) => Some("true or false"),
        (ConfigValue::Int(_), _) => Some("a whole number"),
        (ConfigValue::Float(_), _) => Some("a number"),
        (ConfigValue::StrList(_) | ConfigValue::IntList(_), _) => Some("a list"),
    };
    if let Some(kind) = kind {
        return Some(format!("must be {kind}, not {}", value.type_str()));
    }
    #[allow(clippy::cast_precision_loss)] // ranges are small
    let number = value
        .as_float()
        .or_else(|| value.as_integer().map(|number| number as f64));
    if let Some(number) = number {
        let (least, greatest) = (
            key.min.unwrap_or(f64::NEG_INFINITY),
            key.max.unwrap_or(f64::INFINITY),
        );
        if !(least..=greatest).contains(&number) {
            return Some(format!("{number} is not between {least} and {greatest}"));
        }
    }
    let text = value.as_str()?;
    if !key.choices.is_empty() && !key.choices.contains(&text) {
        return Some(format!("`{text}` is not one of {}", key.choices.join(", ")));
    }
    let pattern = PATTERNS
        .iter()
        .find(|pattern| Some(pattern.name) == key.pattern)?;
    let fits = Regex::new(pattern.regex).is_ok_and(|regex| regex.is_match(text));
    (!fits).then(|| format!("does not look like {}", pattern.doc))
}

fn substituted(text: &str) -> String {
    let placeholder = Regex::new(r"\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}").expect("a constant");
    placeholder
        .replace_all(text, |found: &regex::Captures<'_>| {
            let value = std::env::var(&found[1]).ok();
            let fallback = || found.get(2).map_or("", |text| text.as_str()).to_owned();
            value.map_or_else(fallback, |value| {
                value.replace('\\', "\\\\").replace('"', "\\\"")
            })
        })
        .into_owned()
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table
                .entry(first)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TaskerConfig;

    const POOL: &str = "common.database.pool.max_connections";

    fn variables(given: &[(&str, &str)]) -> TaskerConfig {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        TaskerConfig::new().with_variables(given.iter().map(own))
    }

    #[test]
    fn a_configuration_is_complete_for_core() {
        let config = variables(&[
            ("DATABASE_URL", "postgresql://a:b@127.0.0.1:5432/tasker"),
            ("TASKER_WORKER__CONCURRENCY", "7"),
        ]);
        let core = config.core().unwrap();
        assert_eq!(config.concurrency(), 7);
        let worker = core.worker.unwrap();
        assert_eq!(
            worker
                .mpsc_channels
                .handler_dispatch
                .max_concurrent_handlers,
            7
        );
        assert!(worker.web.is_none() && worker.grpc.is_none());
        // The database sees which worker is connected; the application's own URL stays as it is.
        let url = &core.common.database.url;
        assert!(url.contains("?application_name=tkw:rust:"), "{url}");
        assert_eq!(
            config.database().0,
            "postgresql://a:b@127.0.0.1:5432/tasker"
        );
    }

    #[test]
    fn all_problems_come_at_once_and_say_no_secret() {
        let error = variables(&[
            ("DATABASE_URL", "postgres://app:hunter2@db/tasker"),
            ("TASKER_WORKER__CONCURENCY", "7"),
        ])
        .set("database.pool_size", 0)
        .set("worker.delivery", "Sometimes")
        .check()
        .unwrap_err()
        .to_string();
        for part in [
            "variable DATABASE_URL): does not look like postgresql://",
            "did you mean `TASKER_WORKER__CONCURRENCY`?",
            "0 is not between 1 and 1000",
            "`Sometimes` is not one of",
        ] {
            assert!(error.contains(part), "{part:?} is not in\n{error}");
        }
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn a_file_may_use_settings_and_paths_of_core() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "[worker]\nconcurrency = 3\n[common.database.pool]\nmax_connections = 9\n",
        )
        .unwrap();
        let config = TaskerConfig::from_file(file.path());
        assert_eq!(config.concurrency(), 3);
        assert_eq!(
            config.core().unwrap().common.database.pool.max_connections,
            9
        );
        let variable = ("TASKER_WORKER__CONCURRENCY".to_owned(), "7".to_owned());
        let config = config.with_variables([variable]);
        assert_eq!((config.concurrency(), config.number(POOL)), (7, 9));
        assert!(TaskerConfig::from_file("/no/such/file.toml")
            .check()
            .is_err());
    }
}
