-- D07 large_paid_order; see the definition in docs/detectors/D07.md.
WITH
line AS (
    SELECT shop, buyer, order_id, unnest(value -> '$.items[*]') AS line
    FROM ordered
),
item AS (
    SELECT shop, buyer, order_id, sum((line ->> '$.quantity')::BIGINT) AS units
    FROM line
    GROUP BY shop, buyer, order_id, line ->> '$.item_id'
),
large AS (
    SELECT o.shop, o.buyer, o.order_id, o.event_id, o.at_ms
    FROM ordered o
    JOIN (SELECT shop, buyer, order_id, max(units) AS units FROM item GROUP BY ALL) i
        USING (shop, buyer, order_id)
    WHERE i.units >= greatest(
            getvariable('min_units'),
            getvariable('times_median') * getvariable('item_median_units')
        )
        OR (
            upper(o.value ->> '$.currency') = 'CNY'
            AND (o.value ->> '$.amount_minor')::BIGINT >= getvariable('min_amount_minor')
        )
),
flagged AS (
    SELECT
        l.shop, l.buyer, l.order_id,
        last(f.is_new ORDER BY f.at_ms, f.event_id) AS is_new
    FROM large l
    JOIN account_flags f ON f.shop = l.shop AND f.buyer = l.buyer AND f.at_ms <= l.at_ms
    GROUP BY ALL
),
aged AS (
    SELECT shop, buyer, last(created_ms ORDER BY at_ms, event_id) AS created_ms
    FROM account_verified
    WHERE created_ms IS NOT NULL
    GROUP BY ALL
),
known AS (
    SELECT DISTINCT l.shop, l.buyer, l.order_id
    FROM large l
    JOIN first_payment p
        ON p.shop = l.shop AND p.buyer = l.buyer AND p.order_id <> l.order_id
        AND p.at_ms < l.at_ms
),
at_issue AS (
    SELECT
        l.*,
        p.event_id AS payment_id,
        greatest(l.at_ms, p.at_ms) AS opened_at,
        greatest(e.at_ms, l.at_ms, p.at_ms) AS resolved_at,
        e.at_ms IS NOT NULL AS is_resolved
    FROM large l
    JOIN first_payment p USING (shop, buyer, order_id)
    LEFT JOIN flagged f USING (shop, buyer, order_id)
    LEFT JOIN aged a USING (shop, buyer)
    LEFT JOIN known k USING (shop, buyer, order_id)
    LEFT JOIN ended_unshipped e USING (shop, buyer, order_id)
    WHERE coalesce(f.is_new, false)
        OR (
            k.order_id IS NULL
            AND coalesce(l.at_ms - a.created_ms < 1000 * getvariable('old_account_s'), true)
        )
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    opened_at AS opened_at_ms,
    opened_at AS last_crossing_ms,
    CASE
        WHEN is_resolved THEN 'resolved'
        WHEN opened_at + 1000 * getvariable('expire_after_s') <= getvariable('horizon_ms')
            THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN resolved_at
        WHEN 'expired' THEN opened_at + 1000 * getvariable('expire_after_s')
    END AS ended_at_ms,
    'info' AS severity,
    list_sort([event_id, payment_id]) AS members,
    2 AS n_members
FROM at_issue
ORDER BY subject_id, opened_at_ms, anchor_event_id;
