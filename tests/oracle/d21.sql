-- D21 professional_bad_reviewer; see the definition in docs/detectors/D21.md.
WITH
bad_order AS (
    SELECT p.shop, p.buyer, n.order_id, p.event_id, p.at_ms
    FROM reviewed p
    JOIN review_now n USING (shop, buyer, review_id)
    WHERE p.rating = 'bad' AND n.rating = 'bad' AND n.gone_at IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY p.shop, p.buyer, n.order_id ORDER BY p.at_ms, p.event_id
    ) = 1
),
moment AS (
    SELECT shop, buyer, at_ms FROM bad_order
    UNION
    SELECT shop, buyer, at_ms FROM demand
),
reviewed_in AS (
    SELECT m.shop, m.buyer, m.at_ms AS crossing_at, b.order_id, b.event_id, b.at_ms
    FROM moment m
    JOIN bad_order b
        ON b.shop = m.shop AND b.buyer = m.buyer
        AND b.at_ms BETWEEN m.at_ms - 1000 * getvariable('window_s') AND m.at_ms
),
ordered_in AS (
    SELECT shop, buyer, crossing_at, order_id FROM reviewed_in
    UNION
    SELECT m.shop, m.buyer, m.at_ms, p.order_id
    FROM moment m
    JOIN payment p
        ON p.shop = m.shop AND p.buyer = m.buyer AND p.kind = 'succeeded'
        AND p.at_ms BETWEEN m.at_ms - 1000 * getvariable('window_s') AND m.at_ms
    ANTI JOIN came_to_nothing n ON n.shop = p.shop AND n.buyer = p.buyer AND n.order_id = p.order_id
),
demanded_in AS (
    SELECT m.shop, m.buyer, m.at_ms AS crossing_at, min(d.at_ms) AS first_demand, max(d.at_ms) AS last_demand
    FROM moment m
    JOIN demand d
        ON d.shop = m.shop AND d.buyer = m.buyer
        AND d.at_ms BETWEEN m.at_ms - 1000 * getvariable('window_s') AND m.at_ms
    GROUP BY ALL
),
crossing AS (
    SELECT o.shop, o.buyer, o.crossing_at, d.first_demand, d.last_demand
    FROM (SELECT shop, buyer, crossing_at, count(*) AS n FROM ordered_in GROUP BY ALL) o
    JOIN (SELECT shop, buyer, crossing_at, count(*) AS n FROM reviewed_in GROUP BY ALL) r
        USING (shop, buyer, crossing_at)
    LEFT JOIN demanded_in d USING (shop, buyer, crossing_at)
    WHERE o.n >= getvariable('min_orders') AND 100 * r.n >= getvariable('min_share_percent') * o.n
        AND o.crossing_at <= getvariable('horizon_ms')
),
numbered AS (
    SELECT
        *,
        sum(CASE WHEN crossing_at - previous <= 1000 * getvariable('cooldown_s') THEN 0 ELSE 1 END)
            OVER (PARTITION BY shop, buyer ORDER BY crossing_at) AS episode
    FROM (
        SELECT
            *,
            lag(crossing_at) OVER (PARTITION BY shop, buyer ORDER BY crossing_at) AS previous
        FROM crossing
    )
),
in_crossing AS (
    SELECT n.shop, n.buyer, n.episode, n.crossing_at, r.event_id, r.at_ms
    FROM numbered n
    JOIN reviewed_in r USING (shop, buyer, crossing_at)
    UNION
    SELECT n.shop, n.buyer, n.episode, n.crossing_at, s.event_id, s.at_ms
    FROM numbered n
    JOIN said s
        ON s.shop = n.shop AND s.buyer = n.buyer AND (s.threatens OR s.wants_money)
        AND s.at_ms BETWEEN n.first_demand - 600000 AND n.last_demand
),
episode AS (
    SELECT
        shop, buyer, episode,
        min(crossing_at) AS opened_at,
        max(crossing_at) AS last_crossing,
        bool_or(first_demand IS NOT NULL) AS has_demand
    FROM numbered
    GROUP BY ALL
)
SELECT
    'buyer' AS subject_kind,
    e.shop || ':' || e.buyer AS subject_id,
    a.anchor AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    CASE WHEN e.last_crossing + 30 * 86400000::BIGINT <= getvariable('horizon_ms') THEN 'expired' ELSE 'open' END
        AS status,
    CASE status WHEN 'expired' THEN e.last_crossing + 30 * 86400000::BIGINT END AS ended_at_ms,
    CASE WHEN e.has_demand THEN 'warn' ELSE 'info' END AS severity,
    m.members,
    len(m.members) AS n_members
FROM episode e
JOIN (
    SELECT shop, buyer, episode, list_sort(list(DISTINCT event_id)) AS members
    FROM in_crossing
    GROUP BY ALL
) m USING (shop, buyer, episode)
JOIN (
    SELECT i.shop, i.buyer, i.episode, arg_min(i.event_id, (i.at_ms, i.event_id)) AS anchor
    FROM in_crossing i
    JOIN episode f ON f.shop = i.shop AND f.buyer = i.buyer AND f.episode = i.episode
        AND f.opened_at = i.crossing_at
    GROUP BY ALL
) a USING (shop, buyer, episode)
ORDER BY subject_id, opened_at_ms;
