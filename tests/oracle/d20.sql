-- D20 review_coercion; see the definition in docs/detectors/D20.md.
WITH
ranked AS (
    SELECT
        shop, buyer, review_id, event_id, at_ms,
        CASE rating WHEN 'good' THEN 0 WHEN 'neutral' THEN 1 ELSE 2 END AS badness,
        lag(badness, 1, 0) OVER (
            PARTITION BY shop, buyer, review_id ORDER BY at_ms, event_id
        ) AS before
    FROM reviewed
),
coerced AS (
    SELECT
        g.shop, g.buyer, g.review_id, g.event_id, g.at_ms,
        min(d.at_ms) AS first_demand,
        max(d.at_ms) AS last_demand
    FROM ranked g
    JOIN demand d
        ON d.shop = g.shop AND d.buyer = g.buyer
        AND d.at_ms BETWEEN g.at_ms - 1000 * getvariable('before_s') AND g.at_ms
    WHERE g.badness > g.before
    GROUP BY g.shop, g.buyer, g.review_id, g.event_id, g.at_ms
    QUALIFY row_number() OVER (
        PARTITION BY g.shop, g.buyer, g.review_id ORDER BY g.at_ms, g.event_id
    ) = 1
),
member AS (
    SELECT c.shop, c.buyer, c.review_id, list(DISTINCT s.event_id) AS messages
    FROM coerced c
    JOIN said s
        ON s.shop = c.shop AND s.buyer = c.buyer AND (s.threatens OR s.wants_money)
        AND s.at_ms BETWEEN c.first_demand - 600000 AND c.last_demand
    GROUP BY ALL
)
SELECT
    'buyer' AS subject_kind,
    c.shop || ':' || c.buyer AS subject_id,
    c.event_id AS anchor_event_id,
    c.at_ms AS opened_at_ms,
    c.at_ms AS last_crossing_ms,
    CASE
        WHEN n.rating = 'good' OR n.gone_at IS NOT NULL THEN 'resolved'
        WHEN greatest(n.posted_at + 30 * 86400000::BIGINT + 1, c.at_ms) <= getvariable('horizon_ms')
            THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN least(n.gone_at, CASE n.rating WHEN 'good' THEN n.standing_at END)
        WHEN 'expired' THEN greatest(n.posted_at + 30 * 86400000::BIGINT + 1, c.at_ms)
    END AS ended_at_ms,
    'critical' AS severity,
    list_sort(list_distinct(list_append(m.messages, c.event_id))) AS members,
    len(members) AS n_members
FROM coerced c
JOIN review_now n USING (shop, buyer, review_id)
JOIN member m USING (shop, buyer, review_id)
ORDER BY subject_id, opened_at_ms, anchor_event_id;
