//! Every object of a database as one line of text, with all that defines it, so that two databases can be compared.

use sqlx::PgConnection;

/// Owners, extension membership and object ids are left out: they are what may differ.
const OBJECTS: &str = r"
WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT 'schema ' || nspname FROM ours
UNION ALL
SELECT format('%s %s.%s %s', relkind, nspname, relname, relpersistence) FROM pg_class JOIN ours n ON n.oid = relnamespace WHERE relkind <> 'i'
UNION ALL
SELECT format('column %s.%s.%s %s %s %s %s %s', nspname, relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attgenerated, pg_get_expr(adbin, adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN ours n ON n.oid = relnamespace LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'i'
UNION ALL
SELECT 'index ' || pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid JOIN ours n ON n.oid = relnamespace
UNION ALL
SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid)) FROM pg_constraint c JOIN ours n ON n.oid = connamespace
UNION ALL
SELECT 'function ' || CASE prokind WHEN 'a' THEN p.oid::regprocedure::text ELSE pg_get_functiondef(p.oid) END FROM pg_proc p JOIN ours n ON n.oid = pronamespace
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT tgisinternal
UNION ALL
SELECT format('event trigger %s %s %s %s %s', evtname, evtevent, evtfoid::regproc, evtenabled, evttags) FROM pg_event_trigger
UNION ALL
SELECT format('enum %s %s %s', t.typname, enumsortorder, enumlabel) FROM pg_enum JOIN pg_type t ON t.oid = enumtypid
UNION ALL
SELECT format('type %s.%s %s', nspname, typname, typtype) FROM pg_type JOIN ours n ON n.oid = typnamespace
UNION ALL
SELECT format('view %s %s', c.oid::regclass, pg_get_viewdef(c.oid)) FROM pg_class c JOIN ours n ON n.oid = relnamespace WHERE relkind IN ('v', 'm')
UNION ALL
SELECT format('default right %s %s %s', nspname, defaclobjtype, regexp_replace(defaclacl::text, '/\w+', '', 'g')) FROM pg_default_acl JOIN ours n ON n.oid = defaclnamespace
UNION ALL
SELECT format('comment %s %s %s', i.type, i.identity, description) FROM pg_description d, pg_identify_object(classoid, objoid, objsubid) i
WHERE i.schema IN (SELECT nspname FROM ours) OR i.type IN ('event trigger')
UNION ALL
SELECT format('right %s %s', c.oid::regclass, grantee::regrole || ' ' || privilege_type)
FROM pg_class c JOIN ours n ON n.oid = relnamespace, aclexplode(relacl) WHERE grantee <> relowner AND grantee <> 0
ORDER BY 1";

/// The objects, sorted.
pub async fn objects(database: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(OBJECTS)
        .fetch_all(database)
        .await
        .unwrap()
}

/// The recorded migrations.
pub async fn book(database: &mut PgConnection) -> Vec<(i64, String, bool, Vec<u8>)> {
    sqlx::query_as(
        "SELECT version, description, success, checksum FROM _sqlx_migrations ORDER BY version",
    )
    .fetch_all(database)
    .await
    .unwrap()
}

/// What only one of two lists has.
pub fn difference(left: &[String], right: &[String]) -> Vec<String> {
    let only = |these: &[String], others: &[String], sign: char| -> Vec<String> {
        these
            .iter()
            .filter(|line| !others.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    [only(left, right, '-'), only(right, left, '+')].concat()
}
