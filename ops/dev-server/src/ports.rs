//! Ports on the loopback interface.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use crate::error::StackError;

/// A port that was free a moment ago.
pub fn free() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Fails early if somebody listens on a port that was asked for; 0 asks for none.
///
/// # Errors
/// [`StackError::PortTaken`].
pub fn check(port: u16, option: &'static str) -> Result<(), StackError> {
    if port == 0 || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
        return Ok(());
    }
    Err(StackError::PortTaken { port, option })
}
