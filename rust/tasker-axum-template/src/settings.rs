//! Settings of the application, typed, from the environment.
//!
//! Everything about Tasker itself (`DATABASE_URL`, `TASKER_…`) belongs to tasker-contrib-axum.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderValue;
use tracing::Level;
use url::Url;

pub const EXAMPLE_SECRET: &str = "example-secret-for-development-only";
const EXAMPLE_PASSWORDS: [&str; 4] = ["app", "postgres", "tasker", "password"];
const SHORTEST_SECRET: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Test,
    Production,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    pub const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }
}

/// So many within a time, as in `10/minute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    pub text: String,
    pub count: NonZeroU32,
    pub unit: Unit,
}

/// One field for each variable, whose name is the field's in capitals. It has secrets, so it cannot be printed.
#[derive(Clone)]
pub struct Settings {
    pub app_env: Environment,
    /// The application's own database. Tasker's is DATABASE_URL, and only the worker needs that one.
    pub app_database_url: String,
    /// Connections of one process. A worker needs as many as it runs steps at the same time.
    pub db_pool_size: u32,
    pub jwt_secret: String,
    pub token_minutes: u64,
    pub max_upload_bytes: usize,
    /// Origins of browsers that may call the API, as a JSON list. None may unless it is here.
    pub cors_origins: Vec<HeaderValue>,
    /// For each client address. Each process counts for itself.
    pub login_rate: Rate,
    /// For each user.
    pub upload_rate: Rate,
    /// Addresses of proxies whose X-Forwarded-For is believed, with commas between them.
    pub forwarded_allow_ips: Vec<IpAddr>,
    pub log_level: Level,
    /// The address to listen on.
    pub host: IpAddr,
    pub port: u16,
}

/// What is wrong with the settings, a line for each mistake. Values are not shown: they may be secrets.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\nerror: "))]
pub struct SettingsError(Vec<String>);

impl Settings {
    /// Reads the settings of this process.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn from_env() -> Result<Self, SettingsError> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::read(std::env::vars_os().filter_map(text).collect())
    }

    /// Reads the settings. An empty variable is one that is not set.
    ///
    /// # Errors
    ///
    /// One is wrong, or an example value in production.
    pub fn read(given: BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(given);
        let settings = variables.settings();
        if variables.problems.is_empty() {
            let taskers = variables.text("DATABASE_URL", "");
            variables.problems = settings.refusals(&taskers);
        }
        match variables.problems.is_empty() {
            true => Ok(settings),
            false => Err(SettingsError(variables.problems)),
        }
    }

    fn refusals(&self, tasker_url: &str) -> Vec<String> {
        if self.app_env != Environment::Production {
            return Vec::new();
        }
        let is_example = |text: &str| EXAMPLE_PASSWORDS.contains(&text);
        let own = password_in(&self.app_database_url).unwrap_or_default();
        let found = [
            (
                self.jwt_secret == EXAMPLE_SECRET,
                "JWT_SECRET has its example value",
            ),
            (
                self.jwt_secret.len() < SHORTEST_SECRET,
                "JWT_SECRET has fewer than 32 bytes",
            ),
            (
                own.is_empty() || is_example(&own),
                "the password in APP_DATABASE_URL is an example value",
            ),
            (
                password_in(tasker_url).is_some_and(|password| is_example(&password)),
                "the password in DATABASE_URL is an example value",
            ),
        ];
        let fix = "which APP_ENV=production refuses; `openssl rand -base64 36` makes a good one";
        found
            .iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, what)| format!("{what}, {fix}"))
            .collect()
    }
}

/// Variables that are set, and what is wrong with them so far.
struct Variables {
    given: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Variables {
    fn new(mut given: BTreeMap<String, String>) -> Self {
        given.retain(|_, value| !value.is_empty());
        Self {
            given,
            problems: Vec::new(),
        }
    }

    fn settings(&mut self) -> Settings {
        Settings {
            app_env: self.parsed("APP_ENV", "development", environment),
            app_database_url: self.parsed(
                "APP_DATABASE_URL",
                "postgresql://app:app@127.0.0.1:5432/app",
                database_url,
            ),
            db_pool_size: self.number("DB_POOL_SIZE", "10", 1..=100),
            jwt_secret: self.text("JWT_SECRET", EXAMPLE_SECRET),
            token_minutes: self.number("TOKEN_MINUTES", "30", 1..=1440),
            max_upload_bytes: self.number("MAX_UPLOAD_BYTES", "5000000", 1..=1_000_000_000),
            cors_origins: self.parsed("CORS_ORIGINS", "[]", origins),
            login_rate: self.parsed("LOGIN_RATE", "10/minute", rate),
            upload_rate: self.parsed("UPLOAD_RATE", "60/minute", rate),
            forwarded_allow_ips: self.parsed("FORWARDED_ALLOW_IPS", "127.0.0.1", addresses),
            log_level: self.parsed("LOG_LEVEL", "info", level),
            host: self.parsed("HOST", &Ipv4Addr::LOCALHOST.to_string(), |text| {
                text.parse().map_err(|_| "is not an IP address".to_owned())
            }),
            port: self.number("PORT", "8000", 0..=u16::MAX),
        }
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.given
            .get(name)
            .map_or(default, String::as_str)
            .to_owned()
    }

    /// The variable's value, or that of its default beside a new problem.
    fn parsed<T>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        parse(&self.text(name, default)).unwrap_or_else(|problem| {
            self.problems.push(format!("{name}: {problem}"));
            parse(default).expect("a default is right")
        })
    }

    fn number<T>(&mut self, name: &str, default: &str, range: std::ops::RangeInclusive<T>) -> T
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        self.parsed(name, default, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                format!("is not a whole number from {least} to {most}")
            })
        })
    }
}

fn environment(text: &str) -> Result<Environment, String> {
    match text {
        "development" => Ok(Environment::Development),
        "test" => Ok(Environment::Test),
        "production" => Ok(Environment::Production),
        _ => Err("is not one of development, test, production".to_owned()),
    }
}

fn level(text: &str) -> Result<Level, String> {
    match text {
        "debug" => Ok(Level::DEBUG),
        "info" => Ok(Level::INFO),
        "warn" => Ok(Level::WARN),
        "error" => Ok(Level::ERROR),
        _ => Err("is not one of debug, info, warn, error".to_owned()),
    }
}

fn database_url(text: &str) -> Result<String, String> {
    let why = "is not a URL such as postgresql://user:password@host:5432/name";
    password_in(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| why.to_owned())
}

fn origins(text: &str) -> Result<Vec<HeaderValue>, String> {
    let list: Option<Vec<String>> = serde_json::from_str(text).ok();
    let values = list.and_then(|list| list.iter().map(|origin| origin.parse().ok()).collect());
    values.ok_or_else(|| "is not a JSON list such as [\"https://example.org\"]".to_owned())
}

fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let all: Result<_, _> = text.split(',').map(|one| one.trim().parse()).collect();
    all.map_err(|_| "is not a list of IP addresses with commas between them".to_owned())
}

fn rate(text: &str) -> Result<Rate, String> {
    let parsed = text.split_once('/').and_then(|(count, unit)| {
        let unit = match unit {
            "second" => Unit::Second,
            "minute" => Unit::Minute,
            "hour" => Unit::Hour,
            _ => return None,
        };
        let count = count.parse().ok()?;
        let text = text.to_owned();
        Some(Rate { text, count, unit })
    });
    parsed.ok_or_else(|| "is not a rate such as 10/minute: second, minute or hour".to_owned())
}

/// Empty if there is none; nothing if it is not a PostgreSQL URL.
fn password_in(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    if !["postgres", "postgresql"].contains(&url.scheme()) || url.host().is_none() {
        return None;
    }
    let encoded = url.password().unwrap_or_default();
    let pair = format!("p={}", encoded.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map(|(_, password)| password.into_owned())
}
