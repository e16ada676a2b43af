-- D15 complaint_without_contact; see the definition in docs/detectors/D15.md.
WITH
touch AS (
    SELECT shop, buyer, at_ms // 86400000 AS on_day
    FROM seller_event
    WHERE topic = 'chats' AND kind = 'message' AND value ->> '$.sender' = 'buyer'
    UNION
    SELECT shop, buyer, at_ms // 86400000 FROM contact WHERE is_answered
),
-- What is asked in a form goes to the shop as well.
asked_by_form AS (
    SELECT shop, buyer, order_id, at_ms FROM refund WHERE kind = 'requested'
    UNION ALL
    SELECT
        value ->> '$.shop_id', value ->> '$.buyer_id', value ->> '$.order_id', ms(value ->> '$.occurred_at')
    FROM raw
    WHERE topic = 'invoices' AND value ->> '$.type' IN ('requested', 'address_requested')
),
complained AS (
    SELECT c.shop, c.buyer, c.complaint_id, c.order_id, c.event_id, c.at_ms, o.event_id AS placed_by, o.at_ms AS placed_at
    FROM complaint c
    JOIN created o USING (shop, buyer, order_id)
    WHERE c.kind = 'filed' AND c.complaint_type IN ('breach_of_promise', 'postage')
        AND c.at_ms <= getvariable('horizon_ms')
),
found AS (
    SELECT
        c.*, CASE WHEN r.at_ms IS NOT NULL THEN greatest(r.at_ms, c.at_ms) END AS ruled_at, r.event_id AS ruled_by,
        greatest(c.at_ms, c.placed_at) AS last_at
    FROM complained c
    LEFT JOIN (FROM complaint WHERE kind = 'ruled') r USING (shop, buyer, complaint_id)
    -- Nor had the shop itself asked for freight or owned up to what breaks a promise, of the order or of none by name.
    WHERE NOT EXISTS (
        FROM said_by_seller s
        WHERE (
                s.is_about_freight OR s.is_stockout OR s.is_unsent OR s.is_mistake OR s.is_refused_invoice
            )
            AND s.shop = c.shop AND s.buyer = c.buyer AND s.at_ms <= c.at_ms
            AND coalesce(s.order_id = c.order_id, s.at_ms >= c.placed_at)
    ) AND NOT EXISTS (
        FROM asked_by_form a
        WHERE a.shop = c.shop AND a.buyer = c.buyer AND a.order_id = c.order_id AND a.at_ms <= c.at_ms
    ) AND NOT EXISTS (
        FROM touch t
        WHERE t.shop = c.shop AND t.buyer = c.buyer
            AND t.on_day BETWEEN (c.placed_at - 1000 * getvariable('asked_before_s')) // 86400000
                AND c.at_ms // 86400000
    )
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    at_ms AS opened_at_ms,
    greatest(last_at, coalesce(ruled_at, 0)) AS last_crossing_ms,
    case_status(ruled_at, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')) AS status,
    case_ended(ruled_at, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')) AS ended_at_ms,
    'warn' AS severity,
    list_sort(list_filter([placed_by, event_id, ruled_by], lambda x: x IS NOT NULL)) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
