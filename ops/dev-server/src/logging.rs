//! Log lines go to standard error, because standard output belongs to the ready line.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;

use crate::cli::LogLevel;

/// While a stack stops, Core's pollers report every connection they lose. That is expected, so nothing is logged from then on.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Ends logging for good.
pub fn stack_is_stopping() {
    STOPPING.store(true, Ordering::Relaxed);
}

/// Installs the subscriber.
pub fn to_stderr(level: LogLevel) {
    // Core's pollers wait inside the database on purpose, which the driver reports as slow statements.
    let driver = if level >= LogLevel::Debug {
        "warn"
    } else {
        "off"
    };
    let filter = EnvFilter::new(format!(
        "{level},sqlx={driver},hyper=warn,h2=warn",
        level = level.as_str()
    ));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| -> Box<dyn std::io::Write> {
            if STOPPING.load(Ordering::Relaxed) {
                Box::new(std::io::sink())
            } else {
                Box::new(std::io::stderr())
            }
        })
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}
