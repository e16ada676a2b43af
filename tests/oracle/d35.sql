-- D35 banned_buyer_reorder; the numbers are those of the definition in docs/detectors/D35.md.
WITH
-- 1. Flags with what was said before, latest first.
last_flag AS (
    FROM flag QUALIFY row_number() OVER (
        PARTITION BY shop, buyer ORDER BY at_ms DESC, event_id DESC
    ) = 1
),
-- 2. Orders placed while banned.
at_order AS (
    SELECT c.*, f.event_id AS flag_id, f.is_banned, f.at_ms AS told_ms
    FROM created c
    JOIN flag f ON f.shop = c.shop AND f.buyer = c.buyer AND f.at_ms <= c.at_ms
    QUALIFY row_number() OVER (
        PARTITION BY c.shop, c.buyer, c.order_id ORDER BY f.at_ms DESC, f.event_id DESC
    ) = 1
),
own AS (
    SELECT
        'buyer' AS subject_kind,
        o.shop || ':' || o.buyer AS subject_id,
        o.event_id,
        o.at_ms AS opened_at,
        greatest(o.at_ms, coalesce(p.at_ms, o.at_ms)) AS newest,
        least(
            -- greatest() skips NULL, but what never was has no greatest.
            CASE WHEN x.at_ms IS NOT NULL THEN greatest(x.at_ms, o.at_ms) END,
            (
                SELECT min(f.at_ms) FROM flag f
                WHERE f.shop = o.shop AND f.buyer = o.buyer AND f.at_ms > o.at_ms
                    AND NOT f.is_banned
            )
        ) AS resolved_at,
        o.order_id AS named,
        2 + (p.at_ms IS NOT NULL)::INT + (g.event_id IS NOT NULL)::INT AS n_members,
        'warn' AS severity
    FROM at_order o
    LEFT JOIN paid p USING (shop, buyer, order_id)
    LEFT JOIN ended_unshipped x USING (shop, buyer, order_id)
    LEFT JOIN given_receiver g USING (shop, buyer, order_id)
    WHERE o.is_banned AND o.at_ms <= getvariable('horizon_ms')
        AND o.at_ms <= o.told_ms + 45 * 86400000::BIGINT
),
-- 3. Who is banned now, since when, and what they used.
since AS (
    SELECT
        l.shop, l.buyer,
        min(f.at_ms) AS at_ms,
        max(f.at_ms) AS told_ms
    FROM last_flag l
    JOIN flag f ON f.shop = l.shop AND f.buyer = l.buyer
    WHERE l.is_banned AND f.is_banned AND NOT EXISTS (
        FROM flag between_
        WHERE between_.shop = f.shop AND between_.buyer = f.buyer AND NOT between_.is_banned
            AND (between_.at_ms, between_.event_id) > (f.at_ms, f.event_id)
    )
    GROUP BY ALL
),
mark AS (
    SELECT s.shop, s.buyer, s.at_ms, s.told_ms, i.kind, i.named, max(c.at_ms) AS used_ms
    FROM since s
    JOIN (FROM order_identity UNION ALL BY NAME FROM order_account) i USING (shop, buyer)
    JOIN created c USING (shop, buyer, order_id)
    WHERE i.kind IN ('phone', 'device', 'payer')
    GROUP BY ALL
),
counting AS (
    SELECT c.*
    FROM identity_counts c
    WHERE c.kind IN ('phone', 'device', 'payer') AND c.at_ms <= getvariable('horizon_ms')
        AND (c.end_at IS NULL OR c.at_ms < c.end_at)
        AND NOT EXISTS (
            FROM mark m
            WHERE m.shop = c.shop AND m.kind = c.kind AND m.named = c.named AND m.buyer = c.buyer
        )
),
hub AS (
    SELECT shop, kind, named
    FROM counting
    WHERE paid_at IS NOT NULL
    GROUP BY ALL
    HAVING count(DISTINCT buyer) >= getvariable('hub_paying_buyers')
),
linked AS (
    SELECT
        c.shop, c.buyer, c.order_id,
        any_value(c.event_id) AS event_id, min(c.at_ms) AS opened_at, count(*) AS n_members,
        any_value(CASE WHEN c.paid_at IS NULL THEN c.end_at END) AS end_at,
        CASE WHEN bool_and(c.kind = 'payer') THEN 'info' ELSE 'warn' END AS severity
    FROM counting c
    ANTI JOIN hub h USING (shop, kind, named)
    JOIN mark m
        ON m.shop = c.shop AND m.kind = c.kind AND m.named = c.named
        AND m.buyer <> c.buyer AND c.placed_at > m.at_ms
        AND c.placed_at <= least(m.told_ms + 45 * 86400000::BIGINT, m.used_ms + 90 * 86400000::BIGINT)
    GROUP BY ALL
),
found AS (
    FROM own
    UNION ALL
    SELECT
        'shop', shop, event_id, opened_at, opened_at,
        CASE WHEN end_at IS NOT NULL THEN greatest(end_at, opened_at) END,
        buyer || '/' || order_id, n_members, severity
    FROM linked
)
-- 4. How it ended.
SELECT
    subject_kind,
    subject_id,
    event_id AS anchor_event_id,
    opened_at AS opened_at_ms,
    newest AS last_crossing_ms,
    CASE
        WHEN resolved_at IS NOT NULL THEN 'resolved'
        WHEN newest + 1000 * getvariable('expire_after_s') <= getvariable('horizon_ms') THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN resolved_at
        WHEN 'expired' THEN newest + 1000 * getvariable('expire_after_s')
    END AS ended_at_ms,
    severity,
    [named] AS members,
    n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
