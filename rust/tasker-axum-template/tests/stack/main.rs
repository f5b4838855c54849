//! Tests on PostgreSQL and Tasker's server, which `tasker-dev` starts.

#[path = "../support/mod.rs"]
mod support;

mod collector;
mod processes;
mod smoke;
mod stack;
mod store;

use stack::Stack;

/// One server for all of them, in this order.
#[tokio::test(flavor = "multi_thread")]
async fn the_application_on_a_real_server() {
    let stack = Stack::start().await;
    store::the_store_does_what_is_asked_of_it(&stack).await;
    store::a_document_without_its_owner_leaves_no_task(&stack).await;
    store::a_task_that_cannot_be_stored_leaves_no_document(&stack).await;
    store::migrations_are_run_once_and_a_wrong_one_leaves_nothing(&stack).await;
    store::the_outbox_is_the_crates();
    store::users_are_added_once(&stack).await;
    smoke::commands_of_a_deployment_can_be_repeated(&stack).await;
    smoke::documents_are_published_with_and_without_a_person(&stack).await;
}
