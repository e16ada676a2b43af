-- D31 ae_dispute_rate; see the definition in docs/detectors/D31.md.
WITH
-- 1. From when until when each dispute stands; without an end where age would end it after the horizon.
standing AS (
    SELECT
        d.shop, d.event_id, d.at_ms AS since,
        d.at_ms + 1000 * getvariable('window_s') + 1 AS aged,
        CASE
            WHEN w.at_ms < aged THEN w.at_ms
            WHEN aged <= getvariable('horizon_ms') THEN aged
        END AS until
    FROM dispute d
    LEFT JOIN (FROM dispute_step WHERE kind = 'withdrawn') w USING (shop, buyer, dispute_id)
    WHERE NOT coalesce(w.at_ms <= d.at_ms, false)
),
-- 2. How many stand at each moment at which that may change, and the level.
moment AS (
    SELECT shop, since AS at_ms FROM standing
    UNION
    SELECT shop, until FROM standing WHERE until IS NOT NULL
),
counted AS (
    SELECT
        m.shop, m.at_ms,
        (SELECT count(*) FROM standing s
            WHERE s.shop = m.shop AND s.since <= m.at_ms AND NOT coalesce(s.until <= m.at_ms, false)) AS n
    FROM moment m
),
levelled AS (
    SELECT
        *,
        CASE
            WHEN n < getvariable('min_disputes') THEN NULL
            WHEN getvariable('orders_per_window') = 0 THEN 0
            WHEN 1000 * n // getvariable('orders_per_window') >= getvariable('critical_per_mille') THEN 2
            WHEN 1000 * n // getvariable('orders_per_window') >= getvariable('warn_per_mille') THEN 1
        END AS level,
        lead(at_ms) OVER (PARTITION BY shop ORDER BY at_ms) AS next_at
    FROM counted
),
-- 3. Spans, and episodes of spans.
begun AS (
    SELECT
        *,
        count(*) FILTER (level IS NULL) OVER (PARTITION BY shop ORDER BY at_ms) AS span
    FROM levelled
),
spans AS (
    SELECT
        shop, span, min(at_ms) AS began, max(level) AS level, max(n) AS highest,
        last(next_at ORDER BY at_ms) AS ended, arg_min(at_ms, (-n, at_ms)) AS last_higher
    FROM begun
    WHERE level IS NOT NULL
    GROUP BY ALL
),
apart AS (
    SELECT *, began - lag(ended) OVER of_shop > 1000 * getvariable('cooldown_s') AS is_new
    FROM spans
    WINDOW of_shop AS (PARTITION BY shop ORDER BY began)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY shop ORDER BY began) AS episode FROM apart
),
episode AS (
    SELECT
        shop, episode, min(began) AS opened_at, max(level) AS level,
        last(ended ORDER BY began) AS ended, last(last_higher ORDER BY began) AS last_higher
    FROM numbered
    GROUP BY ALL
),
member AS (
    SELECT n.shop, n.episode, list(DISTINCT s.event_id ORDER BY s.event_id) AS members
    FROM numbered n
    JOIN begun b ON b.shop = n.shop AND b.span = n.span AND b.level IS NOT NULL
    JOIN standing s ON s.shop = n.shop AND s.since <= b.at_ms AND NOT coalesce(s.until <= b.at_ms, false)
    GROUP BY ALL
),
anchor AS (
    SELECT e.shop, e.episode, first(s.event_id ORDER BY s.since, s.event_id) AS event_id
    FROM episode e
    JOIN standing s
        ON s.shop = e.shop AND s.since <= e.opened_at AND NOT coalesce(s.until <= e.opened_at, false)
    GROUP BY ALL
)
SELECT
    'shop' AS subject_kind,
    e.shop AS subject_id,
    a.event_id AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_higher AS last_crossing_ms,
    CASE WHEN e.ended IS NULL THEN 'open' ELSE 'resolved' END AS status,
    e.ended AS ended_at_ms,
    CASE e.level WHEN 2 THEN 'critical' WHEN 1 THEN 'warn' ELSE 'info' END AS severity,
    m.members,
    len(m.members) AS n_members
FROM episode e
JOIN anchor a USING (shop, episode)
JOIN member m USING (shop, episode)
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
