//! The ready line: what a stack says about itself as soon as it can be used.

/// What is said when the stack is ready; the JSON line has exactly these fields.
#[derive(Debug, serde::Serialize)]
#[serde(tag = "event", rename = "ready")]
pub struct Ready {
    /// Where the REST API is.
    pub orchestration_url: String,
    /// Where the gRPC API is, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_url: Option<String>,
    /// Where the database is, with user and password.
    pub database_url: String,
    /// Version of PostgreSQL.
    pub postgres_version: String,
    /// Version of the PGMQ extension.
    pub pgmq_version: String,
    /// Version of Tasker Core.
    pub core_version: &'static str,
    /// Whether tasks are recovered after a kill, so that several workers may use the delivery `Hybrid`.
    pub recovery: bool,
    /// From the start of this process to this line, in milliseconds.
    pub startup_ms: u64,
    /// The same, by phase.
    pub phases_ms: Phases,
}

/// How long each part of the start took, in milliseconds.
#[derive(Debug, Default, Clone, serde::Serialize)]
pub struct Phases {
    /// Finding the programs and the data, or copying it.
    pub data: u64,
    /// From the start of PostgreSQL until it accepts connections.
    pub postgres: u64,
    /// Looking for and running migrations.
    pub migrate: u64,
    /// Core's server, until its health answer.
    pub server: u64,
}
