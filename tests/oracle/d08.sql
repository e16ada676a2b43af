-- D08 serial_refund_only; see the definition in docs/detectors/D08.md.
WITH
-- Parcels that the carrier brought back, and that did not leave after that.
back AS (
    SELECT shop, buyer, order_id
    FROM event
    WHERE topic = 'shipments' AND kind IN ('shipped', 'refused', 'returned_to_sender')
    GROUP BY ALL
    HAVING max(at_ms) FILTER (kind IN ('refused', 'returned_to_sender')) = max(at_ms)
),
-- Decided for the buyer before anybody asked, or at that very time: the platform did so by itself.
unasked AS (
    SELECT d.shop, d.buyer, d.refund_id
    FROM (
        SELECT shop, buyer, value ->> '$.refund_id' AS refund_id, min(at_ms) AS at_ms
        FROM event
        WHERE topic = 'refunds' AND kind = 'platform_intervened' AND value ->> '$.ruling' = 'buyer'
        GROUP BY ALL
    ) d
    JOIN (
        SELECT shop, buyer, refund_id, min(at_ms) AS first_at
        FROM refund
        WHERE kind = 'requested'
        GROUP BY ALL
    ) r USING (shop, buyer, refund_id)
    WHERE d.at_ms <= r.first_at
),
-- What the seller asked to apply for, let keep or had owned up to before.
invited AS (
    SELECT DISTINCT shop, buyer, event_id
    FROM invited_request
    WHERE is_invitation OR is_keep OR is_mistake
),
-- What counts: asked for goods that had left or were there, and not for a fault of the seller.
request AS (
    SELECT r.*
    FROM standing_request r
    LEFT JOIN shipped s USING (shop, buyer, order_id)
    LEFT JOIN carried c USING (shop, buyer, order_id)
    LEFT JOIN back b ON b.shop = r.shop AND b.buyer = r.buyer AND b.order_id = r.order_id
    ANTI JOIN unasked u
        ON u.shop = r.shop AND u.buyer = r.buyer AND u.refund_id = r.refund_id
    ANTI JOIN invited i
        ON i.shop = r.shop AND i.buyer = r.buyer AND i.event_id = r.event_id
    WHERE r.is_refund_only
        AND r.reason NOT IN ('stockout', 'late_shipment')
        AND (r.goods_status = 'received' OR b.order_id IS NULL)
        AND (
            r.goods_status IN ('received', 'returned')
            OR (s.at_ms <= r.at_ms AND NOT c.is_missing AND coalesce(c.picked_up_at <= r.at_ms, true))
        )
),

-- A. Asking again for the same line after a refusal: what names no sub-order belongs to every line.
line AS (
    SELECT DISTINCT shop, buyer, order_id, sub_order_id AS line
    FROM request
    WHERE sub_order_id IS NOT NULL
    UNION
    SELECT shop, buyer, order_id, ''
    FROM request
    GROUP BY ALL
    HAVING count(sub_order_id) = 0
),
refusal AS (
    SELECT f.shop, f.buyer, f.order_id, f.at_ms, coalesce(f.sub_order_id, r.sub_order_id) AS about
    FROM (FROM refund WHERE kind = 'refused') f
    LEFT JOIN (FROM refund WHERE kind = 'requested') r USING (shop, buyer, refund_id, attempt_no)
),
paced AS (
    SELECT
        r.*, l.line,
        lag(r.at_ms) OVER (
            PARTITION BY r.shop, r.buyer, r.order_id, l.line ORDER BY r.at_ms, r.event_id
        ) AS previous_at
    FROM line l
    JOIN request r
        ON r.shop = l.shop AND r.buyer = l.buyer AND r.order_id = l.order_id
        AND coalesce(r.sub_order_id = l.line, true)
),
rerequest AS (
    SELECT p.*
    FROM paced p
    SEMI JOIN refusal f
        ON f.shop = p.shop AND f.buyer = p.buyer AND f.order_id = p.order_id
        AND (p.line = '' OR coalesce(f.about = p.line, true))
        AND f.at_ms > p.previous_at AND f.at_ms < p.at_ms
),
-- No time beyond the horizon, unless all say that the goods were received: else they may be on their way back.
a_time AS (
    SELECT DISTINCT t.*
    FROM (
        SELECT shop, buyer, order_id, line, at_ms FROM rerequest
        UNION
        SELECT r.shop, r.buyer, r.order_id, r.line, c.at_ms
        FROM rerequest r
        JOIN contact c USING (shop, buyer)
        WHERE NOT c.is_answered
    ) t
    LEFT JOIN (FROM request WHERE goods_status <> 'received') u
        ON u.shop = t.shop AND u.buyer = t.buyer AND u.order_id = t.order_id
    WHERE t.at_ms <= getvariable('horizon_ms') OR u.order_id IS NULL
),
a_window AS (
    SELECT t.shop, t.buyer, t.order_id, t.at_ms AS crossing_at, r.event_id, r.at_ms
    FROM a_time t
    JOIN rerequest r
        ON r.shop = t.shop AND r.buyer = t.buyer AND r.order_id = t.order_id AND r.line = t.line
        AND r.at_ms BETWEEN t.at_ms - 1000 * getvariable('rerequest_window_s') AND t.at_ms
    QUALIFY count(*) OVER (PARTITION BY t.shop, t.buyer, t.order_id, t.line, t.at_ms)
        >= getvariable('rerequests')
),
silence AS (
    SELECT
        t.shop, t.buyer, t.crossing_at,
        count(*) FILTER (NOT c.is_answered) >= getvariable('failed_contacts')
            AND NOT bool_or(c.is_answered) AS is_silent
    FROM (
        SELECT DISTINCT shop, buyer, crossing_at
        FROM a_window
        WHERE crossing_at <= getvariable('horizon_ms')
        -- Who writes can be reached.
        AND NOT EXISTS (
            FROM wrote w
            WHERE w.shop = a_window.shop AND w.buyer = a_window.buyer
                AND w.day BETWEEN (crossing_at - 1000 * getvariable('rerequest_window_s')) // 86400000
                    AND crossing_at // 86400000
        )
    ) t
    JOIN contact c
        ON c.shop = t.shop AND c.buyer = t.buyer
        AND c.at_ms <= t.crossing_at
        AND c.at_ms >= t.crossing_at - 1000 * getvariable('rerequest_window_s')
    GROUP BY ALL
),

-- B. Many orders refunded after the goods left.
known AS (
    SELECT shop, buyer, order_id FROM created
    UNION
    SELECT shop, buyer, order_id FROM paid
),
-- The members at t: of each order of S its earliest counting request in the window.
b_window AS (
    SELECT t.shop, t.buyer, r.order_id, t.at_ms AS crossing_at, r.event_id, r.at_ms
    FROM (SELECT DISTINCT shop, buyer, at_ms FROM request) t
    JOIN request r
        ON r.shop = t.shop AND r.buyer = t.buyer
        AND r.at_ms BETWEEN t.at_ms - 1000 * getvariable('window_s') AND t.at_ms
    QUALIFY row_number() OVER (
        PARTITION BY t.shop, t.buyer, t.at_ms, r.order_id ORDER BY r.at_ms, r.event_id
    ) = 1
),
refunded AS (
    SELECT
        b.shop, b.buyer, b.crossing_at,
        count(*) AS s,
        -- What came in one parcel was asked about once.
        count(DISTINCT t.tracking_no) + count(*) FILTER (t.tracking_no IS NULL) AS parcels,
        bool_or(k.order_id IS NOT NULL) AS is_known
    FROM b_window b
    LEFT JOIN known k USING (shop, buyer, order_id)
    LEFT JOIN shipped t USING (shop, buyer, order_id)
    GROUP BY ALL
    HAVING parcels >= getvariable('warn_orders')
),
bought AS (
    SELECT shop, buyer, crossing_at, count(*) AS p
    FROM (
        SELECT r.shop, r.buyer, r.crossing_at, p.order_id
        FROM refunded r
        JOIN payment p
            ON p.shop = r.shop AND p.buyer = r.buyer AND p.kind = 'succeeded'
            AND p.at_ms BETWEEN r.crossing_at - 1000 * getvariable('window_s') AND r.crossing_at
        ANTI JOIN came_to_nothing n
            ON n.shop = p.shop AND n.buyer = p.buyer AND n.order_id = p.order_id
        UNION
        SELECT b.shop, b.buyer, b.crossing_at, b.order_id
        FROM b_window b
        SEMI JOIN refunded USING (shop, buyer, crossing_at)
    )
    GROUP BY ALL
),
b_crossing AS (
    SELECT
        r.shop, r.buyer, r.crossing_at,
        CASE WHEN r.parcels >= getvariable('critical_orders') THEN 2 ELSE 1 END AS level
    FROM refunded r
    JOIN bought b USING (shop, buyer, crossing_at)
    WHERE r.is_known AND r.s >= getvariable('min_share') * b.p
        AND r.crossing_at <= getvariable('horizon_ms')
),

-- Both on one line of time.
crossing AS (
    SELECT shop, buyer, crossing_at, max(level) AS level
    FROM (
        SELECT
            w.shop, w.buyer, w.crossing_at,
            CASE WHEN coalesce(q.is_silent, false) THEN 2 ELSE 1 END AS level
        FROM a_window w
        LEFT JOIN silence q USING (shop, buyer, crossing_at)
        UNION ALL
        FROM b_crossing
    )
    GROUP BY ALL
),
in_window AS (
    SELECT shop, buyer, crossing_at, event_id, at_ms FROM a_window
    UNION
    SELECT w.shop, w.buyer, w.crossing_at, w.event_id, w.at_ms
    FROM b_window w
    SEMI JOIN b_crossing USING (shop, buyer, crossing_at)
),
gap AS (
    SELECT
        *,
        crossing_at - lag(crossing_at) OVER of_buyer > 1000 * getvariable('cooldown_s') AS is_new
    FROM crossing
    WINDOW of_buyer AS (PARTITION BY shop, buyer ORDER BY crossing_at)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new)
        OVER (PARTITION BY shop, buyer ORDER BY crossing_at) AS episode
    FROM gap
),
episode AS (
    SELECT
        shop, buyer, episode,
        min(crossing_at) AS opened_at, max(crossing_at) AS last_crossing, max(level) AS level
    FROM numbered
    GROUP BY ALL
),
anchor AS (
    SELECT e.shop, e.buyer, e.episode, first(w.event_id ORDER BY w.at_ms, w.event_id) AS event_id
    FROM episode e
    JOIN in_window w ON w.shop = e.shop AND w.buyer = e.buyer AND w.crossing_at = e.opened_at
    GROUP BY ALL
),
member AS (
    SELECT n.shop, n.buyer, n.episode, list(DISTINCT w.event_id ORDER BY w.event_id) AS members
    FROM numbered n
    JOIN in_window w USING (shop, buyer, crossing_at)
    GROUP BY ALL
),
-- The requests that were made: all that count of the orders that the members are about, up to the last crossing.
made AS (
    SELECT DISTINCT e.shop, e.buyer, e.episode, r.order_id, r.event_id, r.at_ms
    FROM episode e
    JOIN numbered n USING (shop, buyer, episode)
    JOIN in_window w USING (shop, buyer, crossing_at)
    JOIN request m ON m.shop = w.shop AND m.buyer = w.buyer AND m.event_id = w.event_id
    JOIN request r
        ON r.shop = m.shop AND r.buyer = m.buyer AND r.order_id = m.order_id
        AND r.at_ms <= e.last_crossing
),
-- Found right by the platform in every one of them.
judged AS (
    SELECT shop, buyer, episode
    FROM (
        SELECT
            m.shop, m.buyer, m.episode, m.event_id,
            bool_or(g.at_ms >= m.at_ms) IS NOT DISTINCT FROM true AS is_judged
        FROM made m
        LEFT JOIN found_right g USING (shop, buyer, order_id)
        GROUP BY ALL
    )
    GROUP BY ALL
    HAVING bool_and(is_judged)
)
SELECT
    'buyer' AS subject_kind,
    e.shop || ':' || e.buyer AS subject_id,
    a.event_id AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    CASE WHEN e.last_crossing + 1000 * getvariable('cooldown_s') <= getvariable('horizon_ms')
        THEN 'expired' ELSE 'open' END AS status,
    CASE status WHEN 'expired' THEN e.last_crossing + 1000 * getvariable('cooldown_s')
    END AS ended_at_ms,
    CASE WHEN j.episode IS NOT NULL THEN 'info' WHEN e.level = 2 THEN 'critical' ELSE 'warn' END AS severity,
    m.members,
    len(m.members) AS n_members
FROM episode e
JOIN anchor a USING (shop, buyer, episode)
JOIN member m USING (shop, buyer, episode)
LEFT JOIN judged j USING (shop, buyer, episode)
ORDER BY subject_id, opened_at_ms;
