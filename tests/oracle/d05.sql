-- D05 suspicious_address; see the definition in docs/detectors/D05.md. Which addresses are doubted is given.
WITH
-- 3. What was said of an order once nothing was left to ship counts for nothing.
doubt AS (
    SELECT r.*
    FROM receiver_known r
    LEFT JOIN shipping_over o USING (shop, buyer, order_id)
    WHERE r.is_address_doubted AND coalesce(r.at_ms <= o.at_ms, true)
),
-- 2. The last receiver of each order.
standing AS (
    FROM receiver_known
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, order_id ORDER BY at_ms DESC, event_id DESC
    ) = 1
),
cases AS (
    SELECT
        shop, buyer, order_id,
        arg_min(d.event_id, (d.at_ms, d.event_id)) AS anchor,
        min(d.at_ms) AS opened_at,
        any_value(CASE WHEN NOT s.is_address_doubted THEN s.at_ms END) AS corrected_at,
        any_value(s.event_id) AS standing_id,
        any_value(o.at_ms) AS over_at,
        -- 4. Whichever came first; of both at once it was over.
        least(corrected_at, over_at) AS resolved_at,
        corrected_at IS NOT NULL AND coalesce(corrected_at < over_at, true) AS is_corrected
    FROM doubt d
    JOIN standing s USING (shop, buyer, order_id)
    LEFT JOIN shipping_over o USING (shop, buyer, order_id)
    GROUP BY ALL
),
-- 5. Calls in vain between opening and end, of who was not reached in any way meanwhile; up to the horizon
-- only. An answer helps whenever it is told.
call AS (
    SELECT
        c.shop, c.buyer, c.order_id, e.event_id, e.at_ms,
        count(*) OVER (PARTITION BY c.shop, c.buyer, c.order_id) AS n,
        row_number() OVER (PARTITION BY c.shop, c.buyer, c.order_id ORDER BY e.at_ms, e.event_id) AS place
    FROM cases c
    JOIN (
        FROM event
        WHERE topic = 'contacts' AND kind = 'attempted'
        QUALIFY row_number() OVER (PARTITION BY shop, buyer, event_id ORDER BY at_ms DESC) = 1
    ) e
        ON e.shop = c.shop AND e.buyer = c.buyer AND NOT (e.value ->> '$.answered')::BOOLEAN
        AND e.at_ms >= c.opened_at AND coalesce(e.at_ms <= c.resolved_at, true)
        AND e.at_ms <= getvariable('horizon_ms')
    WHERE NOT EXISTS (
        FROM contact a
        WHERE a.shop = c.shop AND a.buyer = c.buyer AND a.is_answered
            AND a.at_ms >= c.opened_at AND coalesce(a.at_ms <= c.resolved_at, true)
    ) AND NOT EXISTS (
        FROM wrote w
        WHERE w.shop = c.shop AND w.buyer = c.buyer
            AND w.day >= c.opened_at // 86400000 AND coalesce(w.day <= c.resolved_at // 86400000, true)
    )
),
sign AS (
    SELECT
        c.shop, c.buyer, c.order_id, s.event_id, s.at_ms,
        count(*) OVER (PARTITION BY c.shop, c.buyer, c.order_id) AS n,
        row_number() OVER (PARTITION BY c.shop, c.buyer, c.order_id ORDER BY s.at_ms, s.event_id) AS place
    FROM cases c
    JOIN identity_sign s
        ON s.shop = c.shop AND s.buyer = c.buyer AND s.at_ms <= getvariable('horizon_ms')
        AND coalesce(s.at_ms <= c.resolved_at, true)
        AND coalesce(s.cleared_at >= c.resolved_at, s.cleared_at IS NULL)
),
-- The first that suffice, and the newest.
proof AS (
    FROM call WHERE n >= getvariable('failed_contacts') AND (place <= getvariable('failed_contacts') OR place = n)
    UNION ALL
    FROM sign WHERE n >= getvariable('identity_signs') AND (place <= getvariable('identity_signs') OR place = n)
),
member AS (
    SELECT shop, buyer, order_id, list(event_id ORDER BY event_id) AS members, max(at_ms) AS last_at
    FROM (
        SELECT shop, buyer, order_id, event_id, at_ms FROM doubt
        -- A receiver may be doubted for its address and its phone, and then proves both.
        UNION
        SELECT shop, buyer, order_id, event_id, at_ms FROM proof
        UNION
        -- The change that put it right; an order that was told anew is no change.
        SELECT c.shop, c.buyer, c.order_id, c.standing_id, c.resolved_at
        FROM cases c
        SEMI JOIN (FROM event WHERE topic = 'orders' AND kind = 'address_changed') e
            ON e.shop = c.shop AND e.buyer = c.buyer AND e.event_id = c.standing_id
        WHERE c.is_corrected
    )
    GROUP BY ALL
)
SELECT
    'buyer' AS subject_kind,
    c.shop || ':' || c.buyer AS subject_id,
    c.anchor AS anchor_event_id,
    c.opened_at AS opened_at_ms,
    m.last_at AS last_crossing_ms,
    case_status(c.resolved_at, m.last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms'))
        AS status,
    case_ended(c.resolved_at, m.last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms'))
        AS ended_at_ms,
    CASE WHEN EXISTS (
        FROM proof p WHERE p.shop = c.shop AND p.buyer = c.buyer AND p.order_id = c.order_id
    ) THEN 'critical' ELSE 'warn' END AS severity,
    m.members,
    len(m.members) AS n_members
FROM cases c
JOIN member m USING (shop, buyer, order_id)
ORDER BY subject_id, opened_at_ms;
