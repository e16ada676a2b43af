-- D30 ae_return_overdue; see the definition in docs/detectors/D30.md.
WITH
ruled AS (FROM dispute_step WHERE kind = 'ruled'),
-- 0. Whose an order's parcels are: those before its second dispute are the first one's, unless that had
-- been withdrawn.
ours AS (
    SELECT
        d.*,
        CASE WHEN EXISTS (
            FROM dispute o
            LEFT JOIN dispute_step w
                ON w.shop = o.shop AND w.buyer = o.buyer AND w.dispute_id = o.dispute_id
                AND w.kind = 'withdrawn' AND w.at_ms <= d.at_ms
            WHERE o.shop = d.shop AND o.buyer = d.buyer AND o.order_id = d.order_id
                AND (o.at_ms, o.event_id) < (d.at_ms, d.event_id) AND w.event_id IS NULL
        ) THEN d.at_ms ELSE 0 END AS ours_from
    FROM dispute d
),
parcel AS (
    SELECT shop, buyer, dispute_id, at_ms, event_id
    FROM (
        SELECT d.shop, d.buyer, d.dispute_id, d.ours_from, a.at_ms, a.event_id
        FROM ours d
        JOIN (FROM parcel_about WHERE is_sure) a USING (shop, buyer, dispute_id)
        UNION ALL
        -- From before it was opened, when there was nothing else that it could be about.
        SELECT d.shop, d.buyer, d.dispute_id, d.ours_from, a.at_ms, a.event_id
        FROM ours d
        JOIN arrived a USING (shop, buyer, order_id)
        WHERE a.refund_id IS NULL AND a.at_ms < d.at_ms
    )
    WHERE at_ms >= ours_from
    QUALIFY row_number() OVER (PARTITION BY shop, buyer, dispute_id ORDER BY at_ms, event_id) = 1
),
-- One that may be another dispute's ends nothing, and is shown.
perhaps AS (
    SELECT shop, buyer, dispute_id, at_ms AS perhaps_at, event_id AS perhaps_by
    FROM parcel_about
    ANTI JOIN parcel USING (shop, buyer, dispute_id)
    WHERE NOT is_sure
    QUALIFY row_number() OVER (PARTITION BY shop, buyer, dispute_id ORDER BY at_ms, event_id) = 1
),
-- 1. Since when a return is awaited.
waiting AS (
    SELECT
        d.shop, d.buyer, d.dispute_id, d.order_id, d.event_id, d.at_ms,
        CASE
            WHEN r.ruling = 'return_and_refund' THEN r.at_ms
            WHEN d.reason = 'return' THEN d.at_ms
            WHEN u.at_ms IS NOT NULL THEN greatest(d.at_ms, u.at_ms)
        END AS since
    FROM ours d
    LEFT JOIN ruled r USING (shop, buyer, dispute_id)
    LEFT JOIN under_way u ON u.shop = d.shop AND u.buyer = d.buyer AND u.order_id = d.order_id
        AND NOT EXISTS (
            FROM arrived a
            WHERE a.shop = d.shop AND a.buyer = d.buyer AND a.order_id = d.order_id
                AND a.at_ms < d.ours_from
        )
),
-- 2. Until when.
countdown AS (
    FROM dispute_step
    WHERE kind IN ('opened', 'escalated', 'ruled') AND countdown IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, dispute_id ORDER BY at_ms DESC, event_id DESC
    ) = 1
),
timed AS (
    SELECT
        w.*, c.countdown AS ends,
        greatest(since, ends - 1000 * getvariable('warn_before_s')) AS warn_at,
        greatest(since, ends - 1000 * getvariable('critical_before_s')) AS critical_at
    FROM waiting w
    JOIN countdown c USING (shop, buyer, dispute_id)
    WHERE since < ends
),
-- 3. What ended the wait.
ending AS (
    FROM parcel
    UNION ALL
    SELECT t.shop, t.buyer, t.dispute_id, r.at_ms, r.event_id
    FROM timed t
    JOIN refund_for_good r USING (shop, buyer, dispute_id)
    WHERE r.at_ms >= t.since
    UNION ALL
    SELECT t.shop, t.buyer, t.dispute_id, s.at_ms, s.event_id
    FROM timed t
    JOIN dispute_step s USING (shop, buyer, dispute_id)
    WHERE s.kind = 'withdrawn'
        OR (s.kind = 'escalated' AND s.at_ms > t.since)
        OR (s.kind = 'ruled' AND s.ruling <> 'return_and_refund')
),
over AS (
    SELECT e.shop, e.buyer, e.dispute_id, e.at_ms AS over_at, e.event_id AS over_by
    FROM ending e
    JOIN timed t USING (shop, buyer, dispute_id)
    WHERE e.at_ms <= t.ends
    QUALIFY row_number() OVER (
        PARTITION BY e.shop, e.buyer, e.dispute_id ORDER BY e.at_ms, e.event_id
    ) = 1
),
-- 4. and 5.; and the parcel that came after the wait was over.
found AS (
    SELECT
        t.*, o.over_at, o.over_by, perhaps_by, coalesce(perhaps_at, 0) AS maybe_at, course, course_at,
        CASE WHEN p.event_id IS DISTINCT FROM o.over_by THEN p.event_id END AS came_by,
        CASE WHEN p.event_id IS DISTINCT FROM o.over_by THEN p.at_ms ELSE 0 END AS came_at,
        CASE WHEN over_at IS NULL THEN getvariable('horizon_ms') >= critical_at
            ELSE over_at > critical_at END AS is_critical
    FROM timed t
    LEFT JOIN over o USING (shop, buyer, dispute_id)
    LEFT JOIN parcel p USING (shop, buyer, dispute_id)
    LEFT JOIN perhaps USING (shop, buyer, dispute_id)
    JOIN course USING (shop, buyer, dispute_id)
    WHERE over_at > warn_at OR (over_at IS NULL AND getvariable('horizon_ms') >= warn_at)
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    warn_at AS opened_at_ms,
    greatest(
        CASE WHEN is_critical THEN critical_at ELSE warn_at END, coalesce(over_at, 0), came_at, maybe_at,
        course_at
    ) AS last_crossing_ms,
    case_status(over_at, ends, getvariable('horizon_ms')) AS status,
    case_ended(over_at, ends, getvariable('horizon_ms')) AS ended_at_ms,
    CASE WHEN is_critical THEN 'critical' ELSE 'warn' END AS severity,
    list_sort(list_distinct(course || [over_by, came_by, perhaps_by])) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
