//! What a failed upload or question means, and how long to wait before the next try.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::publish::Context;

/// How often an upload is tried, the first time included.
pub const TRIES: u32 = 5;
/// The wait before the second try, if nothing else is said; it doubles each time. For tests: `XTASK_RELEASE_BACKOFF_MS`.
const FIRST: Duration = Duration::from_secs(2);
/// Nobody waits longer than this for a rate limit; a rerun goes on.
pub const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How often a registry is asked that gives no answer. Less often than an upload is tried: nothing is lost by asking later.
const QUESTIONS: u32 = 3;
/// The longest wait for a rate limit before a question; whoever looks wants to see something.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer, or it is clear that there will be none.
pub fn asking<T>(context: &Context, ask: impl Fn() -> Result<T>) -> Result<T> {
    let (mut asked, mut waited) = (0, Duration::ZERO);
    loop {
        asked += 1;
        let error = match ask() {
            Err(error @ Error::Registry { .. }) => error,
            answer => return answer,
        };
        let wait = match cause(&error.to_string(), now()) {
            Cause::Refused => return Err(error),
            Cause::RateLimited(named) => named.unwrap_or(Duration::from_secs(2)),
            Cause::Passing if asked >= QUESTIONS => return Err(error),
            Cause::Passing => back_off(asked + 1),
        };
        waited += wait;
        if waited > PATIENCE {
            return Err(error);
        }
        context.sleep(wait)?;
    }
}

/// The time since 1970.
pub fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Why an upload failed, as far as its client's words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many requests; the wait that the server asked for, if the client printed it.
    RateLimited(Option<Duration>),
    /// Trying again does not help: credentials, rights, a file that the registry refuses.
    Refused,
    /// Anything else may pass.
    Passing,
}

/// Reads a client's words; `now` is the time since 1970.
pub fn cause(words: &str, now: Duration) -> Cause {
    let lower = words.to_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| lower.contains(needle));
    let codes = status_codes(&lower);
    if codes.contains(&429) || has(&["too many requests", "rate limit"]) {
        return Cause::RateLimited(named_wait(words, now));
    }
    // A server that is broken says so, whatever else stands in its page.
    let is_broken =
        codes.iter().any(|code| *code >= 500) || has(&["timed out", "econn", "connection"]);
    let is_refused = codes.iter().any(|code| [400, 401, 403, 422].contains(code))
        || has(&[
            "eneedauth",
            "unauthorized",
            "access denied",
            "invalid credentials",
            "not authorized",
        ]);
    if is_refused && !is_broken {
        return Cause::Refused;
    }
    Cause::Passing
}

/// Numbers that stand where a status of HTTP would: words such as `401` or `E401` in a line about an answer.
///
/// Ports, sizes and sums hold the same digits.
fn status_codes(words: &str) -> Vec<u16> {
    let about = [
        "status", "code", "error", "http", "got", "server", "response",
    ];
    words
        .lines()
        .filter(|line| {
            !line.starts_with("npm notice") && about.iter().any(|word| line.contains(word))
        })
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()))
        .map(|word| word.strip_prefix('e').unwrap_or(word))
        .filter(|word| word.len() == 3)
        .filter_map(|word| word.parse().ok())
        .filter(|code| (400..600).contains(code))
        .collect()
}

/// The wait that a text names: `Retry-After: 5`, `Retry-After: <date>`, or `try again after <date>`.
pub fn named_wait(words: &str, now: Duration) -> Option<Duration> {
    let lower = words.to_lowercase();
    ["retry-after:", "try again after "]
        .iter()
        .find_map(|mark| {
            let at = lower.find(mark)? + mark.len();
            let rest = words.get(at..)?.lines().next()?.trim();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if !digits.is_empty() {
                return digits.parse().ok().map(Duration::from_secs);
            }
            let date = &rest[..rest.find(" GMT")? + " GMT".len()];
            let at = httpdate::parse_http_date(date).ok()?;
            let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(at.saturating_sub(now))
        })
}

/// The wait after a rate limit that names no time: a minute, unless tests ask for less.
pub fn unnamed() -> Duration {
    back_off(2) * 30
}

/// The wait before try number `next` (2, 3, …) after a failure that may pass.
pub fn back_off(next: u32) -> Duration {
    let first = std::env::var("XTASK_RELEASE_BACKOFF_MS")
        .ok()
        .and_then(|text| text.parse().ok())
        .map_or(FIRST, Duration::from_millis);
    first * 2u32.saturating_pow(next.saturating_sub(2))
}

#[cfg(test)]
mod tests {
    use super::{cause, named_wait, Cause};
    use std::time::Duration;

    #[test]
    fn the_words_of_clients_are_understood() {
        let now = Duration::from_secs(784_111_770);
        let wait = |text| named_wait(text, now);
        assert_eq!(
            wait("headers:\n  Retry-After: 7\n  x: y"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            wait("Please try again after Sun, 06 Nov 1994 08:49:37 GMT and see"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            wait("retry-after: Sun, 06 Nov 1994 08:49:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(wait("retry-after: soon"), None);
        assert_eq!(
            cause("npm notice total files: 401\nnpm error code ECONNRESET\nnpm error request to http://localhost:40195/", now),
            Cause::Passing
        );
        assert_eq!(cause("npm error code E429", now), Cause::RateLimited(None));
        assert_eq!(cause("error: 401 Unauthorized", now), Cause::Refused);
        assert_eq!(cause("npm error code ENEEDAUTH", now), Cause::Refused);
        assert_eq!(
            cause("status code 500 Internal Server Error", now),
            Cause::Passing
        );
        assert_eq!(cause("Connection reset by peer", now), Cause::Passing);
    }
}
