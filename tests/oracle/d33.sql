-- D33 seller_close_guard; see the definition in docs/detectors/D33.md.
WITH
found AS (
    SELECT c.*, o.event_id AS placed_by, greatest(c.at_ms, o.at_ms) AS last_at
    FROM closed_by_seller c
    JOIN created o USING (shop, buyer, order_id)
    LEFT JOIN paid p USING (shop, buyer, order_id)
    LEFT JOIN closing x USING (shop, buyer, order_id)
    WHERE c.at_ms <= getvariable('horizon_ms') AND NOT coalesce(p.at_ms <= c.at_ms, false)
        AND (x.at_ms >= c.at_ms OR x.closed_by = 'unknown')
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    at_ms AS opened_at_ms,
    last_at AS last_crossing_ms,
    case_status(NULL, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')) AS status,
    case_ended(NULL, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')) AS ended_at_ms,
    'critical' AS severity,
    list_sort([placed_by, event_id]) AS members,
    2 AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
