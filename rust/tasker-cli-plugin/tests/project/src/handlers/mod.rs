//! Step handlers, as an application lists them.

use tasker_contrib_axum::Handlers;

@EACH src/handlers/*.rs: pub mod {name};
pub mod v2;

/// The handlers of all workflows.
pub fn workflows() -> Handlers {
    Handlers::new()
        // One line for each module.
        @EACH src/handlers/loop*.rs: .merge({name}::handlers())
        @EACH src/handlers/*_workflow.rs: .merge({name}::handlers())
        @EACH src/handlers/v2/*_workflow.rs: .merge(v2::{name}::handlers())
        .with_state(())
}
