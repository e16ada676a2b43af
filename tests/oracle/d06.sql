-- D06 suspicious_identity; see the definition in docs/detectors/D06.md. What a receiver's address and phone
-- are worth is given, in `doubted`.
WITH
-- 2. One case of each buyer with a sign and an order.
cases AS (
    SELECT
        s.shop, s.buyer,
        arg_min(s.event_id, (s.at_ms, s.event_id)) AS anchor,
        greatest(min(s.at_ms), any_value(o.at_ms)) AS opened_at,
        CASE WHEN count(*) = count(s.cleared_at) THEN max(s.cleared_at) END AS cleared_at
    FROM identity_sign s
    JOIN (SELECT shop, buyer, min(at_ms) AS at_ms FROM ordered GROUP BY ALL) o USING (shop, buyer)
    GROUP BY ALL
),
-- 3. The signs that count: those that stand, else those that were cleared last.
counting AS (
    SELECT s.*
    FROM identity_sign s
    JOIN cases c USING (shop, buyer)
    WHERE s.cleared_at IS NOT DISTINCT FROM c.cleared_at
),
-- 4. Addresses that stood then, and large orders.
line AS (
    SELECT shop, buyer, order_id, unnest(value -> '$.items[*]') AS line
    FROM ordered
),
item AS (
    SELECT shop, buyer, order_id, sum((line ->> '$.quantity')::BIGINT) AS units
    FROM line
    GROUP BY shop, buyer, order_id, line ->> '$.item_id'
),
odd AS (
    SELECT shop, buyer, event_id, at_ms, true AS is_receiver
    FROM (
        SELECT r.*
        FROM receiver_known r
        JOIN cases c USING (shop, buyer)
        WHERE c.cleared_at IS NULL OR r.at_ms <= c.cleared_at
        QUALIFY row_number() OVER (
            PARTITION BY r.shop, r.buyer, r.order_id ORDER BY r.at_ms DESC, r.event_id DESC
        ) = 1
    )
    WHERE is_address_doubted
    UNION
    SELECT o.shop, o.buyer, o.event_id, o.at_ms, false
    FROM ordered o
    JOIN cases c USING (shop, buyer)
    SEMI JOIN (FROM item WHERE units >= getvariable('large_units')) i
        ON i.shop = o.shop AND i.buyer = o.buyer AND i.order_id = o.order_id
    WHERE c.cleared_at IS NULL OR o.at_ms <= c.cleared_at
),
weighed AS (
    SELECT
        c.shop, c.buyer, c.anchor, c.opened_at,
        greatest(c.cleared_at, c.opened_at) AS resolved_at,
        c.cleared_at IS NOT NULL AS is_resolved,
        (SELECT count(DISTINCT sign) FROM counting s WHERE s.shop = c.shop AND s.buyer = c.buyer)
            + EXISTS (FROM odd o WHERE o.shop = c.shop AND o.buyer = c.buyer)::INT AS n_signs
    FROM cases c
),
-- All signs, and what made it a warning; of one order both its receiver and its size may.
member AS (
    SELECT
        shop, buyer,
        list(event_id ORDER BY event_id) AS members,
        greatest(max(at_ms), any_value(c.opened_at)) AS last_at
    FROM (
        SELECT shop, buyer, event_id, at_ms, is_receiver FROM identity_sign
        UNION
        SELECT o.*
        FROM odd o
        SEMI JOIN (FROM weighed WHERE n_signs >= getvariable('warn_signs')) w
            ON w.shop = o.shop AND w.buyer = o.buyer
    )
    JOIN cases c USING (shop, buyer)
    GROUP BY ALL
)
SELECT
    'buyer' AS subject_kind,
    w.shop || ':' || w.buyer AS subject_id,
    w.anchor AS anchor_event_id,
    w.opened_at AS opened_at_ms,
    m.last_at AS last_crossing_ms,
    CASE
        WHEN w.is_resolved THEN 'resolved'
        WHEN m.last_at + 1000 * getvariable('expire_after_s') <= getvariable('horizon_ms')
            THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN w.resolved_at
        WHEN 'expired' THEN m.last_at + 1000 * getvariable('expire_after_s')
    END AS ended_at_ms,
    CASE WHEN w.n_signs >= getvariable('warn_signs') THEN 'warn' ELSE 'info' END AS severity,
    m.members,
    len(m.members) AS n_members
FROM weighed w
JOIN member m USING (shop, buyer)
ORDER BY subject_id, opened_at_ms;
