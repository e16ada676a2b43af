-- D34 sla_risk; see the definition in docs/detectors/D34.md.
WITH
done AS (
    SELECT shop, buyer, order_id, at_ms AS over_at, event_id AS over_by FROM shipping_over
),
soon AS (
    SELECT DISTINCT shop, buyer, order_id
    FROM event
    WHERE topic = 'orders' AND kind = 'created' AND ms(value ->> '$.ship_by') < at_ms + 172800000
),
timed AS (
    SELECT
        p.shop, p.buyer, p.event_id, p.at_ms,
        CASE WHEN o.ship_by > p.at_ms THEN o.ship_by ELSE p.at_ms + 1000 * getvariable('limit_s') END
            AS limit_at,
        greatest((p.at_ms + limit_at) // 2, limit_at - 1000 * getvariable('warn_before_s')) AS near_at,
        least(
            near_at,
            greatest(
                p.at_ms + 1000 * getvariable('target_s'),
                limit_at - 1000 * (getvariable('limit_s') - getvariable('target_s'))
            )
        ) AS target_at,
        -- The target of an order without a promise.
        p.at_ms + least(
            1000 * getvariable('target_s'),
            greatest(
                500 * getvariable('limit_s'),
                1000 * (getvariable('limit_s') - getvariable('warn_before_s'))
            )
        ) AS looked_at,
        greatest(
            CASE WHEN getvariable('tells_target') THEN target_at ELSE near_at END,
            CASE WHEN s.order_id IS NULL THEN looked_at ELSE 0 END
        ) AS first_at,
        d.over_at, d.over_by
    FROM paying p
    LEFT JOIN created o USING (shop, buyer, order_id)
    LEFT JOIN soon s USING (shop, buyer, order_id)
    LEFT JOIN done d USING (shop, buyer, order_id)
),
found AS (
    SELECT
        *,
        CASE
            WHEN coalesce(over_at > limit_at, getvariable('horizon_ms') >= limit_at) THEN 2
            WHEN coalesce(over_at > near_at, getvariable('horizon_ms') >= near_at) THEN 1
            ELSE 0
        END AS level,
        greatest(first_at, CASE level WHEN 2 THEN limit_at WHEN 1 THEN near_at ELSE target_at END)
            AS reached_at,
        reached_at + 1000 * getvariable('expire_after_s') AS expires_at
    FROM timed
    WHERE first_at <= getvariable('horizon_ms') AND NOT coalesce(over_at <= first_at, false)
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    first_at AS opened_at_ms,
    greatest(reached_at, coalesce(over_at, 0)) AS last_crossing_ms,
    case_status(over_at, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(over_at, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    CASE level WHEN 2 THEN 'critical' WHEN 1 THEN 'warn' ELSE 'info' END AS severity,
    list_sort(list_filter([event_id, over_by], lambda x: x IS NOT NULL)) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
