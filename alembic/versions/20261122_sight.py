"""Who works for one store sees that store: the stores of timelines, and row-level security on PostgreSQL.

Works with the release before it: add, fill, then (a release later) remove. Imports nothing of the
product. Both databases run it; what differs between them stands in the types below.

PostgreSQL: whoever sees a part only reads as the role `sportello_narrowed`, which is told for each transaction
for whom. The owner of the tables, as which all else runs, is not narrowed. Functions that decide are the owner's
(SECURITY DEFINER), so that a policy may look at tables that it guards itself.

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.Uuid().with_variant(sa.Text(), "sqlite")

ROLE = "sportello_narrowed"

MAKE_ROLE = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}') THEN
    CREATE ROLE {ROLE} NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this server made it just now
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'Let an administrator of the server run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO %',
      quote_ident(current_user);
END $$
"""
GRANT_ROLE = f"""
DO $$ BEGIN
  IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
    EXECUTE format('GRANT {ROLE} TO %I', current_user);
  END IF;
END $$
"""
FUNCTIONS = (
    """
CREATE FUNCTION sportello_family() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(theirs.id), '{}')
  FROM customer_records own JOIN customer_records theirs ON theirs.canonical_id = own.canonical_id
  WHERE own.id = nullif(current_setting('sportello.customer_id', true), '')::uuid
$$""",
    """
CREATE FUNCTION sportello_stores() RETURNS uuid[] LANGUAGE sql STABLE AS $$
  SELECT string_to_array(nullif(current_setting('sportello.store_ids', true), ''), ',')::uuid[]
$$""",
    """
CREATE FUNCTION sportello_meets(customer uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (
    SELECT 1 FROM customer_records own
    JOIN customer_records member ON member.canonical_id = own.canonical_id
    JOIN timeline_entries entry ON entry.customer_id = member.id
    WHERE own.id = customer AND entry.store_id = ANY (sportello_stores()))
$$""",
    """
CREATE FUNCTION sportello_sees_order(wanted uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (
    SELECT 1 FROM orders WHERE id = wanted
    AND (customer_id = ANY (sportello_family()) OR store_id = ANY (sportello_stores())))
$$""",
)
CALLED = ("sportello_family()", "sportello_stores()", "sportello_meets(uuid)", "sportello_sees_order(uuid)")
"""What decides as the owner is called by nobody but the narrowed role."""


def _customer(column: str) -> str:
    """Say that a column names somebody who is seen: the shopper themselves, or who had to do with the stores."""
    return f"{column} = ANY ((SELECT sportello_family())::uuid[]) OR sportello_meets({column})"


FAMILY, STORES = "(SELECT sportello_family())::uuid[]", "(SELECT sportello_stores())::uuid[]"
POLICIES = {
    "customers": _customer("id"),
    "customer_records": _customer("id"),
    "customer_tags": _customer("customer_id"),
    "customer_identities": _customer("customer_id"),
    "customer_attributes": _customer("customer_id"),
    "customer_terms": _customer("customer_id"),
    "customer_spendings": f"customer_id = ANY ({FAMILY})",
    "customer_merges": _customer("survivor_id"),
    "consents": _customer("customer_id"),
    "timeline_entries": (
        f"customer_id = ANY ({FAMILY}) OR store_id = ANY ({STORES}) OR (kind = 'CONSENT' AND sportello_meets(customer_id))"
    ),
    "orders": f"customer_id = ANY ({FAMILY}) OR store_id = ANY ({STORES})",
    "order_lines": "sportello_sees_order(order_id)",
    "deliveries": "sportello_sees_order(order_id)",
    "delivery_lines": "EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = delivery_id)",
    "credit_notes": f"customer_id = ANY ({FAMILY}) OR (sportello_stores() IS NOT NULL AND sportello_sees_order(order_id))",
    "credit_note_lines": "EXISTS (SELECT 1 FROM credit_notes WHERE credit_notes.id = credit_note_id)",
}
"""What is left of each table for who sees a part only. A table that is not named cannot be read by them at all."""
OPEN = (
    "attribute_definitions",
    "stores",
    "value_rankings",
    "staff_member_stores",
    "staff_members (id, email, name, role, languages, skills, is_active, created_at)",
)
"""Tables in which no customer stands; of the staff no secret."""


def upgrade() -> None:
    """Make the change."""
    op.add_column("timeline_entries", sa.Column("store_id", KEY, nullable=True))
    op.create_index("ix_timeline_entries_store_id", "timeline_entries", ["store_id", "customer_id"])
    op.execute(
        "UPDATE timeline_entries SET store_id = (SELECT store_id FROM orders WHERE orders.id = timeline_entries.id) "
        "WHERE kind = 'ORDER'"
    )
    op.execute(
        "UPDATE timeline_entries SET store_id = (SELECT orders.store_id FROM credit_notes JOIN orders "
        "ON orders.id = credit_notes.order_id WHERE credit_notes.id = timeline_entries.id) WHERE kind = 'CREDIT_NOTE'"
    )
    if op.get_bind().dialect.name == "postgresql":
        _fence()


def _fence() -> None:
    for statement in (MAKE_ROLE, GRANT_ROLE, *FUNCTIONS):
        op.execute(statement)
    for name in CALLED:
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {ROLE}")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY narrowed ON {table} FOR SELECT TO {ROLE} USING ({condition})")
        op.execute(f"GRANT SELECT ON {table} TO {ROLE}")
    for table in OPEN:
        op.execute(_granting("GRANT", table, "TO"))


def _granting(verb: str, table: str, preposition: str) -> str:
    """Return the statement that gives or takes a table, or some columns of it."""
    name, _, columns = table.partition(" ")
    return f"{verb} SELECT {columns} ON {name} {preposition} {ROLE}"


def downgrade() -> None:
    """Take it back; the role stays, other databases of the server may use it."""
    if op.get_bind().dialect.name == "postgresql":
        for table in OPEN:
            op.execute(_granting("REVOKE", table, "FROM"))
        for table in POLICIES:
            op.execute(f"REVOKE SELECT ON {table} FROM {ROLE}")
            op.execute(f"DROP POLICY narrowed ON {table}")
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        for name in reversed(CALLED):
            op.execute(f"DROP FUNCTION {name}")
    op.drop_index("ix_timeline_entries_store_id", "timeline_entries")
    op.drop_column("timeline_entries", "store_id")
