//! The time, and days and times as text.

use time::OffsetDateTime;

/// Seconds since 1970.
pub fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Now, or the time of `SOURCE_DATE_EPOCH`.
pub fn now_or_fixed() -> i64 {
    let fixed = std::env::var("SOURCE_DATE_EPOCH").ok();
    fixed.and_then(|text| text.parse().ok()).unwrap_or_else(now)
}

/// `2026-01-31` and `12:05:59`, in UTC. A time that no calendar has is the beginning of 1970.
pub fn day_and_time(seconds: i64) -> (String, String) {
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    (
        format!("{year:04}-{:02}-{day:02}", u8::from(month)),
        format!("{hour:02}:{minute:02}:{second:02}"),
    )
}

/// `2026-01-31 12:05 UTC`.
pub fn date(seconds: i64) -> String {
    let (day, time) = day_and_time(seconds);
    format!("{day} {} UTC", &time[..5])
}
