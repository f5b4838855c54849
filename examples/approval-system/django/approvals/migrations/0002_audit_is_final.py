"""The audit trail is written once: the database refuses to change, delete or empty it."""

from django.db import migrations

CREATE = """
CREATE FUNCTION approvals_audit_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is final: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION approvals_audit_is_final();
"""
DROP = """
DROP TRIGGER audit_is_final ON approvals_auditentry;
DROP FUNCTION approvals_audit_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
