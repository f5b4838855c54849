//! The commands of a deployment.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::settings::Settings;
use crate::users::SqlUsers;
use crate::{database, users};

const PATIENCE: Duration = Duration::from_secs(5);

/// Brings the tables up to date.
///
/// # Errors
///
/// The database is away, or a migration is wrong.
pub async fn migrate(settings: &Settings) -> Result<(), String> {
    let db = database::open(settings).map_err(|error| error.to_string())?;
    let migrated = database::migrate(&db).await;
    db.close().await;
    migrated.map(|()| println!("up to date"))
}

/// Adds somebody; the password is the first line of the standard input.
///
/// # Errors
///
/// What is wrong with them.
pub async fn add_user(settings: &Settings, email: &str, is_reviewer: bool) -> Result<(), String> {
    let mut password = String::new();
    let read = std::io::stdin().lock().read_line(&mut password);
    read.map_err(|error| format!("the password cannot be read: {error}"))?;
    let db = database::open(settings).map_err(|error| error.to_string())?;
    let password = password.trim_end_matches(['\r', '\n']);
    let added = users::add_user(&SqlUsers(db.clone()), email, password, is_reviewer).await;
    db.close().await;
    added.map(|()| println!("added {email}"))
}

/// Asks the program on this machine's PORT whether it is ready.
///
/// # Errors
///
/// What it answers instead.
pub fn health(settings: &Settings) -> Result<(), String> {
    let host = match settings.host {
        IpAddr::V4(host) if !host.is_unspecified() => IpAddr::V4(host),
        IpAddr::V6(host) if !host.is_unspecified() => IpAddr::V6(host),
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let answer = ask(SocketAddr::from((host, settings.port)));
    let answer = answer.map_err(|error| format!("it does not answer: {error}"))?;
    match answer.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        status => Err(format!(
            "it is not ready: {}",
            status.unwrap_or("no status")
        )),
    }
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /tasker/ready HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
