-- D02 stock_squat; the numbers are those of the definition in docs/detectors/D02.md.
WITH
reading AS (
    SELECT
        value ->> '$.shop_id' AS shop,
        value ->> '$.item_id' AS item,
        value ->> '$.event_id' AS event_id,
        ms(value ->> '$.occurred_at') AS at_ms,
        (value ->> '$.on_hand')::BIGINT AS on_hand,
        coalesce((value ->> '$.held_unpaid')::BIGINT, 0) AS held,
        coalesce((value ->> '$.paid_reserved')::BIGINT, 0) AS reserved,
        coalesce(value ->> '$.deduct_mode', 'order') AS deduct_mode
    FROM raw
    WHERE topic = 'stock'
    QUALIFY row_number() OVER (PARTITION BY shop, item, event_id ORDER BY at_ms DESC) = 1
),
listing AS (
    SELECT DISTINCT
        value ->> '$.shop_id' AS shop,
        value ->> '$.item_id' AS item,
        value ->> '$.event_id' AS event_id,
        ms(value ->> '$.occurred_at') AS at_ms,
        value ->> '$.type' = 'off_shelf' AND value ->> '$.reason' = 'sold_out' AS is_sold_out
    FROM raw
    WHERE topic = 'listings' AND value ->> '$.type' <> 'changed'
),
-- 1. Squatted readings.
judged AS (
    SELECT
        *,
        deduct_mode = 'order' AND held >= getvariable('min_held_units')
            AND 100 * held >= getvariable('held_share_percent') * on_hand AS is_squatted
    FROM reading
),
-- 2. Runs: those between two readings that are not squatted.
parted AS (
    SELECT
        *,
        count(*) FILTER (NOT is_squatted) OVER of_item AS part,
        lead(at_ms) OVER of_item AS next_at
    FROM judged
    WINDOW of_item AS (PARTITION BY shop, item ORDER BY at_ms, event_id)
),
run AS (
    SELECT
        shop, item, part,
        min(at_ms) AS began,
        max(at_ms) AS last_at,
        last(next_at ORDER BY at_ms, event_id) AS ended,
        first(event_id ORDER BY at_ms, event_id) AS anchor,
        list(event_id ORDER BY event_id) AS readings,
        bool_or(on_hand - held - reserved <= 0) AS is_sold_out
    FROM parted
    WHERE is_squatted
    GROUP BY ALL
),
-- 3. Those that last.
episode AS (
    SELECT
        *,
        began + 1000 * getvariable('sustain_s') AS opened_at,
        greatest(opened_at, last_at) AS last_crossing,
        last_crossing + 1000 * getvariable('close_s') AS expires_at,
        least(ended, expires_at) AS over_at,  -- least() skips NULL, which stands for never
        case_ended(ended, expires_at, getvariable('horizon_ms')) AS ended_at
    FROM run
    WHERE opened_at <= getvariable('horizon_ms') AND (ended IS NULL OR ended > opened_at)
),
-- 4. Off the shelf as sold out before it was over: how it stood when the run began, and what came after.
state AS (
    SELECT e.shop, e.item, e.part, l.is_sold_out
    FROM episode e
    JOIN listing l ON l.shop = e.shop AND l.item = e.item AND l.at_ms <= e.began
    QUALIFY row_number() OVER (
        PARTITION BY e.shop, e.item, e.part ORDER BY l.at_ms DESC, l.event_id DESC
    ) = 1
    UNION ALL
    SELECT e.shop, e.item, e.part, l.is_sold_out
    FROM episode e
    JOIN listing l
        ON l.shop = e.shop AND l.item = e.item AND l.at_ms > e.began AND l.at_ms < e.over_at
),
off_shelf AS (SELECT DISTINCT shop, item, part FROM state WHERE is_sold_out),
-- 6. What buyers tell: large orders that were not paid or closed in time, with their large items.
line AS (
    SELECT
        o.shop, o.buyer, o.order_id, o.event_id, o.at_ms,
        unnest(from_json(o.value -> '$.items', '[{"item_id": "VARCHAR", "quantity": "BIGINT"}]')) AS one
    FROM ordered o
),
item_units AS (
    SELECT shop, buyer, order_id, event_id, at_ms, one.item_id AS item, sum(one.quantity) AS units
    FROM line
    GROUP BY ALL
),
hold AS (
    SELECT
        i.shop, i.item, i.buyer, i.order_id, i.units, i.at_ms AS placed_at,
        p.at_ms AS paid_at,
        least(p.at_ms, x.at_ms) AS told_end,
        i.at_ms + 1000 * getvariable('close_s') AS closes_at,
        least(
            told_end, CASE WHEN closes_at <= getvariable('horizon_ms') THEN closes_at END
        ) AS over
    FROM item_units i
    LEFT JOIN paid p USING (shop, buyer, order_id)
    LEFT JOIN closed x USING (shop, buyer, order_id)
    WHERE i.units >= getvariable('tell_units')
        AND placed_at + 1000 * getvariable('tell_after_s') <= getvariable('horizon_ms')
        AND (told_end IS NULL OR told_end > placed_at + 1000 * getvariable('tell_after_s'))
    QUALIFY row_number() OVER (
        PARTITION BY i.shop, i.buyer, i.at_ms // 86400000 ORDER BY i.at_ms, i.event_id
    ) <= 200
),
-- 7. The orders that an episode names, as they stood when it ended, or stand.
named AS (
    SELECT
        e.shop, e.item, e.part, h.buyer, h.order_id, h.units, h.closes_at,
        CASE
            WHEN h.over IS NULL OR h.over > e.ended_at THEN 'held'
            WHEN h.paid_at <= h.over THEN 'paid'
            ELSE 'closed'
        END AS state
    FROM episode e
    JOIN hold h
        ON h.shop = e.shop AND h.item = e.item AND h.placed_at <= e.last_crossing
        AND (h.over IS NULL OR h.over > e.began)
),
holders AS (
    SELECT
        shop, item, part,
        count(DISTINCT buyer) AS n,
        list(format('{}/{} {} {}', buyer, order_id, units, state)) AS orders,
        min(closes_at) FILTER (state = 'held') AS first_closes_at
    FROM named
    GROUP BY ALL
)
-- 5. How it ended.
SELECT
    'item' AS subject_kind,
    e.shop || ':' || e.item AS subject_id,
    e.anchor AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    case_status(e.ended, e.expires_at, getvariable('horizon_ms')) AS status,
    e.ended_at AS ended_at_ms,
    CASE WHEN e.is_sold_out OR f.part IS NOT NULL THEN 'critical' ELSE 'warn' END AS severity,
    e.readings || coalesce(h.orders, []) || [coalesce(h.n, 0) || ' holders']
        || CASE
            WHEN e.ended_at IS NULL AND h.first_closes_at IS NOT NULL
                THEN ['T01 ' || h.first_closes_at]
            ELSE []
        END AS members,
    len(e.readings) + coalesce(len(h.orders), 0) AS n_members
FROM episode e
LEFT JOIN off_shelf f USING (shop, item, part)
LEFT JOIN holders h USING (shop, item, part)
ORDER BY subject_id, opened_at_ms;
