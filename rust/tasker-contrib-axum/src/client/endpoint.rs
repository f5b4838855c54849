//! Where the server is, and with which credentials it is called.

use std::time::Duration;

#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) token: Option<String>,
    /// Header and key.
    pub(super) api_key: Option<(String, String)>,
    /// Of one request.
    pub(super) timeout: Duration,
}
