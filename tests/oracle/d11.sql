-- D11 quality_claim_without_report; see the definition in docs/detectors/D11.md.
WITH
request AS (
    FROM standing_request
    WHERE reason IN ('ineffective', 'allergy', 'quality') AND goods_status IN ('received', 'returned')
    QUALIFY row_number() OVER (PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id) = 1
),
answered AS (
    SELECT r.shop, r.buyer, r.order_id, g.at_ms AS granted_at, g.event_id AS granted_by
    FROM request r
    JOIN granted g
        ON g.shop = r.shop AND g.buyer = r.buyer AND g.order_id = r.order_id AND g.at_ms >= r.at_ms
    QUALIFY row_number() OVER (
        PARTITION BY r.shop, r.buyer, r.order_id ORDER BY g.at_ms, g.event_id
    ) = 1
),
found AS (
    SELECT r.*, a.granted_at, a.granted_by, r.at_ms + 1000 * getvariable('expire_after_s') AS expires_at
    FROM request r
    LEFT JOIN answered a USING (shop, buyer, order_id)
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    at_ms AS opened_at_ms,
    coalesce(granted_at, at_ms) AS last_crossing_ms,
    case_status(granted_at, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(granted_at, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    'info' AS severity,
    list_sort(list_filter([event_id, granted_by], lambda x: x IS NOT NULL)) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
