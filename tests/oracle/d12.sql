-- D12 refused_then_refund; see the definition in docs/detectors/D12.md.
WITH
line AS (
    SELECT shop, buyer, order_id, unnest(value -> '$.items[*]') AS line
    FROM ordered
),
item AS (
    SELECT shop, buyer, order_id, sum((line ->> '$.quantity')::BIGINT) AS units
    FROM line
    GROUP BY shop, buyer, order_id, line ->> '$.item_id'
),
large AS (
    SELECT o.shop, o.buyer, o.order_id, o.event_id, o.at_ms
    FROM ordered o
    JOIN (SELECT shop, buyer, order_id, max(units) AS units FROM item GROUP BY ALL) i
        USING (shop, buyer, order_id)
    WHERE i.units >= getvariable('large_units')
        OR (
            upper(o.value ->> '$.currency') = 'CNY'
            AND (o.value ->> '$.amount_minor')::BIGINT >= getvariable('large_amount_minor')
        )
),
parcel AS (
    SELECT DISTINCT shop, buyer, order_id, event_id, at_ms, kind
    FROM event
    WHERE topic = 'shipments' AND kind IN ('refused', 'returned_to_sender')
),
refused AS (
    SELECT
        shop, buyer, order_id,
        min(at_ms) AS at_ms, first(event_id ORDER BY at_ms, event_id) AS anchor,
        bool_or(kind = 'refused') AS is_refused
    FROM parcel
    GROUP BY ALL
),
-- Refused as the shop had asked to, of the order or of none by name.
as_asked AS (
    SELECT DISTINCT p.shop, p.buyer, p.order_id
    FROM refused p
    JOIN said_by_seller s ON s.shop = p.shop AND s.buyer = p.buyer AND s.at_ms <= p.at_ms
    LEFT JOIN created o ON o.shop = p.shop AND o.buyer = p.buyer AND o.order_id = p.order_id
    WHERE s.is_wish_to_refuse
        AND CASE WHEN s.order_id IS NULL THEN s.at_ms >= coalesce(o.at_ms, 0)
            ELSE s.order_id = p.order_id END
),
at_fault AS (
    FROM refused
    ANTI JOIN as_asked USING (shop, buyer, order_id)
    WHERE at_ms <= getvariable('horizon_ms')
),
request AS (
    SELECT r.*, w.at_ms AS withdrawn_at
    FROM (FROM refund WHERE kind = 'requested') r
    -- Granted under the same name before the parcel was refused: it only had to come back.
    ANTI JOIN (
        SELECT g.shop, g.buyer, g.value ->> '$.refund_id' AS refund_id, g.at_ms
        FROM seller_event g
        WHERE g.topic = 'refunds' AND g.kind IN ('agreed', 'ruled_for_buyer', 'succeeded')
    ) g
        ON g.shop = r.shop AND g.buyer = r.buyer AND g.refund_id = r.refund_id
        AND g.at_ms <= (
            SELECT q.at_ms FROM at_fault q
            WHERE q.shop = r.shop AND q.buyer = r.buyer AND q.order_id = r.order_id
        )
    JOIN at_fault p USING (shop, buyer, order_id)
    LEFT JOIN (FROM refund WHERE kind = 'withdrawn') w USING (shop, buyer, refund_id, attempt_no)
    WHERE r.at_ms >= p.at_ms
        AND (r.goods_status <> 'received' OR r.is_refund_only)
        AND r.reason NOT IN ('damaged', 'wrong_item', 'late_shipment', 'stockout')
),
at_issue AS (
    SELECT
        shop, buyer, order_id,
        min(at_ms) AS opened_at,
        CASE WHEN count(*) = count(withdrawn_at)
            THEN greatest(max(withdrawn_at), min(at_ms)) END AS withdrawn_at
    FROM request
    GROUP BY ALL
),
agreed AS (
    SELECT c.shop, c.buyer, c.order_id, g.event_id, g.at_ms, g.is_judged
    FROM at_issue c
    JOIN granted g
        ON g.shop = c.shop AND g.buyer = c.buyer AND g.order_id = c.order_id
        AND g.at_ms >= c.opened_at
    WHERE c.withdrawn_at IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY c.shop, c.buyer, c.order_id ORDER BY g.at_ms, g.event_id
    ) = 1
),
weighed AS (
    SELECT
        c.*,
        coalesce(c.withdrawn_at, a.at_ms) AS resolved_at,
        coalesce(a.is_judged, false) AS is_judged,
        l.order_id IS NOT NULL AS is_large,
        (
            SELECT count(*)
            FROM at_issue b
            JOIN refused q
                ON q.shop = b.shop AND q.buyer = b.buyer AND q.order_id = b.order_id
                AND q.is_refused
            WHERE b.shop = c.shop AND b.buyer = c.buyer AND b.withdrawn_at IS NULL
                AND b.opened_at < c.opened_at
                AND c.opened_at <= b.opened_at + 1000 * getvariable('prior_window_s')
        ) >= getvariable('prior_cases') AS is_repeated
    FROM at_issue c
    LEFT JOIN large l USING (shop, buyer, order_id)
    LEFT JOIN agreed a USING (shop, buyer, order_id)
),
-- Left too late, by T02 or by what the order had promised.
late AS (
    SELECT o.shop, o.buyer, o.order_id
    FROM shipping_over o
    LEFT JOIN created c USING (shop, buyer, order_id)
    LEFT JOIN paid p USING (shop, buyer, order_id)
    WHERE o.topic = 'shipments' AND o.at_ms > CASE
        WHEN c.ship_by > coalesce(p.at_ms, c.at_ms) THEN c.ship_by
        ELSE coalesce(p.at_ms, c.at_ms) + 1000 * getvariable('limit_s')
    END
),
member AS (
    SELECT
        shop, buyer, order_id,
        list(event_id ORDER BY event_id) AS members, max(at_ms) AS last_at
    FROM (
        SELECT p.shop, p.buyer, p.order_id, p.event_id, p.at_ms FROM parcel p
        UNION ALL
        SELECT shop, buyer, order_id, event_id, at_ms FROM request
        UNION ALL
        SELECT shop, buyer, order_id, event_id, at_ms FROM large
        UNION ALL
        SELECT shop, buyer, order_id, event_id, at_ms FROM agreed
    )
    GROUP BY ALL
)
SELECT
    'buyer' AS subject_kind,
    w.shop || ':' || w.buyer AS subject_id,
    p.anchor AS anchor_event_id,
    w.opened_at AS opened_at_ms,
    m.last_at AS last_crossing_ms,
    CASE
        WHEN w.resolved_at IS NOT NULL THEN 'resolved'
        WHEN m.last_at + 1000 * getvariable('expire_after_s') <= getvariable('horizon_ms')
            THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN w.resolved_at
        WHEN 'expired' THEN m.last_at + 1000 * getvariable('expire_after_s')
    END AS ended_at_ms,
    CASE
        WHEN t.order_id IS NOT NULL OR w.is_judged THEN 'info'
        WHEN w.is_repeated OR w.is_large AND p.is_refused THEN 'warn'
        ELSE 'info'
    END AS severity,
    m.members,
    len(m.members) AS n_members
FROM weighed w
JOIN refused p USING (shop, buyer, order_id)
JOIN member m USING (shop, buyer, order_id)
LEFT JOIN late t USING (shop, buyer, order_id)
ORDER BY subject_id, opened_at_ms, anchor_event_id;
