use app::settings::{Environment, Settings, EXAMPLE_SECRET};

use crate::support::variables;

const SECRET: &str = "k3Z0k3Z0k3Z0k3Z0k3Z0k3Z0k3Z0k3Z0k3Z0k3Z0";
const GOOD: [(&str, &str); 3] = [
    ("APP_ENV", "production"),
    ("JWT_SECRET", SECRET),
    (
        "APP_DATABASE_URL",
        "postgresql://app:Vq7-long-one@db:5432/app",
    ),
];

fn read(more: &[(&str, &str)]) -> Result<Settings, String> {
    let mut given = variables(&GOOD);
    given.extend(variables(more));
    Settings::read(given).map_err(|error| error.to_string())
}

fn refusal(more: &[(&str, &str)]) -> String {
    read(more)
        .err()
        .unwrap_or_else(|| "it was taken".to_owned())
}

#[test]
fn production_starts_with_secrets_of_its_own() {
    let settings = read(&[]).ok().unwrap();
    assert_eq!(settings.app_env, Environment::Production);
    assert_eq!(settings.db_pool_size, 10);
    assert_eq!(settings.upload_rate.text, "60/minute");
    assert!(settings.host.is_loopback());
    // A sign that URLs encode does not make a password an example.
    let encoded = "postgresql://app:a%70p%2B+@db/app";
    assert!(read(&[("APP_DATABASE_URL", encoded)]).is_ok());
}

#[test]
fn production_refuses_example_values() {
    for (name, value) in [
        ("JWT_SECRET", EXAMPLE_SECRET),
        ("JWT_SECRET", "short"),
        ("APP_DATABASE_URL", "postgresql://app:app@db/app"),
        ("APP_DATABASE_URL", "postgresql://app:%61pp@db/app"),
        ("APP_DATABASE_URL", "postgresql://app@db/app"),
        ("DATABASE_URL", "postgresql://tasker:tasker@db/tasker"),
    ] {
        let message = refusal(&[(name, value)]);
        assert!(message.contains(name), "{name}: {message}");
        assert!(message.contains("APP_ENV=production refuses"), "{message}");
        assert!(
            !message.contains('\n') && !message.contains(value),
            "{message}"
        );
        let development = refusal(&[(name, value), ("APP_ENV", "development")]);
        assert_eq!(development, "it was taken");
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_name() {
    for (name, value) in [
        ("TOKEN_MINUTES", "soon"),
        ("DB_POOL_SIZE", "0"),
        ("APP_ENV", "live"),
        ("APP_DATABASE_URL", "here"),
        ("APP_DATABASE_URL", "mysql://app:Vq7-long-one@db/app"),
        ("CORS_ORIGINS", "https://example.org"),
        ("LOGIN_RATE", "often"),
        ("LOGIN_RATE", "0/minute"),
        ("UPLOAD_RATE", "1/day"),
        ("FORWARDED_ALLOW_IPS", "proxy"),
        ("LOG_LEVEL", "loud"),
        ("HOST", "here"),
        ("PORT", "65536"),
    ] {
        let message = refusal(&[(name, value)]);
        assert!(
            message.starts_with(&format!("{name}: is not ")),
            "{message}"
        );
        assert!(!message.contains(&format!(" {value}")), "{message}");
    }
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let origins = |value| read(&[("CORS_ORIGINS", value)]).ok().unwrap().cors_origins;
    assert!(origins("").is_empty());
    assert_eq!(
        origins("[\"https://example.org\"]"),
        ["https://example.org"]
    );
}

#[test]
fn every_mistake_has_a_line() {
    let message = refusal(&[("DB_POOL_SIZE", "0"), ("APP_ENV", "prod")]);
    assert_eq!(message.split("\nerror: ").count(), 2, "{message}");
}
