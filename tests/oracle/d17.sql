-- D17 bait_then_complaint, without invoices asked for elsewhere; see docs/detectors/D17.md.
WITH
filed AS (
    SELECT c.* EXCLUDE (ruling), r.at_ms AS ruled_at, r.ruling
    FROM complaint c
    LEFT JOIN (FROM complaint WHERE kind = 'ruled') r USING (shop, buyer, complaint_id)
    WHERE c.kind = 'filed' AND c.complaint_type IN ('privacy_leak', 'invoice', 'breach_of_promise')
),
standing AS (FROM filed WHERE ruling IS DISTINCT FROM 'upheld'),
bait AS (
    SELECT s.shop, s.buyer, s.at_ms, p.complaint_type, [s.event_id] AS facts
    FROM said s
    JOIN (VALUES
        ('privacy_leak', 'address'), ('invoice', 'invoice'), ('breach_of_promise', 'cashback')
    ) p(complaint_type, theme) ON list_contains(s.themes, p.theme)
    WHERE len(s.themes) > 1 OR list_contains(s.themes, 'invoice')
    UNION ALL
    SELECT shop, buyer, at_ms, 'privacy_leak', [event_id, naming_id] FROM foreign_ask
),
by_buyer AS (
    SELECT
        c.shop, c.buyer, c.order_id, c.event_id, c.at_ms, c.ruled_at, c.complaint_type,
        flatten(list(b.facts)) AS facts
    FROM standing c
    JOIN bait b
        ON b.shop = c.shop AND b.buyer = c.buyer AND b.complaint_type = c.complaint_type
        AND b.at_ms BETWEEN c.at_ms - 1000 * getvariable('window_s') AND c.at_ms
    WHERE c.complaint_type = 'privacy_leak' OR NOT EXISTS (
        FROM invoice_refused i
        WHERE i.shop = c.shop AND i.buyer = c.buyer AND CASE i.order_id
            WHEN '' THEN i.at_ms <= c.at_ms
            ELSE c.order_id IS NULL OR i.order_id = c.order_id
        END
    )
    GROUP BY ALL
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
