//! Order fulfilment as a shop would build it.
//!
//! ```text
//! orders    checkout, and what an order goes through    stock     promising and giving back
//! tasks     creates the tasks that orders need          watch     notices those that failed
//! handlers  the steps of the three workflows            bank      the payment service's client
//! http      the API and the pages                       database  connections, schema, catalogue
//! scenario  what `example.toml` runs
//! service   the payment service itself, another process with books of its own
//! ```

pub mod bank;
pub mod database;
pub mod handlers;
pub mod http;
pub mod orders;
pub mod scenario;
pub mod service;
pub mod stock;
pub mod tasks;
pub mod watch;
