//! PostgreSQL from outside: one of its processes is killed, and it is asked whether it accepts connections again.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

use super::stack::{port_of, Stack};
use crate::error::{Error, Result};
use crate::file::read;
use crate::interrupt::Interrupt;
use crate::process::family;

/// An answer on loopback that takes longer is none.
const ANSWER: Duration = Duration::from_secs(1);
/// Version 3.0 of the protocol.
const PROTOCOL: i32 = 196_608;

/// The PostgreSQL of a stack whose data stays.
pub struct Postgres {
    /// Its own record of its process.
    file: PathBuf,
    postmaster: Pid,
    address: SocketAddr,
}

impl Postgres {
    /// The one that runs now.
    pub fn of(stack: &Stack) -> Result<Self> {
        let file = stack
            .data()
            .unwrap_or(Path::new(""))
            .join("pgdata/postmaster.pid");
        let text = read(&file)?;
        let pid = text
            .lines()
            .next()
            .and_then(|line| line.trim().parse().ok());
        let port = port_of(&stack.ready.database_url).parse();
        match (pid, port) {
            (Some(pid), Ok(port)) => Ok(Self {
                file,
                postmaster: Pid::from_raw(pid),
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            }),
            _ => Err(bad(
                &file,
                "does not begin with the process id of a PostgreSQL with a port",
            )),
        }
    }

    /// Lets it leave writing to the disk to the kernel. A kill takes nothing along that a process has written, only a power failure does; and no run depends
    /// on how fast a disk is.
    pub fn trust_the_kernel(&self) -> Result<()> {
        let settings = self.file.with_file_name("postgresql.auto.conf");
        // It stays a file of PostgreSQL's own user.
        std::fs::OpenOptions::new()
            .append(true)
            .open(&settings)
            .and_then(|mut file| file.write_all(b"fsync = off\n"))
            .map_err(Error::io("write", &settings))?;
        let told = kill(self.postmaster, Signal::SIGHUP);
        told.map_err(|_| bad(&self.file, "names a process that is gone"))
    }

    /// Kills one of its processes, chosen by a number. It then ends all others, and recovers from its log.
    pub fn kill_one(&self, pick: u64, interrupt: &Interrupt) -> Result<Pid> {
        loop {
            let children = self.children(interrupt)?;
            let place = pick % u64::try_from(children.len().max(1)).unwrap_or(1);
            let chosen = usize::try_from(place)
                .ok()
                .and_then(|place| children.get(place));
            let chosen = *chosen.ok_or_else(|| {
                bad(
                    &self.file,
                    "names a process without children: PostgreSQL is gone",
                )
            })?;
            // A session may have ended since they were listed: another one then.
            if kill(chosen, Signal::SIGKILL).is_ok() {
                return Ok(chosen);
            }
        }
    }

    /// Whether it has noticed that a process was killed, and accepts connections again.
    pub fn is_back_after(&self, killed: Pid, interrupt: &Interrupt) -> Result<bool> {
        Ok(!self.children(interrupt)?.contains(&killed) && self.accepts())
    }

    fn children(&self, interrupt: &Interrupt) -> Result<Vec<Pid>> {
        family::children(self.postmaster, interrupt)
    }

    /// It refuses a session while it starts or recovers; else it asks for a password, which is answer enough.
    fn accepts(&self) -> bool {
        let ask = || -> std::io::Result<u8> {
            let mut stream = TcpStream::connect_timeout(&self.address, ANSWER)?;
            stream.set_read_timeout(Some(ANSWER))?;
            stream.write_all(&startup_message())?;
            let mut answer = [0];
            stream.read_exact(&mut answer)?;
            Ok(answer[0])
        };
        ask().is_ok_and(|answer| answer == b'R')
    }
}

fn bad(file: &Path, why: &str) -> Error {
    Error::BadFile {
        file: file.to_owned(),
        line: Some(1),
        why: why.to_owned(),
        fix: None,
    }
}

fn startup_message() -> Vec<u8> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    body.extend(b"user\0tasker\0database\0tasker\0\0");
    let length = i32::try_from(body.len() + 4).expect("a short message");
    let mut message = length.to_be_bytes().to_vec();
    message.extend(body);
    message
}

#[cfg(test)]
mod tests {
    use super::startup_message;

    #[test]
    fn the_startup_message_says_how_long_it_is() {
        let message = startup_message();
        assert_eq!(
            message[..4],
            [0, 0, 0, u8::try_from(message.len()).unwrap()]
        );
        assert!(message.ends_with(b"database\0tasker\0\0"));
    }
}
