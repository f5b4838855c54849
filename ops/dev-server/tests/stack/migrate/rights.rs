//! Roles that are no superuser: what they can do, and what they are told where they cannot.

use super::inventory::{difference, objects};
use super::{complaint, connect, json, succeeded, words, Server};

const CLOUDS: [&str; 3] = ["rds_superuser", "cloudsqlsuperuser", "azure_pg_admin"];

/// The statements that a message gives, in backquotes.
fn statements(said: &str) -> Vec<String> {
    said.lines()
        .filter(|line| line.starts_with("  - "))
        .map(|line| line.split('`').nth(1).unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_owner_of_a_database_can_migrate_it_and_a_superuser_can_add_the_rest() {
    let mut server = Server::start().await;
    let whole = server.database("whole").await;
    succeeded(&server.migrate(&whole, &[]));
    let wanted = objects(&mut connect(&whole).await).await;
    server.sql("CREATE ROLE app LOGIN PASSWORD 'secret'").await;
    for (name, hidden) in [("by_owner", false), ("by_owner_plain", true)] {
        server
            .sql(&format!("CREATE DATABASE {name} OWNER app"))
            .await;
        if hidden {
            server.hide_extensions(name).await;
        }
        let url = server.url_of("app", name);
        let output = server.migrate(&url, &[]);
        succeeded(&output);
        let said = words(&output);
        assert!(
            said.contains("only a superuser may make an event trigger and app is not one"),
            "{said}"
        );
        assert!(
            said.contains(
                "CREATE EVENT TRIGGER pgmq_headers_compatibility_trigger ON ddl_command_end"
            ),
            "{said}"
        );
        assert!(CLOUDS.iter().all(|cloud| said.contains(cloud)), "{said}");
        let mut database = connect(&server.url(name)).await;
        let lacks = difference(&wanted, &objects(&mut database).await);
        assert_eq!(lacks.len(), 2, "{lacks:#?}");
        assert!(lacks
            .iter()
            .all(|line| line.contains("event trigger pgmq_headers_compatibility_trigger")));

        // Core names its functions without their schema.
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            stdout.contains("the role app now looks in the schemas tasker and public"),
            "{stdout}"
        );
        let mut owner = connect(&url).await;
        sqlx::Executor::execute(&mut owner, "SELECT * FROM get_next_ready_tasks(1)")
            .await
            .unwrap();

        // For the owner that is all that can be done; a superuser adds the trigger.
        succeeded(&server.migrate(&url, &["--check"]));
        let again = server.migrate(&url, &["--json"]);
        succeeded(&again);
        assert_eq!(
            json(&again)["left_out"][0],
            "pgmq_headers_compatibility_trigger"
        );
        assert_eq!(
            server
                .migrate(&server.url(name), &["--check"])
                .status
                .code(),
            Some(3)
        );
        succeeded(&server.migrate(&server.url(name), &[]));
        let made = objects(&mut database).await;
        assert_eq!(difference(&wanted, &made), Vec::<String>::new());
        succeeded(&server.migrate(&url, &["--check"]));
    }
    server.stack.stop();
}

#[tokio::test]
async fn a_missing_right_is_named_with_the_statement_that_grants_it() {
    let mut server = Server::start().await;
    server
        .sql("CREATE ROLE guest LOGIN PASSWORD 'secret'")
        .await;
    let admin = server.plain_database("borrowed").await;
    let url = server.url_of("guest", "borrowed");
    let said = complaint(&server.migrate(&url, &[]));
    assert!(said.contains("the role guest may not migrate"), "{said}");
    assert!(CLOUDS.iter().all(|cloud| said.contains(cloud)), "{said}");
    let grants = statements(&said);
    assert_eq!(grants.len(), 2, "{said}");
    let mut database = connect(&admin).await;
    for grant in grants {
        sqlx::Executor::execute(&mut database, grant.as_str())
            .await
            .unwrap();
    }
    succeeded(&server.migrate(&url, &[]));
    server.stack.stop();
}

#[tokio::test]
async fn pgmq_that_a_superuser_installed_needs_rights_which_are_named() {
    let mut server = Server::start().await;
    server
        .sql("CREATE ROLE owner_only LOGIN PASSWORD 'secret'")
        .await;
    server
        .sql("CREATE DATABASE prepared OWNER owner_only")
        .await;
    let mut database = connect(&server.url("prepared")).await;
    sqlx::Executor::execute(&mut database, "CREATE EXTENSION pgmq")
        .await
        .unwrap();
    let url = server.url_of("owner_only", "prepared");
    let said = complaint(&server.migrate(&url, &[]));
    assert!(
        said.contains("PGMQ, which somebody else installed"),
        "{said}"
    );
    for grant in statements(&said) {
        sqlx::Executor::execute(&mut database, grant.as_str())
            .await
            .unwrap();
    }
    succeeded(&server.migrate(&url, &[]));
    let mut owner = connect(&url).await;
    sqlx::Executor::execute(&mut owner, "SELECT pgmq.create('worker_shop_queue')")
        .await
        .unwrap();
    server.stack.stop();
}
