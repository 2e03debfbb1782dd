"""What stands for many citizens, asked as their tenant by one statement that needs no transaction around it."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Under row-level security a condition with `coalesce` is no index condition: hence the place of its own for it. The
# plan is made once: without that it is made anew for each call, which takes longer than the call.
_STANDINGS = """
CREATE FUNCTION consent_standings(whose text, citizens text[], about text)
RETURNS TABLE (known boolean, status varchar, notice_version integer, decided_at timestamptz, installed boolean)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM set_config('machi.tenant', whose, true);
    RETURN QUERY
    SELECT c.citizen_id IS NOT NULL, k.status, k.notice_version, k.decided_at, k.installed
    FROM unnest(citizens) WITH ORDINALITY AS asked (citizen_id, place)
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT a.citizen_id FROM aliases a WHERE a.tenant = whose AND a.former_id = asked.citizen_id
        ), asked.citizen_id) AS citizen_id OFFSET 0
    ) present
    LEFT JOIN LATERAL (
        SELECT c.citizen_id FROM citizens c WHERE c.tenant = whose AND c.citizen_id = present.citizen_id LIMIT 1
    ) c ON true
    LEFT JOIN LATERAL (
        SELECT k.status, k.notice_version, k.decided_at,
            EXISTS (SELECT FROM notices n WHERE n.purpose = k.purpose AND n.version = k.notice_version) AS installed
        FROM consents k WHERE k.tenant = whose AND k.citizen_id = c.citizen_id AND k.purpose = about LIMIT 1
    ) k ON true
    ORDER BY asked.place;
END $$
"""


def upgrade() -> None:
    op.execute(_STANDINGS)


def downgrade() -> None:
    op.execute("DROP FUNCTION consent_standings(text, text[], text)")
