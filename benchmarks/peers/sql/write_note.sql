-- Every row that the product writes with a new credit note of one line: note, line, place in the timeline, audit, event,
-- and the customer's sums, counted anew. The note's own total is added to what stood before: it is not seen yet.
-- $1 note, $2 external id, $3 customer, $4 order, $5 issued at, $6 currency, $7 total, $8 now, $9 line, $10 sku, $11 title,
-- $12 quantity, $13 unit price, $14 store, $15 audit, $16 actor, $17 request, $18 event, $19 subjects.
WITH note AS (
    INSERT INTO credit_notes (id, external_id, number, customer_id, order_id, issued_at, currency_code, total,
        created_at, updated_at)
    VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $8)
), line AS (
    INSERT INTO credit_note_lines (id, credit_note_id, position, sku, title, quantity, unit_price, total)
    VALUES ($9, $1, 0, $10, $11, $12, $13, $7)
), entry AS (
    INSERT INTO timeline_entries (id, kind, customer_id, occurred_at, store_id)
    VALUES ($1, 'CREDIT_NOTE', $3, $5, $14)
), audit AS (
    INSERT INTO audit_entries (id, action, actor_kind, actor_id, request_id, occurred_at)
    VALUES ($15, 'creditNoteUpsert', 'APP', $16, $17, $8)
), event AS (
    INSERT INTO events (id, type, subjects, audit_id, occurred_at)
    VALUES ($18, 'CreditNoteChanged', $19, $15, $8)
), ordered AS (
    SELECT count(*) AS order_count, coalesce(sum(total), 0)::bigint AS total, min(placed_at) AS first_at,
        max(placed_at) AS last_at
    FROM orders WHERE customer_id = $3 AND currency_code = $6 AND cancelled_at IS NULL
), credited AS (
    SELECT (coalesce(sum(n.total), 0) + $7)::bigint AS total
    FROM credit_notes AS n LEFT JOIN orders AS o ON o.id = n.order_id
    WHERE n.customer_id = $3 AND n.currency_code = $6 AND o.cancelled_at IS NULL
), spending AS (
    UPDATE customer_spendings AS s SET order_count = ordered.order_count, ordered = ordered.total,
        credited = credited.total, net = ordered.total - credited.total, first_order_at = ordered.first_at,
        last_order_at = ordered.last_at
    FROM ordered, credited WHERE s.customer_id = $3 AND s.currency_code = $6
)
UPDATE customers SET order_count = ordered.order_count, net_spent = ordered.total - credited.total,
    first_order_at = ordered.first_at, last_order_at = ordered.last_at,
    last_order_key = (extract(epoch FROM ordered.last_at) * 1000000)::bigint
FROM ordered, credited WHERE id = $3
