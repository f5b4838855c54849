//! What is in a database, as far as a migration cares. Nothing here changes anything.

use sqlx::postgres::PgConnection;
use sqlx::FromRow;

use super::statements::{self, TRIGGER};

/// What was found.
#[derive(Debug)]
pub struct Facts {
    /// Server, role and rights.
    pub server: Server,
    /// Which migrations are recorded.
    pub books: Vec<Book>,
    /// What is in the schemas that a migration fills.
    pub content: Content,
}

/// Where and who we are.
#[derive(Debug, FromRow)]
pub struct Server {
    pub number: i32,
    pub version: String,
    pub role: String,
    pub database: String,
    pub is_superuser: bool,
    pub is_standby: bool,
    pub is_read_only: bool,
    /// CREATE on the database.
    pub may_create: bool,
    /// CREATE on the schema `public`; none if there is no such schema.
    pub may_use_public: Option<bool>,
    /// A new session of this role, with this URL, looks in the schema `tasker`.
    pub looks_in_tasker: bool,
}

/// Objects of Tasker and PGMQ.
#[derive(Debug, FromRow)]
pub struct Content {
    /// Tables, types and functions in the schema `tasker`.
    pub in_tasker: i64,
    /// CREATE on that schema, if there is one.
    pub may_use_tasker: Option<bool>,
    /// Tables, types and functions in the schema `pgmq`.
    pub in_pgmq: i64,
    /// USAGE and CREATE on that schema and TRIGGER on its table, if they are there.
    pub may_use_pgmq: Option<bool>,
    /// The version of the extension that is installed.
    pub extension: Option<String>,
    /// The version of the extension that could be installed.
    pub offered: Option<String>,
    /// PGMQ's own table and function are there.
    pub has_pgmq: bool,
    /// The version that was installed as SQL, if `migrate` did that.
    pub noted: Option<String>,
    pub has_trigger: bool,
    /// `uuidv7()` is built in, or there is an extension for it.
    pub has_uuidv7: bool,
}

/// A table of sqlx with the migrations that have run.
#[derive(Debug)]
pub struct Book {
    pub schema: String,
    pub rows: Vec<Applied>,
}

/// One of its rows.
#[derive(Debug, FromRow)]
pub struct Applied {
    pub version: i64,
    pub checksum: Vec<u8>,
    pub success: bool,
}

const SERVER: &str = "
SELECT current_setting('server_version_num')::int AS number,
       split_part(current_setting('server_version'), ' ', 1) AS version,
       current_user::text AS role,
       current_database()::text AS database,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       pg_is_in_recovery() AS is_standby,
       current_setting('default_transaction_read_only')::bool AS is_read_only,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public') AS may_use_public,
       'tasker' = ANY (string_to_array(replace(replace(replace(current_setting('search_path'), '$user', current_user), '\"', ''), ' ', ''), ','))
         AS looks_in_tasker";

const CONTENT: &str = "
WITH object AS (
  SELECT relnamespace AS schema FROM pg_class UNION ALL
  SELECT pronamespace FROM pg_proc UNION ALL
  SELECT typnamespace FROM pg_type
), named AS (SELECT nspname, object.schema FROM pg_namespace JOIN object ON object.schema = oid)
SELECT (SELECT count(*) FROM named WHERE nspname = 'tasker') AS in_tasker,
       (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'tasker') AS may_use_tasker,
       (SELECT count(*) FROM named WHERE nspname = 'pgmq') AS in_pgmq,
       (SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')
               AND coalesce((SELECT has_table_privilege(pg_class.oid, 'TRIGGER') AND has_table_privilege(pg_class.oid, 'INSERT')
                             FROM pg_class WHERE relname = 'meta' AND relnamespace = pg_namespace.oid), true)
        FROM pg_namespace WHERE nspname = 'pgmq') AS may_use_pgmq,
       (SELECT extversion FROM pg_extension WHERE extname = 'pgmq') AS extension,
       (SELECT default_version FROM pg_available_extensions WHERE name = 'pgmq') AS offered,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'pgmq' AND relname = 'meta')
         AND EXISTS (SELECT FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'pgmq' AND proname = 'create') AS has_pgmq,
       (SELECT substring(obj_description(oid, 'pg_namespace') FROM '^PGMQ ([0-9.]+),') FROM pg_namespace WHERE nspname = 'pgmq') AS noted,
       EXISTS (SELECT FROM pg_event_trigger WHERE evtname = $1) AS has_trigger,
       to_regprocedure('pg_catalog.uuidv7()') IS NOT NULL OR to_regprocedure('public.uuidv7()') IS NOT NULL
         OR EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_uuidv7') AS has_uuidv7";

const BOOKS: &str = "
SELECT nspname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relname = '_sqlx_migrations' AND relkind = 'r' ORDER BY nspname <> 'public', nspname";

/// Looks.
pub async fn read(connection: &mut PgConnection) -> sqlx::Result<Facts> {
    let server = sqlx::query_as(SERVER).fetch_one(&mut *connection).await?;
    let content = sqlx::query_as(CONTENT)
        .bind(TRIGGER)
        .fetch_one(&mut *connection)
        .await?;
    let mut books = Vec::new();
    let schemas: Vec<String> = sqlx::query_scalar(BOOKS)
        .fetch_all(&mut *connection)
        .await?;
    for schema in schemas {
        let select = format!(
            "SELECT version, checksum, success FROM {}._sqlx_migrations ORDER BY version",
            quoted(&schema)
        );
        let rows = sqlx::query_as(&select).fetch_all(&mut *connection).await?;
        books.push(Book { schema, rows });
    }
    Ok(Facts {
        server,
        books,
        content,
    })
}

impl Facts {
    /// The book with Core's migrations. It is in the first schema of the search path of whoever migrated first.
    pub fn ours(&self) -> Option<&Book> {
        let first = statements::all().next().map(|migration| migration.version);
        self.books
            .iter()
            .find(|book| book.rows.iter().any(|row| Some(row.version) == first))
    }

    /// Where the book is or will be.
    pub fn schema(&self) -> &str {
        self.ours().map_or("public", |book| &book.schema)
    }
}

/// A name as an identifier of SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
