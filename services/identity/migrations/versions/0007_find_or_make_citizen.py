"""Who is behind an address, and who is made at first contact, by one statement that needs no transaction around it."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The newest ids that the person went by before, at most.
_FORMER_IDS = 20
# The insert waits for a rival's commit, so that the second look finds the rival's citizen: each statement of the
# function sees what was committed until it began. Planned once, as its tenant.
_FIND_OR_MAKE = f"""
CREATE FUNCTION find_or_make_citizen(whose text, via text, place text, moment timestamptz, fresh_id text)
RETURNS TABLE (
    citizen_id text, language text, chosen boolean, ward_code text, focus_pod text, focus_session_id text,
    focus_version integer, reachable boolean, former_ids text[]
) LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('machi.tenant', whose, true);
    FOR attempt IN 1..2 LOOP
        RETURN QUERY
        WITH heard AS (
            UPDATE links l SET heard_at = greatest(l.heard_at, moment)
            WHERE l.tenant = whose AND l.channel = via AND l.address = place
            RETURNING l.citizen_id, l.reachable
        )
        SELECT c.citizen_id::text, coalesce(c.language, t.default_language, '')::text, c.language IS NOT NULL,
            coalesce(c.ward_code, '')::text, c.focus_pod::text, c.focus_session_id::text, c.focus_version,
            heard.reachable, ARRAY(
                SELECT a.former_id::text FROM aliases a WHERE a.tenant = whose AND a.citizen_id = c.citizen_id
                ORDER BY a.known_at DESC LIMIT {_FORMER_IDS}
            )
        FROM heard
        JOIN citizens c ON c.tenant = whose AND c.citizen_id = heard.citizen_id
        LEFT JOIN tenants t ON t.tenant = whose;
        EXIT WHEN FOUND;
        RETURN QUERY
        WITH link AS (
            INSERT INTO links (tenant, channel, address, citizen_id, reachable, heard_at)
            VALUES (whose, via, place, fresh_id, true, moment)
            ON CONFLICT (tenant, channel, address) DO NOTHING
            RETURNING links.citizen_id, links.reachable
        ), made AS (
            INSERT INTO citizens (tenant, citizen_id, focus_pod, focus_session_id, focus_version, created_at)
            SELECT whose, link.citizen_id, '', '', 0, moment FROM link
            RETURNING citizens.*
        )
        SELECT made.citizen_id::text, coalesce(t.default_language, '')::text, false, '', made.focus_pod::text,
            made.focus_session_id::text, made.focus_version, link.reachable, ARRAY[]::text[]
        FROM made JOIN link ON link.citizen_id = made.citizen_id LEFT JOIN tenants t ON t.tenant = whose;
        EXIT WHEN FOUND;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute(_FIND_OR_MAKE)


def downgrade() -> None:
    op.execute("DROP FUNCTION find_or_make_citizen(text, text, text, timestamptz, text)")
