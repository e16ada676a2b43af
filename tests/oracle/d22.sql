-- D22 competitor_review; see the definition in docs/detectors/D22.md. Only for reviews without a text.
WITH
seller AS (
    SELECT
        shop, buyer, event_id, at_ms,
        CASE WHEN (value ->> '$.is_seller')::BOOLEAN
            THEN (value ->> '$.leaf_categories[*]')::VARCHAR[] ELSE [] END AS sold,
        row_number() OVER (PARTITION BY shop, buyer ORDER BY at_ms DESC, event_id DESC) AS ago
    FROM event
    WHERE topic = 'accounts' AND kind = 'seller_category'
),
part AS (
    SELECT
        shop, buyer, order_id, kind, event_id, at_ms,
        value ->> '$.review_id' AS review,
        value ->> '$.item_id' AS item,
        value ->> '$.rating' AS rating,
        least(
            at_ms,
            coalesce(ms(value ->> '$.posted_at'), CASE kind WHEN 'posted' THEN at_ms END)
        ) AS posted_at
    FROM event
    WHERE topic = 'reviews' AND kind IN ('posted', 'appended', 'changed')
        AND (kind = 'changed' OR value ->> '$.rating' <> 'good')
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, value ->> '$.review_id', kind ORDER BY at_ms DESC, event_id DESC
    ) = 1
),
gone AS (
    SELECT shop, buyer, value ->> '$.review_id' AS review, max(at_ms) AS at_ms
    FROM event
    WHERE topic = 'reviews' AND kind = 'deleted'
    GROUP BY ALL
),
now AS (
    SELECT
        shop, buyer, review,
        last(rating ORDER BY at_ms, event_id) AS rating, max(at_ms) AS at_ms
    FROM (
        (FROM part WHERE kind = 'appended')
        UNION ALL
        (
            FROM part
            WHERE kind <> 'appended'
            QUALIFY row_number() OVER (
                PARTITION BY shop, buyer, review ORDER BY at_ms DESC, event_id DESC
            ) = 1
        )
    )
    GROUP BY ALL
),
review AS (
    SELECT
        shop, buyer, review,
        first(order_id ORDER BY at_ms, event_id) AS order_id,
        first(item ORDER BY at_ms, event_id) FILTER (item IS NOT NULL) AS item,
        coalesce(min(posted_at), min(at_ms)) AS posted_at,
        max(at_ms) AS last_at,
        first(event_id ORDER BY at_ms, event_id) FILTER (rating <> 'good') AS given_id,
        min(at_ms) FILTER (rating <> 'good') AS given_at
    FROM part
    GROUP BY ALL
    HAVING given_id IS NOT NULL
),
line AS (
    SELECT shop, buyer, order_id, unnest(value -> '$.items[*]') AS line
    FROM ordered
),
bought AS (
    SELECT r.*, c.category
    FROM review r
    JOIN (
        SELECT
            r.shop, r.buyer, r.review,
            CASE
                WHEN any_value(r.item) IS NOT NULL
                    THEN any_value(l.line ->> '$.category')
                        FILTER (l.line ->> '$.item_id' = r.item)
                WHEN count(DISTINCT coalesce(l.line ->> '$.category', '')) = 1
                    THEN min(l.line ->> '$.category')
            END AS category
        FROM review r
        JOIN line l USING (shop, buyer, order_id)
        GROUP BY r.shop, r.buyer, r.review
    ) c USING (shop, buyer, review)
),
-- Of each review the events up to now that name its category, without one between that does not.
told AS (
    SELECT
        b.shop, b.buyer, b.review, s.event_id, s.at_ms, s.ago,
        len(list_filter(
            s.sold,
            lambda x: CASE
                WHEN contains(x, '/') AND contains(b.category, '/') THEN x = b.category
                ELSE split_part(x, '/', -1) = split_part(b.category, '/', -1)
            END
        )) > 0 AS is_same
    FROM bought b
    JOIN seller s USING (shop, buyer)
    WHERE b.category IS NOT NULL
),
since AS (
    SELECT t.shop, t.buyer, t.review, arg_max(t.event_id, t.ago) AS event_id, arg_max(t.at_ms, t.ago) AS at_ms
    FROM told t
    WHERE NOT EXISTS (
        FROM told u
        WHERE u.shop = t.shop AND u.buyer = t.buyer AND u.review = t.review AND u.ago <= t.ago AND NOT u.is_same
    )
    GROUP BY ALL
),
at_issue AS (
    SELECT
        b.*,
        greatest(b.given_at, s.at_ms, o.at_ms) AS opened_at,
        list_sort([b.given_id, s.event_id, o.event_id]) AS members,
        least(
            CASE WHEN g.at_ms >= b.last_at THEN g.at_ms END,
            CASE WHEN n.rating = 'good' THEN n.at_ms END
        ) AS ended_at,
        b.posted_at + 30 * 86400000::BIGINT + 1 AS expires_at
    FROM bought b
    JOIN since s USING (shop, buyer, review)
    JOIN ordered o USING (shop, buyer, order_id)
    JOIN now n USING (shop, buyer, review)
    LEFT JOIN gone g USING (shop, buyer, review)
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    given_id AS anchor_event_id,
    opened_at AS opened_at_ms,
    opened_at AS last_crossing_ms,
    CASE
        WHEN ended_at IS NOT NULL THEN 'resolved'
        WHEN greatest(expires_at, opened_at) <= getvariable('horizon_ms') THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN greatest(ended_at, opened_at)
        WHEN 'expired' THEN greatest(expires_at, opened_at)
    END AS ended_at_ms,
    'warn' AS severity,
    members,
    3 AS n_members
FROM at_issue
ORDER BY subject_id, opened_at_ms, anchor_event_id;
