-- D03 sybil_burst; the numbers are those of the definition in docs/detectors/D03.md.
WITH RECURSIVE
-- 1 and 2. When an order counts towards each identity: identities.sql.
-- 3. Links, without those that are left out.
counting AS (
    FROM identity_counts
    WHERE at_ms <= getvariable('horizon_ms')
        AND (end_at IS NULL OR at_ms < end_at)
        AND CASE WHEN kind = 'payer'
            THEN settles OR paid_before < getvariable('established_payer_orders')
            ELSE is_strong OR paid_before < getvariable('established_paid_orders') END
),
shared AS (
    SELECT shop, kind, named
    FROM counting
    GROUP BY ALL
    HAVING count(DISTINCT buyer) FILTER (NOT settles) >= 2
        AND NOT (
            count(DISTINCT buyer) FILTER (paid_at IS NOT NULL) >= getvariable('hub_paying_buyers')
            AND 2 * count(DISTINCT buyer) FILTER (paid_at IS NOT NULL) >= count(DISTINCT buyer)
        )
),
link AS (
    SELECT *, buyer || '/' || order_id AS name
    FROM counting
    JOIN shared USING (shop, kind, named)
    WHERE NOT settles
),
-- 4. What other links than those to paying accounts tie together; what may be too many of it is taken.
firm_link AS (
    FROM link WHERE kind <> 'payer'
),
firm_order AS (
    SELECT
        shop, name, buyer, any_value(units) AS units, min(at_ms) AS counted_at
    FROM firm_link
    GROUP BY ALL
),
firm_neighbours AS (
    SELECT
        shop, at_ms, name,
        lag(name) OVER of_one AS before, lag(at_ms) OVER of_one AS before_at
    FROM firm_link
    WINDOW of_one AS (PARTITION BY shop, kind, named ORDER BY at_ms, name)
    UNION ALL
    SELECT
        shop, counted_at, name,
        lag(name) OVER of_buyer, lag(counted_at) OVER of_buyer
    FROM firm_order
    WINDOW of_buyer AS (PARTITION BY shop, buyer ORDER BY counted_at, name)
),
firm_tie AS (
    SELECT shop, name AS one, before AS other
    FROM firm_neighbours
    WHERE at_ms - before_at <= 1000 * getvariable('link_gap_s')
    UNION ALL
    SELECT shop, before, name
    FROM firm_neighbours
    WHERE at_ms - before_at <= 1000 * getvariable('link_gap_s')
),
reaches_firmly AS (
    SELECT shop, name AS one, name AS other FROM firm_order
    UNION
    SELECT r.shop, r.one, t.other
    FROM reaches_firmly r JOIN firm_tie t ON t.shop = r.shop AND t.one = r.other
),
taken AS (
    SELECT r.shop, r.one AS name
    FROM reaches_firmly r
    JOIN firm_order o ON o.shop = r.shop AND o.name = r.other
    GROUP BY ALL
    HAVING count(DISTINCT o.buyer) >= getvariable('min_buyers')
        AND (
            count(*) >= getvariable('warn_orders') OR sum(o.units) >= getvariable('warn_units')
        )
),
tying AS (
    SELECT k.*, t.name IS NOT NULL AS is_taken
    FROM link k
    LEFT JOIN taken t USING (shop, name)
    WHERE k.kind <> 'payer' OR t.name IS NULL
),
linked AS (
    SELECT
        shop, name, buyer, is_taken,
        any_value(event_id) AS event_id, any_value(units) AS units,
        any_value(placed_at) AS placed_at, any_value(paid_at) AS paid_at,
        any_value(end_at) AS end_at, min(at_ms) AS counted_at
    FROM tying
    GROUP BY ALL
),
-- Neighbours in time within one identity, or within one buyer, are tied.
neighbours AS (
    SELECT
        shop, is_strong, at_ms, name,
        lag(name) OVER of_one AS before, lag(at_ms) OVER of_one AS before_at
    FROM tying
    WINDOW of_one AS (PARTITION BY shop, is_taken, kind, named ORDER BY at_ms, name)
    UNION ALL
    SELECT
        shop, true, counted_at, name,
        lag(name) OVER of_buyer, lag(counted_at) OVER of_buyer
    FROM linked
    WINDOW of_buyer AS (PARTITION BY shop, is_taken, buyer ORDER BY counted_at, name)
),
tie AS (
    SELECT shop, is_strong, name AS one, before AS other
    FROM neighbours
    WHERE at_ms - before_at <= 1000 * getvariable('link_gap_s')
    UNION ALL
    SELECT shop, is_strong, before, name
    FROM neighbours
    WHERE at_ms - before_at <= 1000 * getvariable('link_gap_s')
),
reaches AS (
    SELECT shop, name AS one, name AS other FROM linked
    UNION
    SELECT r.shop, r.one, t.other FROM reaches r JOIN tie t ON t.shop = r.shop AND t.one = r.other
),
reaches_strongly AS (
    SELECT shop, name AS one, name AS other FROM linked
    UNION
    SELECT r.shop, r.one, t.other
    FROM reaches_strongly r
    JOIN tie t ON t.shop = r.shop AND t.one = r.other AND t.is_strong
),
in_ring AS (
    SELECT o.*, r.ring, s.part
    FROM linked o
    JOIN (SELECT shop, one AS name, min(other) AS ring FROM reaches GROUP BY ALL) r
        USING (shop, name)
    JOIN (SELECT shop, one AS name, min(other) AS part FROM reaches_strongly GROUP BY ALL) s
        USING (shop, name)
),
-- 5. The live orders at the time of each order.
in_window AS (
    SELECT
        t.shop, t.ring, t.at_ms AS crossing_at,
        o.part, o.name, o.buyer, o.event_id, o.counted_at, o.units
    FROM (SELECT DISTINCT shop, ring, counted_at AS at_ms FROM in_ring) t
    JOIN in_ring o
        ON o.shop = t.shop AND o.ring = t.ring
        AND o.counted_at BETWEEN t.at_ms - 1000 * getvariable('window_s') AND t.at_ms
        AND (o.end_at IS NULL OR t.at_ms < o.end_at)
),
too_many_in_part AS (
    SELECT DISTINCT shop, ring, crossing_at, true AS is_strong
    FROM (
        SELECT shop, ring, crossing_at, part
        FROM in_window
        GROUP BY ALL
        HAVING count(DISTINCT buyer) >= getvariable('min_buyers')
            AND (
                count(*) >= getvariable('warn_orders') OR sum(units) >= getvariable('warn_units')
            )
    )
),
whole AS (
    SELECT
        shop, ring, crossing_at,
        count(DISTINCT buyer) AS buyers, count(*) AS orders, sum(units) AS units
    FROM in_window
    GROUP BY ALL
),
crossing AS (
    SELECT
        shop, ring, crossing_at,
        CASE WHEN is_strong OR orders >= getvariable('critical_orders')
            OR units >= getvariable('critical_units') THEN 2 ELSE 1 END AS level
    FROM whole
    LEFT JOIN too_many_in_part USING (shop, ring, crossing_at)
    WHERE buyers >= getvariable('min_buyers')
        AND (orders >= getvariable('warn_orders') OR units >= getvariable('warn_units'))
),
-- 6. Episodes.
gap AS (
    SELECT
        *,
        crossing_at - lag(crossing_at) OVER of_ring > 1000 * getvariable('cooldown_s') AS is_new
    FROM crossing
    WINDOW of_ring AS (PARTITION BY shop, ring ORDER BY crossing_at)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new)
        OVER (PARTITION BY shop, ring ORDER BY crossing_at) AS episode
    FROM gap
),
episode AS (
    SELECT
        shop, ring, episode,
        min(crossing_at) AS opened_at, max(crossing_at) AS last_crossing, max(level) AS level
    FROM numbered
    GROUP BY ALL
),
anchor AS (
    SELECT
        e.shop, e.ring, e.episode,
        first(w.event_id ORDER BY w.counted_at, w.event_id) AS event_id
    FROM episode e
    JOIN in_window w ON w.shop = e.shop AND w.ring = e.ring AND w.crossing_at = e.opened_at
    GROUP BY ALL
),
member AS (
    SELECT DISTINCT n.shop, n.ring, n.episode, w.name
    FROM numbered n
    JOIN in_window w USING (shop, ring, crossing_at)
),
-- 7. How the members ended.
ended AS (
    SELECT
        m.*, o.paid_at, o.buyer, o.units,
        least(o.end_at, CASE WHEN o.placed_at + 1000 * getvariable('close_s')
            <= getvariable('horizon_ms')
            THEN o.placed_at + 1000 * getvariable('close_s') END) AS ended_at
    FROM member m
    JOIN linked o USING (shop, name)
),
summary AS (
    SELECT
        shop, ring, episode,
        bool_or(name IN (SELECT k.name FROM tying k WHERE k.shop = ended.shop AND k.kind = 'payer'))
            AS is_by_payer,
        count(*) AS n_members,
        list(name ORDER BY name) AS members,
        ceil(getvariable('resolve_paid_share') * count(*))::BIGINT AS k,
        list(paid_at ORDER BY paid_at) FILTER (paid_at IS NOT NULL) AS payments,
        CASE WHEN count(ended_at) = count(*) THEN max(ended_at) END AS all_ended_at,
        2 * count(paid_at) >= count(*)
            AND 2 * coalesce(sum(units) FILTER (paid_at IS NOT NULL), 0) >= sum(units)
            AND 2 * count(DISTINCT buyer) FILTER (paid_at IS NOT NULL) >= count(DISTINCT buyer)
            AS is_half_paid
    FROM ended
    GROUP BY ALL
)
SELECT
    'shop' AS subject_kind,
    e.shop AS subject_id,
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
    CASE WHEN s.is_half_paid OR s.is_by_payer THEN 'info' WHEN e.level = 2 THEN 'critical' ELSE 'warn' END AS severity,
    s.members,
    s.n_members
FROM episode e
JOIN anchor a USING (shop, ring, episode)
JOIN summary s USING (shop, ring, episode)
ORDER BY subject_id, opened_at_ms, anchor_event_id;
