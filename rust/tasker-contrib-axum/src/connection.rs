//! The database URL that Core gets: it says which process is connected, and lets PostgreSQL notice when that one has gone.
//!
//! `tasker-recovery` takes a worker without a session for dead, by this name, and gives its steps to another. Names and options are the
//! same in all packages: `xtask/contract/connection-cases`.

use std::fmt::Write as _;

/// PostgreSQL cuts names after 63 bytes; the rest of a name takes less than 33 of them.
const LONGEST_HOST: usize = 30;
const OPTIONS: &str = "-c%20client_connection_check_interval%3D250%20-c%20tcp_keepalives_idle%3D10%20-c%20tcp_keepalives_interval%3D5%20-c%20tcp_keepalives_count%3D3";

/// A name that no other start of a worker has.
pub(crate) fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_default();
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!(
        "tkw:rust:{}:{}:{}",
        safe(&host),
        std::process::id(),
        &random[..8]
    )
}

fn safe(host: &str) -> String {
    let kept: String = host
        .trim()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c))
        .take(LONGEST_HOST)
        .collect();
    if kept.is_empty() {
        "host".to_owned()
    } else {
        kept
    }
}

/// The URL with name and options, unless it has its own.
pub(crate) fn rendered(url: &str, name: &str) -> String {
    let mut rendered = url.to_owned();
    for (key, value) in [("application_name", name), ("options", OPTIONS)] {
        if url.contains(&format!("?{key}=")) || url.contains(&format!("&{key}=")) {
            continue;
        }
        let separator = if rendered.contains('?') { '&' } else { '?' };
        let _ = write!(rendered, "{separator}{key}={value}");
    }
    rendered
}

#[cfg(test)]
mod tests {
    use super::{rendered, safe, worker_name};

    #[test]
    fn urls_are_rendered_as_in_all_packages() {
        let cases = include_str!("../../../xtask/contract/connection-cases/urls.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() > 3);
        for case in cases {
            let text = |key: &str| case[key].as_str().unwrap();
            let expected = text("rendered").replace("{name}", "tkw:rust:h:1:ab");
            assert_eq!(rendered(text("url"), "tkw:rust:h:1:ab"), expected, "{case}");
        }
    }

    #[test]
    fn a_name_is_new_each_time_short_and_safe() {
        let (one, two) = (worker_name(), worker_name());
        assert_ne!(one, two);
        assert!(one.starts_with("tkw:rust:") && one.len() <= 63, "{one}");
        assert_eq!(one.split(':').count(), 5, "{one}");
        assert_eq!(safe(" a b:c&d\n"), "abcd");
        assert_eq!(safe(&"x".repeat(80)).len(), 30);
        assert_eq!(safe("é"), "host");
    }
}
