-- D04 extortion: levels, episodes and their end; see the definition in docs/detectors/D04.md.
WITH
marked AS (FROM said WHERE is_marked),
crossing AS (
    SELECT
        t.shop, t.buyer, t.at_ms,
        CASE
            WHEN bool_or(w.wants_money) AND bool_or(w.names_amount) AND bool_or(w.names_channel) THEN 2
            WHEN bool_or(w.wants_money) THEN 1
            ELSE 0
        END AS level
    FROM (SELECT DISTINCT shop, buyer, at_ms FROM marked) t
    JOIN marked w
        ON w.shop = t.shop AND w.buyer = t.buyer
        AND w.at_ms BETWEEN t.at_ms - 1000 * getvariable('window_s') AND t.at_ms
    GROUP BY ALL
    HAVING bool_or(w.threatens) AND (bool_or(w.wants_money) OR bool_or(w.wants_something))
),
numbered AS (
    SELECT
        * EXCLUDE (previous),
        sum(CASE WHEN at_ms - previous <= 1000 * getvariable('cooldown_s') THEN 0 ELSE 1 END)
            OVER (PARTITION BY shop, buyer ORDER BY at_ms) AS episode
    FROM (
        SELECT *, lag(at_ms) OVER (PARTITION BY shop, buyer ORDER BY at_ms) AS previous
        FROM crossing
    )
),
message AS (
    SELECT n.shop, n.buyer, n.episode, n.at_ms AS crossing_at, w.event_id, w.at_ms
    FROM numbered n
    JOIN marked w
        ON w.shop = n.shop AND w.buyer = n.buyer
        AND w.at_ms BETWEEN n.at_ms - 1000 * getvariable('window_s') AND n.at_ms
),
episode AS (
    SELECT
        shop, buyer, episode,
        min(at_ms) AS opened_at,
        max(at_ms) AS last_crossing,
        max(level) AS level
    FROM numbered
    GROUP BY ALL
),
-- Complaints that were open at some time from the first crossing until a cooldown after the last.
carried_out AS (
    SELECT e.shop, e.buyer, e.episode, c.event_id, c.at_ms
    FROM episode e
    JOIN complaint c
        ON c.shop = e.shop AND c.buyer = e.buyer AND c.kind = 'filed'
        AND c.at_ms <= e.last_crossing + 1000 * getvariable('cooldown_s')
    LEFT JOIN (FROM complaint WHERE kind = 'ruled') r
        ON r.shop = c.shop AND r.buyer = c.buyer AND r.complaint_id = c.complaint_id
    WHERE e.level = 1
        AND r.ruling IS DISTINCT FROM 'upheld'
        AND (r.at_ms IS NULL OR r.at_ms > e.opened_at)
),
member AS (
    SELECT shop, buyer, episode, event_id, at_ms FROM message
    UNION
    FROM carried_out
),
evidence AS (
    SELECT
        shop, buyer, episode,
        list_sort(list(DISTINCT event_id)) AS members,
        max(at_ms) + 1000 * getvariable('expire_after_s') AS expires_at
    FROM member
    GROUP BY ALL
),
first_crossing AS (
    SELECT m.shop, m.buyer, m.episode, arg_min(m.event_id, (m.at_ms, m.event_id)) AS anchor
    FROM message m
    JOIN episode e USING (shop, buyer, episode)
    WHERE m.crossing_at = e.opened_at
    GROUP BY ALL
)
SELECT
    'buyer' AS subject_kind,
    e.shop || ':' || e.buyer AS subject_id,
    a.anchor AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    CASE WHEN v.expires_at <= getvariable('horizon_ms') THEN 'expired' ELSE 'open' END AS status,
    CASE status WHEN 'expired' THEN v.expires_at END AS ended_at_ms,
    CASE
        WHEN e.level = 2 OR EXISTS (
            FROM carried_out c
            WHERE c.shop = e.shop AND c.buyer = e.buyer AND c.episode = e.episode
        ) THEN 'critical'
        WHEN e.level = 1 THEN 'warn'
        ELSE 'info'
    END AS severity,
    v.members,
    len(v.members) AS n_members
FROM episode e
JOIN evidence v USING (shop, buyer, episode)
JOIN first_crossing a USING (shop, buyer, episode)
ORDER BY subject_id, opened_at_ms;
