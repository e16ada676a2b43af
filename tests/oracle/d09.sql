-- D09 malicious_return; see the definition in docs/detectors/D09.md.
WITH
-- A. Another thing came back.
-- An order may come back in several parcels: the numbers of all of them together are looked at as well.
returned AS (
    SELECT
        *,
        sum(coalesce(received_units, 0)) OVER of_order AS all_units,
        sum(coalesce(received_g, 0)) OVER of_order AS all_g
    FROM inspected
    WINDOW of_order AS (PARTITION BY shop, buyer, order_id)
),
measured AS (
    SELECT
        *,
        coalesce(received_units < expected_units AND all_units < expected_units, false) AS is_fewer,
        expected_g > 0 AND received_g IS NOT NULL AS is_weighed,
        coalesce(is_weighed AND 100 * least(abs(received_g - expected_g), abs(all_g - expected_g))
            > getvariable('tolerance') * expected_g, false) AS is_off,
        coalesce(received_units < expected_units, false) OR coalesce(received_g < expected_g, false) AS is_less,
        is_less AND NOT coalesce(expected_sku <> received_sku, false)
            AND NOT coalesce(expected_g > 0 AND (received_g > expected_g OR 2 * received_g < expected_g), false) AS is_only_less
    FROM returned
),
contradicted AS (
    FROM measured
    WHERE result = 'mismatch' AND CASE
        WHEN expected_sku <> received_sku THEN true
        WHEN is_fewer THEN true
        WHEN is_weighed THEN is_off
        WHEN received_units <> expected_units THEN false
        ELSE true
    END
),
-- Sent again after an earlier return had come: what is in that parcel is not what the order says.
exchanged AS (
    SELECT DISTINCT c.shop, c.buyer, c.event_id
    FROM contradicted c
    JOIN shipped s
        ON s.shop = c.shop AND s.buyer = c.buyer AND s.order_id = c.order_id AND s.at_ms < c.at_ms
    JOIN arrived a
        ON a.shop = c.shop AND a.buyer = c.buyer AND a.order_id = c.order_id
        AND a.return_id <> c.return_id AND a.at_ms < s.at_ms
),
-- The shop had said so itself, of this order or of none by name.
owned_up AS (
    SELECT DISTINCT c.shop, c.buyer, c.event_id
    FROM contradicted c
    JOIN said_by_seller s ON s.shop = c.shop AND s.buyer = c.buyer AND s.at_ms <= c.at_ms
    LEFT JOIN created o ON o.shop = c.shop AND o.buyer = c.buyer AND o.order_id = c.order_id
    -- That some of it need not come back excuses only that less came.
    WHERE (s.is_mistake OR s.is_keep AND c.is_only_less)
        AND CASE WHEN s.order_id IS NULL THEN s.at_ms >= coalesce(o.at_ms, 0)
            ELSE s.order_id = c.order_id END
),
-- Each holds what the other should: the n-th of a pair of SKUs with the n-th the other way round.
turned AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY shop, buyer, expected_sku, received_sku ORDER BY at_ms, event_id
        ) AS n
    FROM contradicted
    WHERE expected_sku <> received_sku
),
swapped AS (
    SELECT a.shop, a.buyer, a.event_id
    FROM turned a
    JOIN turned b
        ON b.shop = a.shop AND b.buyer = a.buyer AND b.n = a.n
        AND b.expected_sku = a.received_sku AND b.received_sku = a.expected_sku
    WHERE coalesce(a.received_units >= b.expected_units, true)
        AND NOT coalesce(b.expected_g > 0 AND 100 * abs(a.received_g - b.expected_g)
            > getvariable('tolerance') * b.expected_g, false)
),
reasons_before AS (
    SELECT c.shop, c.buyer, c.event_id, list(s.reason) AS reasons
    FROM contradicted c
    JOIN (
        SELECT
            shop, buyer, order_id, at_ms,
            CASE WHEN says_sent_wrong THEN 'wrong_item' ELSE reason END AS reason
        FROM refund
        WHERE kind = 'requested'
        UNION ALL
        SELECT shop, buyer, order_id, at_ms, reason FROM dispute
    ) s ON s.shop = c.shop AND s.buyer = c.buyer AND s.order_id = c.order_id AND s.at_ms <= c.at_ms
    GROUP BY ALL
),
not_sent AS (
    SELECT
        c.*,
        coalesce(expected_sku <> received_sku, false) AND NOT is_fewer AND NOT is_off AS is_only_sku,
        is_only_sku AND coalesce(list_contains(r.reasons, 'not_as_described'), false) AS is_other_colour
    FROM contradicted c
    LEFT JOIN reasons_before r USING (shop, buyer, event_id)
    LEFT JOIN (SELECT *, true AS is_exchanged FROM exchanged) x USING (shop, buyer, event_id)
    WHERE NOT coalesce(list_contains(r.reasons, 'wrong_item'), false)
        AND NOT (is_only_sku AND coalesce(is_exchanged, false))
        AND c.event_id NOT IN (
            SELECT event_id FROM owned_up q WHERE q.shop = c.shop AND q.buyer = c.buyer
        )
        AND c.event_id NOT IN (
            SELECT event_id FROM swapped q WHERE q.shop = c.shop AND q.buyer = c.buyer
        )
),
unsettled AS (
    SELECT n.* EXCLUDE (is_other_colour)
    FROM not_sent n
    WHERE NOT (
        n.is_other_colour AND (
            SELECT count(DISTINCT o.order_id)
            FROM not_sent o
            WHERE o.shop = n.shop AND o.buyer = n.buyer AND o.is_other_colour
        ) = 1
    )
),
mismatch AS (
    FROM unsettled
    WHERE at_ms <= getvariable('horizon_ms')
),
-- Who was right in the end, by the platform's word; and what only the buyer had said before, of one order.
judged AS (
    SELECT shop, buyer, order_id, max(at_ms) AS at_ms
    FROM found_right
    GROUP BY ALL
),
ranked AS (
    SELECT
        m.*,
        CASE
            WHEN j.at_ms >= m.at_ms THEN 0
            WHEN (
                SELECT count(DISTINCT o.order_id)
                FROM unsettled o
                WHERE o.shop = m.shop AND o.buyer = m.buyer
            ) > 1 THEN 2
            WHEN EXISTS (
                FROM told_by_buyer t
                LEFT JOIN created c
                    ON c.shop = m.shop AND c.buyer = m.buyer AND c.order_id = m.order_id
                WHERE t.shop = m.shop AND t.buyer = m.buyer AND t.kind = 'sent_wrong'
                    AND t.at_ms <= m.at_ms AND t.at_ms >= coalesce(c.at_ms, 0)
            ) OR m.is_only_less AND EXISTS (
                FROM reasons_before r
                WHERE r.shop = m.shop AND r.buyer = m.buyer AND r.event_id = m.event_id
                    AND list_contains(r.reasons, 'damaged')
            ) THEN CASE WHEN m.is_only_sku THEN 0 ELSE 1 END
            ELSE 2
        END AS level,
        CASE WHEN j.at_ms >= m.at_ms THEN 0 ELSE 2 END AS act_level
    FROM mismatch m
    LEFT JOIN judged j ON j.shop = m.shop AND j.buyer = m.buyer AND j.order_id = m.order_id
),
-- B. Many orders for odd reasons; of which the shop had owned up to a fault, the next request does not count.
counting AS (
    SELECT r.*
    FROM standing_request r
    ANTI JOIN (FROM invited_request WHERE is_mistake) a
        ON a.shop = r.shop AND a.buyer = r.buyer AND a.event_id = r.event_id
    WHERE r.reason IN ('quality', 'ineffective', 'allergy', 'not_as_described', 'wrong_item')
),
known AS (
    SELECT shop, buyer, order_id FROM created
    UNION
    SELECT shop, buyer, order_id FROM paid
),
b_window AS (
    SELECT t.shop, t.buyer, r.order_id, t.at_ms AS crossing_at, r.event_id, r.at_ms
    FROM (SELECT DISTINCT shop, buyer, at_ms FROM counting) t
    JOIN counting r
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
    SELECT r.shop, r.buyer, r.crossing_at, 1 AS level
    FROM refunded r
    JOIN bought b USING (shop, buyer, crossing_at)
    WHERE r.is_known AND 100 * r.s >= getvariable('min_share') * b.p
        AND r.crossing_at <= getvariable('horizon_ms')
),
-- Both on one line of time.
crossing AS (
    SELECT shop, buyer, crossing_at, max(level) AS level, max(act_level) AS act_level
    FROM (
        SELECT shop, buyer, at_ms AS crossing_at, level, act_level FROM ranked
        UNION ALL
        SELECT *, level FROM b_crossing
    )
    GROUP BY ALL
),
in_window AS (
    SELECT shop, buyer, at_ms AS crossing_at, event_id, at_ms FROM mismatch
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
        min(crossing_at) AS opened_at, max(crossing_at) AS last_crossing, max(level) AS level,
        max(act_level) AS act_level,
        last_crossing + 1000 * getvariable('expire_after_s') AS expires_at
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
-- Of B alone: all of it came back whole, or was found right.
settled AS (
    SELECT n.shop, n.buyer, n.episode
    FROM numbered n
    JOIN in_window w USING (shop, buyer, crossing_at)
    LEFT JOIN counting r ON r.shop = w.shop AND r.buyer = w.buyer AND r.event_id = w.event_id
    LEFT JOIN judged j ON j.shop = w.shop AND j.buyer = w.buyer AND j.order_id = r.order_id
    LEFT JOIN (
        SELECT shop, buyer, order_id, bool_and(result = 'match') AS is_whole
        FROM inspected
        GROUP BY ALL
    ) b ON b.shop = w.shop AND b.buyer = w.buyer AND b.order_id = r.order_id
    GROUP BY ALL
    HAVING bool_and(r.order_id IS NOT NULL AND (
        coalesce(j.at_ms >= r.at_ms, false) OR coalesce(b.is_whole, false)
    ))
)
SELECT
    'buyer' AS subject_kind,
    e.shop || ':' || e.buyer AS subject_id,
    a.event_id AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    case_status(NULL, e.expires_at, getvariable('horizon_ms')) AS status,
    case_ended(NULL, e.expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    CASE
        WHEN s.episode IS NOT NULL THEN 'info'
        ELSE ['info', 'warn', 'critical'][1 + e.level]
    END AS severity,
    m.members,
    len(m.members) AS n_members,
    ['info', 'warn', 'critical'][1 + e.act_level] AS act_level
FROM episode e
JOIN anchor a USING (shop, buyer, episode)
JOIN member m USING (shop, buyer, episode)
LEFT JOIN settled s USING (shop, buyer, episode)
ORDER BY subject_kind, subject_id, opened_at_ms;
