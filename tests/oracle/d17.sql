-- D17 bait_then_complaint; see the definitions in docs/detectors/D17.md.
WITH
filed AS (
    SELECT c.* EXCLUDE (ruling), r.at_ms AS ruled_at, r.ruling
    FROM complaint c
    LEFT JOIN (FROM complaint WHERE kind = 'ruled') r USING (shop, buyer, complaint_id)
    WHERE c.kind = 'filed' AND c.complaint_type IN ('privacy_leak', 'invoice', 'breach_of_promise')
),
standing AS (FROM filed WHERE ruling IS DISTINCT FROM 'upheld'),
bait AS (
    SELECT s.shop, s.buyer, s.at_ms, p.complaint_type, NULL AS order_id, [s.event_id] AS facts
    FROM said s
    JOIN (VALUES
        ('privacy_leak', 'address'), ('invoice', 'invoice'), ('breach_of_promise', 'cashback')
    ) p(complaint_type, theme) ON list_contains(s.themes, p.theme)
    WHERE len(s.themes) > 1 OR list_contains(s.themes, 'invoice')
    UNION ALL
    SELECT shop, buyer, at_ms, 'privacy_leak', NULL, [event_id, naming_id] FROM foreign_ask
    UNION ALL
    SELECT shop, buyer, at_ms, 'invoice', order_id, [event_id] FROM asked_elsewhere
),
by_buyer AS (
    SELECT
        c.shop, c.buyer, c.order_id, c.event_id, c.at_ms, c.ruled_at, c.complaint_type,
        min(b.at_ms) AS baited_at, flatten(list(b.facts)) AS facts
    FROM standing c
    JOIN bait b
        ON b.shop = c.shop AND b.buyer = c.buyer AND b.complaint_type = c.complaint_type
        AND b.at_ms BETWEEN c.at_ms - 1000 * getvariable('window_s') AND c.at_ms
        -- A message is about any order, a form about its own.
        AND coalesce(b.order_id = c.order_id, true)
    WHERE c.complaint_type = 'privacy_leak' OR NOT EXISTS (
        FROM invoice_refused i
        WHERE i.shop = c.shop AND i.buyer = c.buyer AND CASE i.order_id
            WHEN '' THEN i.at_ms <= c.at_ms
            ELSE c.order_id IS NULL OR i.order_id = c.order_id
        END
    )
    GROUP BY ALL
),
-- What the shop did, or left undone, for which there is a reason to complain of an invoice or a promise.
with_reason AS (
    SELECT c.shop, c.buyer, c.event_id
    FROM by_buyer c
    WHERE c.complaint_type <> 'privacy_leak' AND (
        EXISTS (
            FROM invoice_step a
            WHERE a.kind = 'asked' AND a.shop = c.shop AND a.buyer = c.buyer
                AND a.at_ms + 1000 * getvariable('invoice_within_s') <= c.at_ms
                AND (c.order_id IS NULL OR a.order_id = c.order_id)
                AND NOT EXISTS (
                    FROM invoice_step i
                    WHERE i.kind = 'issued' AND i.shop = c.shop AND i.buyer = c.buyer
                        AND i.invoice_id = a.invoice_id AND i.at_ms <= c.at_ms
                )
        )
        OR EXISTS (
            FROM said_by_seller s
            WHERE s.shop = c.shop AND s.buyer = c.buyer
                AND s.is_about_freight AND s.at_ms BETWEEN c.baited_at AND c.at_ms
        )
        OR c.complaint_type = 'breach_of_promise' AND EXISTS (
            FROM said_by_seller s
            WHERE s.shop = c.shop AND s.buyer = c.buyer AND s.is_cashback AND s.at_ms <= c.baited_at
        )
        OR c.complaint_type = 'breach_of_promise' AND EXISTS (
            FROM (SELECT c.order_id AS order_id) q
            LEFT JOIN created o ON o.shop = c.shop AND o.buyer = c.buyer AND o.order_id = q.order_id
            LEFT JOIN paid p ON p.shop = c.shop AND p.buyer = c.buyer AND p.order_id = q.order_id
            LEFT JOIN shipping_over v ON v.shop = c.shop AND v.buyer = c.buyer AND v.order_id = q.order_id
            WHERE q.order_id IS NOT NULL AND CASE
                WHEN o.ship_by > coalesce(p.at_ms, o.at_ms) THEN o.ship_by
                ELSE coalesce(p.at_ms, o.at_ms) + 1000 * getvariable('limit_s')
            END < CASE
                WHEN v.at_ms IS NULL OR v.at_ms > c.at_ms
                    THEN CASE WHEN p.at_ms IS NULL THEN 0 ELSE c.at_ms END
                WHEN v.topic = 'shipments' THEN v.at_ms
                ELSE 0
            END
        )
    )
),
on_order AS (
    SELECT c.shop, c.order_id, c.event_id, c.at_ms, c.ruled_at, list(a.event_id) AS facts
    FROM standing c
    JOIN foreign_ask a
        ON a.shop = c.shop AND a.buyer <> c.buyer AND list_contains(a.orders, c.order_id)
        AND a.at_ms BETWEEN c.at_ms - 1000 * getvariable('window_s') AND c.at_ms
    WHERE c.complaint_type = 'privacy_leak'
    GROUP BY ALL
),
found AS (
    -- Until everything is read up to the complaint, an own order or a refusal may be on its way.
    SELECT 'buyer' AS subject_kind, shop || ':' || buyer AS subject_id, event_id, at_ms, ruled_at, facts
    FROM by_buyer
    ANTI JOIN with_reason USING (shop, buyer, event_id)
    WHERE at_ms <= getvariable('horizon_ms')
    UNION ALL
    SELECT 'order', shop || ':' || order_id, event_id, at_ms, ruled_at, facts FROM on_order
)
SELECT
    subject_kind,
    subject_id,
    event_id AS anchor_event_id,
    at_ms AS opened_at_ms,
    at_ms AS last_crossing_ms,
    CASE
        WHEN ruled_at IS NOT NULL THEN 'resolved'
        WHEN at_ms + 30 * 86400000::BIGINT <= getvariable('horizon_ms') THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status WHEN 'resolved' THEN greatest(ruled_at, at_ms) WHEN 'expired' THEN at_ms + 30 * 86400000::BIGINT END AS ended_at_ms,
    'critical' AS severity,
    list_sort(list_distinct(list_append(facts, event_id))) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
