//! The header `Retry-After`.

use std::time::{Duration, SystemTime};

use axum::http::HeaderValue;

/// No server means more than this; longer ones cannot be added to a moment.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// `Retry-After` in either of its two forms.
pub(crate) fn retry_after(header: Option<&HeaderValue>) -> Option<Duration> {
    let text = header?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let moment = httpdate::parse_http_date(text).ok()?;
    let left = moment.duration_since(SystemTime::now());
    Some(left.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{retry_after, LONGEST};

    #[test]
    fn seconds_and_dates_are_read_and_nonsense_is_not() {
        let read = |text: &str| retry_after(Some(&text.parse().unwrap()));
        assert_eq!(read(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(None), None);
        // It can be added to any moment.
        assert_eq!(read("18446744073709551615"), Some(LONGEST));
        assert_eq!(read("Fri, 31 Dec 9999 23:59:59 GMT"), Some(LONGEST));
    }
}
