-- D16 overseas_free_shipping; see the definition in docs/detectors/D16.md. `not_overseas` is empty here.
WITH
abroad AS (FROM given WHERE region <> ''),
final AS (
    SELECT
        shop, buyer, order_id,
        last(region ORDER BY at_ms, event_id) AS region, max(at_ms) AS at_ms
    FROM (
        SELECT g.* FROM given g SEMI JOIN ordered o USING (shop, buyer, order_id, event_id)
        UNION ALL
        SELECT * FROM given WHERE kind = 'address_changed'
    )
    GROUP BY ALL
),
at_issue AS (
    SELECT
        a.shop, a.buyer, a.order_id,
        min(a.at_ms) AS opened_at,
        max(a.at_ms) AS last_sent,
        first(a.event_id ORDER BY a.at_ms, a.event_id) AS anchor,
        list(DISTINCT a.event_id) AS receivers
    FROM abroad a
    JOIN ordered o USING (shop, buyer, order_id)
    WHERE coalesce((o.value ->> '$.free_shipping')::BOOLEAN, false)
    GROUP BY a.shop, a.buyer, a.order_id
),
ending AS (
    SELECT c.shop, c.buyer, c.order_id, t.at_ms
    FROM at_issue c
    JOIN contact t
        ON t.shop = c.shop AND t.buyer = c.buyer AND t.at_ms >= c.opened_at AND t.is_answered
    UNION ALL
    SELECT shop, buyer, order_id, at_ms FROM shipping_over
    UNION ALL
    SELECT shop, buyer, order_id, at_ms FROM final WHERE region = ''
),
ended AS (
    SELECT shop, buyer, order_id, min(at_ms) AS at_ms
    FROM ending
    GROUP BY ALL
),
whole AS (
    SELECT
        c.*,
        greatest(e.at_ms, c.opened_at) AS resolved_at,
        e.at_ms IS NOT NULL AS is_over,
        greatest(c.last_sent, coalesce(p.at_ms, 0)) AS last_at,
        list_sort(
            CASE WHEN p.event_id IS NULL THEN c.receivers ELSE c.receivers || [p.event_id] END
        ) AS members
    FROM at_issue c
    LEFT JOIN ended e USING (shop, buyer, order_id)
    LEFT JOIN first_payment p USING (shop, buyer, order_id)
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    anchor AS anchor_event_id,
    opened_at AS opened_at_ms,
    last_at AS last_crossing_ms,
    CASE
        WHEN is_over THEN 'resolved'
        WHEN last_at + 1000 * getvariable('expire_after_s') <= getvariable('horizon_ms')
            THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN resolved_at
        WHEN 'expired' THEN last_at + 1000 * getvariable('expire_after_s')
    END AS ended_at_ms,
    'info' AS severity,
    members,
    len(members) AS n_members
FROM whole
ORDER BY subject_id, opened_at_ms, anchor_event_id;
