-- D13 privacy_bait without replies; see the definition in docs/detectors/D13.md.
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    at_ms AS opened_at_ms,
    at_ms AS last_crossing_ms,
    CASE WHEN at_ms + 7 * 86400000::BIGINT <= getvariable('horizon_ms') THEN 'expired' ELSE 'open' END AS status,
    CASE status WHEN 'expired' THEN at_ms + 7 * 86400000::BIGINT END AS ended_at_ms,
    CASE WHEN EXISTS (
        FROM said_by_seller s
        WHERE s.shop = a.shop AND s.buyer = a.buyer AND s.is_disowned
            AND s.at_ms BETWEEN a.at_ms AND a.at_ms + 3600000
            AND (s.order_id IS NULL OR list_contains(a.orders, s.order_id))
    ) THEN 'info' ELSE 'warn' END AS severity,
    list_sort(list_distinct([event_id, naming_id])) AS members,
    len(members) AS n_members
FROM foreign_ask a
WHERE at_ms - 300000 <= getvariable('horizon_ms')
ORDER BY subject_id, opened_at_ms, anchor_event_id;
