-- D26 listing_audit; see the definition in docs/detectors/D26.md. What titles and descriptions say is given, in
-- `titled`.
WITH
reading AS (
    SELECT
        value ->> '$.shop_id' AS shop,
        value ->> '$.item_id' AS item,
        value ->> '$.event_id' AS event_id,
        ms(value ->> '$.occurred_at') AS at_ms,
        coalesce(value ->> '$.deduct_mode', 'order') AS deduct_mode
    FROM raw
    WHERE topic = 'stock'
    QUALIFY row_number() OVER (PARTITION BY shop, item, event_id ORDER BY at_ms DESC) = 1
),
told AS (
    SELECT
        value ->> '$.shop_id' AS shop,
        value ->> '$.item_id' AS item,
        value ->> '$.event_id' AS event_id,
        ms(value ->> '$.occurred_at') AS at_ms,
        value
    FROM raw
    WHERE topic = 'listings'
    QUALIFY row_number() OVER (PARTITION BY shop, item, event_id ORDER BY at_ms DESC) = 1
),
listing AS (
    SELECT
        t.*,
        row_number() OVER of_item AS number,
        lead(t.at_ms) OVER of_item AS next_at,
        lead(t.event_id) OVER of_item AS next_id,
        t.value ->> '$.type' <> 'off_shelf' AS is_for_sale,
        coalesce((t.value ->> '$.claims_free_shipping')::BOOLEAN, false) OR w.promises AS promises,
        coalesce((t.value ->> '$.post_fee_minor')::BIGINT, 0) > 0 AS has_fee,
        coalesce(json_array_length(t.value -> '$.excluded_regions'), 0) > 0 AS excludes,
        w.names_exclusions,
        coalesce((t.value ->> '$.is_overseas')::BOOLEAN, false) AS is_overseas,
        coalesce((t.value ->> '$.overseas_disclosed')::BOOLEAN, false) AS is_disclosed,
        coalesce((t.value ->> '$.min_price_quantity')::BIGINT, 1) AS price_from,
        w.extra <> '' AS is_extra,
        regexp_full_match(coalesce(t.value ->> '$.category', ''), '其[他它][^\p{L}]*(赠品|邮费)')
            AS is_extra_category,
        coalesce((t.value ->> '$.deduct_on_payment_supported')::BOOLEAN, false) AS may_deduct
    FROM told t
    JOIN titled w USING (shop, item, event_id)
    WINDOW of_item AS (PARTITION BY t.shop, t.item ORDER BY t.at_ms, t.event_id)
),
-- 1e. The readings in force of each event, and from when on all of them deduct on payment.
in_force AS (
    SELECT l.shop, l.item, l.number, r.event_id, r.at_ms, r.deduct_mode
    FROM listing l
    JOIN reading r ON r.shop = l.shop AND r.item = l.item
        AND r.at_ms > l.at_ms AND (l.next_at IS NULL OR r.at_ms < l.next_at)
    UNION ALL
    SELECT l.shop, l.item, l.number, r.event_id, r.at_ms, r.deduct_mode
    FROM listing l
    JOIN reading r ON r.shop = l.shop AND r.item = l.item AND r.at_ms <= l.at_ms
    QUALIFY row_number() OVER (
        PARTITION BY l.shop, l.item, l.number ORDER BY r.at_ms DESC, r.event_id DESC
    ) = 1
),
stocked AS (
    SELECT
        shop, item, number,
        max((at_ms, event_id)) FILTER (deduct_mode = 'order') AS last_on_order,
        max((at_ms, event_id)) AS newest
    FROM in_force
    GROUP BY ALL
),
switched AS (
    SELECT
        f.shop, f.item, f.number, min(f.at_ms) AS at_ms, arg_min(f.event_id, (f.at_ms, f.event_id)) AS event_id
    FROM in_force f
    JOIN stocked s USING (shop, item, number)
    WHERE (f.at_ms, f.event_id) > s.last_on_order
    GROUP BY ALL
),
judged AS (
    SELECT
        l.*,
        is_for_sale AND (
            (promises AND (has_fee OR (excludes AND NOT names_exclusions)))
            OR (is_overseas AND NOT is_disclosed)
            OR price_from >= getvariable('min_price_quantity')
            OR (is_extra AND NOT is_extra_category)
        ) AS is_wrong,
        is_for_sale AND may_deduct AND s.last_on_order IS NOT NULL AS is_on_order
    FROM listing l
    LEFT JOIN stocked s USING (shop, item, number)
),
-- 2. Cases: those between two events without an issue.
parted AS (
    SELECT
        *,
        is_wrong OR is_on_order AS has_issue,
        count(*) FILTER (NOT has_issue) OVER (PARTITION BY shop, item ORDER BY number) AS part
    FROM judged
),
cases AS (
    SELECT
        shop, item, part,
        min(at_ms) AS opened_at,
        max(at_ms) AS last_at,
        first(event_id ORDER BY number) AS anchor,
        list(event_id) AS wrong_events,
        bool_or(is_wrong) AS is_wrong,
        max(number) AS last_number,
        last(next_at ORDER BY number) AS ended,
        last(next_id ORDER BY number) AS ended_by,
        last(is_wrong ORDER BY number) AS is_wrong_at_last
    FROM parted
    WHERE has_issue
    GROUP BY ALL
),
-- 3. How they end: by the next event, or once the item deducts on payment. What ended it is a member.
over AS (
    SELECT
        c.*,
        NOT c.is_wrong_at_last AND coalesce(s.at_ms < c.ended, s.at_ms IS NOT NULL) AS is_switched,
        CASE WHEN is_switched THEN s.at_ms ELSE c.ended END AS resolved_at,
        list_sort(
            list_filter(
                c.wrong_events || [CASE WHEN is_switched THEN s.event_id ELSE c.ended_by END],
                lambda x: x IS NOT NULL
            )
        ) AS members
    FROM cases c
    LEFT JOIN switched s ON s.shop = c.shop AND s.item = c.item AND s.number = c.last_number
)
SELECT
    'item' AS subject_kind,
    shop || ':' || item AS subject_id,
    anchor AS anchor_event_id,
    opened_at AS opened_at_ms,
    coalesce(resolved_at, last_at) AS last_crossing_ms,
    case_status(
        resolved_at, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')
    ) AS status,
    case_ended(
        resolved_at, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')
    ) AS ended_at_ms,
    CASE WHEN is_wrong THEN 'warn' ELSE 'info' END AS severity,
    members,
    len(members) AS n_members
FROM over
ORDER BY subject_id, opened_at_ms;
