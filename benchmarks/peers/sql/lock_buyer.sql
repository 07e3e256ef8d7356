-- Whose credit note it will be, and of which store; $1 is the order. Of two notes at once the later one counts both.
SELECT o.customer_id, o.store_id
FROM orders AS o JOIN customer_records AS r ON r.id = o.customer_id
WHERE o.id = $1
FOR NO KEY UPDATE
