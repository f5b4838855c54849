//! Rate limits: so many requests within the time that begins with a client's first one. Each process counts for itself.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use super::{App, Problem};
use crate::settings::{Rate, Settings};

/// So many clients are remembered before those are forgotten whose time is over.
const MOST_CLIENTS: usize = 10_000;

/// When a client's time began, and how many requests it has had since.
struct Window {
    began: Instant,
    count: u32,
}

struct Limit {
    rate: Rate,
    clients: Mutex<HashMap<String, Window>>,
}

impl Limit {
    fn new(rate: &Rate) -> Self {
        Self {
            rate: rate.clone(),
            clients: Mutex::default(),
        }
    }

    fn hit(&self, who: &str) -> Result<(), Problem> {
        let wait = self.count(who, Instant::now());
        wait.map_or(Ok(()), |wait| {
            Err(Problem::too_many(&self.rate.text, wait.as_secs() + 1))
        })
    }

    /// How long the client has to wait, if it has to.
    fn count(&self, who: &str, now: Instant) -> Option<Duration> {
        let length = self.rate.unit.length();
        let age = |window: &Window| now.saturating_duration_since(window.began);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MOST_CLIENTS {
            clients.retain(|_, window| age(window) < length);
        }
        let new = || Window {
            began: now,
            count: 0,
        };
        let window = clients.entry(who.to_owned()).or_insert_with(new);
        if age(window) >= length {
            *window = new();
        }
        if window.count >= self.rate.count.get() {
            return Some(length.saturating_sub(age(window)));
        }
        window.count += 1;
        None
    }
}

/// The counters of an application.
pub struct RateLimits {
    login: Limit,
    upload: Limit,
}

impl RateLimits {
    pub fn new(settings: &Settings) -> Self {
        Self {
            login: Limit::new(&settings.login_rate),
            upload: Limit::new(&settings.upload_rate),
        }
    }

    /// Counts an upload of a user.
    pub fn upload(&self, user: &str) -> Result<(), Problem> {
        self.upload.hit(user)
    }
}

/// Counts the sign-ins of an address.
pub async fn limit_login(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let who = peer.map_or("unknown".to_owned(), |ConnectInfo(peer)| {
        let trusted = &app.parts.settings.forwarded_allow_ips;
        client_address(peer.ip(), request.headers(), trusted).to_string()
    });
    app.limits.login.hit(&who)?;
    Ok(next.run(request).await)
}

/// The client's address: the last one that a trusted proxy has added, else the one of the connection.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let chain: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut address = peer.to_canonical();
    for before in chain.iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        match before.trim().parse::<IpAddr>() {
            Ok(before) => address = before.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Limit, MOST_CLIENTS};
    use crate::settings::{Rate, Unit};

    #[test]
    fn places_come_back_when_the_time_is_over_and_clients_are_forgotten() {
        let limit = Limit::new(&Rate {
            text: "2/minute".to_owned(),
            count: 2.try_into().unwrap(),
            unit: Unit::Minute,
        });
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(limit.count("ann", at(0)), None);
        assert_eq!(limit.count("ann", at(20)), None);
        assert_eq!(limit.count("ann", at(50)), Some(Duration::from_secs(10)));
        assert_eq!(limit.count("bob", at(50)), None);
        assert_eq!(limit.count("ann", at(60)), None);
        for number in 0..MOST_CLIENTS {
            assert_eq!(limit.count(&number.to_string(), at(61)), None);
        }
        assert!(limit.clients.lock().unwrap().len() > MOST_CLIENTS);
        assert_eq!(limit.count("one more", at(200)), None);
        assert_eq!(limit.clients.lock().unwrap().len(), 1);
    }
}
