-- D01 unpaid_order_burst; the numbers are those of the definition in docs/detectors/D01.md.
WITH
-- 1. An order, its payment, its closing.
trade AS (
    SELECT
        c.shop, c.buyer, c.order_id, c.event_id, c.units,
        c.at_ms AS placed_at,
        p.at_ms AS paid_at,
        least(p.at_ms, x.at_ms) AS end_at,  -- least() skips NULL, which stands for never
        c.at_ms + 1000 * CASE WHEN c.units >= getvariable('huge_order_units')
            THEN getvariable('huge_grace_s') ELSE getvariable('grace_s') END AS patient_until
    FROM created c
    LEFT JOIN paid p USING (shop, buyer, order_id)
    LEFT JOIN closed x USING (shop, buyer, order_id)
),
-- 2. A failed attempt within the grace prolongs it.
last_failure AS (
    SELECT o.shop, o.buyer, o.order_id, max(f.at_ms) AS at_ms
    FROM trade o
    JOIN payment f USING (shop, buyer, order_id)
    WHERE f.kind = 'failed' AND f.at_ms BETWEEN o.placed_at AND o.patient_until
    GROUP BY ALL
),
-- 3. What is counted.
counted AS (
    SELECT
        o.*,
        coalesce(
            f.at_ms + 1000 * getvariable('failed_payment_grace_s'), o.patient_until
        ) AS counted_at
    FROM trade o
    LEFT JOIN last_failure f USING (shop, buyer, order_id)
    WHERE counted_at <= getvariable('horizon_ms') AND (end_at IS NULL OR counted_at < end_at)
),
-- 4. The window at every counted_at, and whether it crosses.
in_window AS (
    SELECT t.shop, t.buyer, t.at_ms AS crossing_at, o.order_id, o.event_id, o.counted_at, o.units
    FROM (SELECT DISTINCT shop, buyer, counted_at AS at_ms FROM counted) t
    JOIN counted o
        ON o.shop = t.shop AND o.buyer = t.buyer
        AND o.counted_at BETWEEN t.at_ms - 1000 * getvariable('window_s') AND t.at_ms
        AND (o.end_at IS NULL OR t.at_ms < o.end_at)
),
crossing AS (
    SELECT
        shop, buyer, crossing_at,
        CASE WHEN count(*) >= getvariable('critical_orders')
            OR sum(units) >= getvariable('critical_units') THEN 2 ELSE 1 END AS level
    FROM in_window
    GROUP BY shop, buyer, crossing_at
    HAVING count(*) >= getvariable('warn_orders') OR sum(units) >= getvariable('warn_units')
),
-- 5. Episodes: a gap of more than the cooldown begins another one.
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
    SELECT
        e.shop, e.buyer, e.episode,
        first(w.event_id ORDER BY w.counted_at, w.event_id) AS event_id
    FROM episode e
    JOIN in_window w ON w.shop = e.shop AND w.buyer = e.buyer AND w.crossing_at = e.opened_at
    GROUP BY ALL
),
member AS (
    SELECT DISTINCT n.shop, n.buyer, n.episode, w.order_id
    FROM numbered n
    JOIN in_window w USING (shop, buyer, crossing_at)
),
-- 6. How the members ended. The platform closes an order three days after it was placed.
ended AS (
    SELECT
        m.*, o.paid_at,
        least(o.end_at, CASE WHEN o.placed_at + 1000 * getvariable('close_s')
            <= getvariable('horizon_ms')
            THEN o.placed_at + 1000 * getvariable('close_s') END) AS ended_at
    FROM member m
    JOIN trade o USING (shop, buyer, order_id)
),
-- Which of them the shop had asked to place unpaid: by name, or of a few placed within the cooldown of it.
asked_for AS (
    SELECT m.shop, m.buyer, m.episode, m.order_id, bool_or(s.order_id IS NOT NULL) AS is_by_name
    FROM ended m
    JOIN created o USING (shop, buyer, order_id)
    JOIN said_by_seller s ON s.shop = m.shop AND s.buyer = m.buyer
    WHERE s.is_wish_to_place AND CASE
        WHEN s.order_id IS NULL
            THEN abs(s.at_ms - o.at_ms) <= 1000 * getvariable('cooldown_s')
        ELSE s.order_id = m.order_id END
    GROUP BY ALL
),
summary AS (
    SELECT
        shop, buyer, episode,
        bool_and(is_by_name IS NOT NULL)
            AND count(*) FILTER (NOT is_by_name) < getvariable('warn_orders') AS was_asked_for,
        count(*) AS n_members,
        list(order_id ORDER BY order_id) AS members,
        ceil(getvariable('resolve_paid_share') * count(*))::BIGINT AS k,
        list(paid_at ORDER BY paid_at) FILTER (paid_at IS NOT NULL) AS payments,
        CASE WHEN count(ended_at) = count(*) THEN max(ended_at) END AS all_ended_at
    FROM ended
    LEFT JOIN asked_for USING (shop, buyer, episode, order_id)
    GROUP BY ALL
)
SELECT
    'buyer' AS subject_kind,
    e.shop || ':' || e.buyer AS subject_id,
    a.event_id AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    CASE
        WHEN len(s.payments) >= s.k THEN 'resolved'
        WHEN s.all_ended_at IS NOT NULL THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN greatest(s.payments[s.k], e.last_crossing)
        WHEN 'expired' THEN greatest(s.all_ended_at, e.last_crossing)
    END AS ended_at_ms,
    CASE WHEN s.was_asked_for THEN 'info' WHEN e.level = 2 THEN 'critical' ELSE 'warn' END AS severity,
    s.members,
    s.n_members
FROM episode e
JOIN anchor a USING (shop, buyer, episode)
JOIN summary s USING (shop, buyer, episode)
ORDER BY subject_id, opened_at_ms;
