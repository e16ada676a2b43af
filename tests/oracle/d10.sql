-- D10 stockout_compensation_fraud; the numbers are those of docs/detectors/D10.md.
WITH
-- 1. Claims; an order counts once, at its earliest.
claim AS (
    SELECT shop, buyer, order_id, event_id, at_ms, reason
    FROM (
        SELECT shop, buyer, order_id, event_id, at_ms, reason
        FROM standing_request
        WHERE reason IN ('stockout', 'late_shipment')
        UNION ALL
        SELECT c.shop, c.buyer, c.order_id, c.event_id, c.at_ms, c.complaint_type
        FROM complaint c
        ANTI JOIN (FROM complaint WHERE kind = 'ruled' AND ruling = 'withdrawn') w
            USING (shop, buyer, complaint_id)
        WHERE c.kind = 'filed' AND c.complaint_type IN ('stockout', 'late_shipment')
            AND c.order_id IS NOT NULL
    )
    QUALIFY row_number() OVER (PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id) = 1
),
upheld AS (
    SELECT DISTINCT r.shop, r.buyer, coalesce(r.order_id, f.order_id) AS order_id
    FROM (FROM complaint WHERE kind = 'ruled' AND ruling = 'upheld') r
    LEFT JOIN (FROM complaint WHERE kind = 'filed') f USING (shop, buyer, complaint_id)
),
-- 2. and 3. The deadline, and what became of the parcels: `over_at` is when the first thing ended
-- shipping, `sent_at` when the last parcel left.
ended AS (
    SELECT shop, buyer, order_id, min(at_ms) AS over_at
    FROM (
        SELECT shop, buyer, order_id, at_ms FROM event WHERE topic = 'shipments' AND kind = 'shipped'
        UNION ALL
        SELECT shop, buyer, order_id, at_ms
        FROM seller_event
        WHERE (topic = 'orders' AND kind = 'closed')
            OR (topic = 'refunds' AND kind IN ('agreed', 'ruled_for_buyer', 'succeeded'))
            OR (topic = 'recharges' AND kind = 'submitted')
            OR (topic = 'filings' AND kind = 'accepted')
    )
    GROUP BY ALL
),
-- Orders of which a part, and never the whole, is claimed to be out of stock.
in_part AS (
    SELECT shop, buyer, order_id
    FROM standing_request
    WHERE reason = 'stockout'
    GROUP BY ALL
    HAVING bool_and(says_sent_wrong)
),
-- Orders of which it is known that a parcel can have held only the one item, and all of it.
sent_whole AS (
    SELECT c.shop, c.buyer, c.order_id
    FROM ordered o
    JOIN created c USING (shop, buyer, order_id)
    LEFT JOIN (SELECT *, true AS is_in_part FROM in_part) USING (shop, buyer, order_id)
    WHERE len(list_distinct(o.value ->> '$.items[*].item_id')) = 1
        AND NOT (c.units > 1 AND coalesce(is_in_part, false))
),
judged AS (
    SELECT
        c.*,
        s.at_ms AS sent_at,
        s.tracking_no,
        CASE
            WHEN o.ship_by IS NULL AND p.at_ms IS NULL THEN NULL
            WHEN s.promised_by IS NOT NULL AND e.over_at < s.at_ms THEN NULL
            ELSE least(
                CASE
                    WHEN o.ship_by > p.at_ms OR p.at_ms IS NULL THEN o.ship_by
                    ELSE p.at_ms + 1000 * getvariable('limit_s')
                END,
                s.promised_by
            )
        END AS deadline,
        CASE
            WHEN u.order_id IS NOT NULL THEN 'genuine'
            WHEN deadline IS NULL THEN 'unknown'
            WHEN e.over_at <= deadline AND (sent_at IS NULL OR sent_at > deadline) THEN 'unknown'
            WHEN sent_at > deadline THEN 'genuine'
            WHEN sent_at <= deadline AND c.reason = 'stockout' AND i.order_id IS NULL THEN 'unknown'
            WHEN sent_at IS NULL AND c.at_ms >= deadline THEN 'genuine'
            WHEN EXISTS (
                FROM said_by_seller q
                WHERE q.shop = c.shop AND q.buyer = c.buyer AND q.at_ms <= c.at_ms AND CASE
                    WHEN q.is_mistake AND q.order_id IS NOT NULL AND NOT q.is_stockout
                        THEN q.order_id = c.order_id
                    ELSE (q.is_stockout OR q.is_mistake) AND q.at_ms >= coalesce(o.at_ms, 0)
                END
            ) THEN 'unknown'
            WHEN EXISTS (
                FROM said_by_seller q
                WHERE q.is_unsent AND q.shop = c.shop AND q.buyer = c.buyer
                    AND q.at_ms BETWEEN greatest(sent_at, coalesce(o.at_ms, 0)) AND c.at_ms
                    AND q.order_id IS NULL
            ) OR EXISTS (
                FROM said_by_seller q
                WHERE q.is_unsent AND q.shop = c.shop AND q.buyer = c.buyer
                    AND q.at_ms BETWEEN sent_at AND c.at_ms AND q.order_id = c.order_id
            ) THEN 'unknown'
            WHEN EXISTS (
                FROM event q
                WHERE q.topic = 'shipments' AND q.kind = 'returned_to_sender' AND q.shop = c.shop
                    AND q.buyer = c.buyer AND q.order_id = c.order_id AND q.at_ms <= c.at_ms
            ) THEN 'unknown'
            WHEN c.at_ms > getvariable('horizon_ms') THEN 'pending'
            WHEN sent_at <= deadline AND (
                t.picked_up_at > sent_at + 1000 * getvariable('picked_up_within_s')
                OR (
                    t.is_missing
                    AND getvariable('horizon_ms') >= sent_at + 1000 * getvariable('picked_up_within_s')
                )
            ) THEN 'unknown'
            WHEN sent_at <= deadline AND t.is_missing THEN 'pending'
            WHEN sent_at <= deadline THEN 'proven'
            WHEN getvariable('horizon_ms') >= deadline THEN 'genuine'
            ELSE 'premature'
        END AS verdict
    FROM claim c
    LEFT JOIN created o USING (shop, buyer, order_id)
    LEFT JOIN shipped s USING (shop, buyer, order_id)
    LEFT JOIN ended e USING (shop, buyer, order_id)
    LEFT JOIN paid p USING (shop, buyer, order_id)
    LEFT JOIN upheld u USING (shop, buyer, order_id)
    LEFT JOIN carried t USING (shop, buyer, order_id)
    LEFT JOIN sent_whole i USING (shop, buyer, order_id)
),
-- 4. and 5. What each subject counts, and within which time.
suspect AS (
    SELECT
        'buyer' AS kind, shop || ':' || buyer AS subject, buyer, order_id, event_id, at_ms, verdict,
        tracking_no,
        1000 * getvariable('buyer_window_s') AS window_ms,
        1000 * getvariable('buyer_cooldown_s') AS cooldown_ms
    FROM judged
    WHERE verdict IN ('proven', 'premature')
    UNION ALL
    SELECT
        'shop', shop, buyer, order_id, event_id, at_ms, verdict,
        tracking_no,
        1000 * getvariable('shop_window_s'),
        1000 * getvariable('shop_cooldown_s')
    FROM judged
    WHERE verdict = 'proven'
),
in_window AS (
    SELECT
        t.kind, t.subject, t.at_ms AS crossing_at, t.cooldown_ms,
        c.buyer, c.order_id, c.event_id, c.at_ms, c.verdict, c.tracking_no
    FROM (SELECT DISTINCT kind, subject, at_ms, window_ms, cooldown_ms FROM suspect) t
    JOIN suspect c
        ON c.kind = t.kind AND c.subject = t.subject
        AND c.at_ms BETWEEN t.at_ms - t.window_ms AND t.at_ms
),
held AS (
    SELECT
        kind, subject, crossing_at, cooldown_ms,
        -- The orders of one parcel are claimed once.
        count(DISTINCT tracking_no) + count(*) FILTER (tracking_no IS NULL) AS claims,
        count(DISTINCT buyer) AS buyers,
        bool_or(verdict = 'proven') AS has_proof
    FROM in_window
    GROUP BY ALL
),
crossing AS (
    SELECT
        kind, subject, crossing_at, cooldown_ms,
        CASE kind
            WHEN 'buyer' THEN CASE WHEN claims >= getvariable('buyer_critical') THEN 2 ELSE 1 END
            WHEN 'shop' THEN CASE WHEN buyers >= getvariable('shop_critical') THEN 2 ELSE 1 END
        END AS level
    FROM held
    WHERE (kind = 'buyer' AND has_proof AND claims >= getvariable('buyer_warn'))
        OR (kind = 'shop' AND buyers >= getvariable('shop_warn'))
),
-- 6. Episodes.
gap AS (
    SELECT *, crossing_at - lag(crossing_at) OVER of_subject > cooldown_ms AS is_new
    FROM crossing
    WINDOW of_subject AS (PARTITION BY kind, subject ORDER BY crossing_at)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new)
        OVER (PARTITION BY kind, subject ORDER BY crossing_at) AS episode
    FROM gap
),
episode AS (
    SELECT
        kind, subject, episode, cooldown_ms,
        min(crossing_at) AS opened_at, max(crossing_at) AS last_crossing, max(level) AS level
    FROM numbered
    GROUP BY ALL
),
anchor AS (
    SELECT e.kind, e.subject, e.episode, first(w.event_id ORDER BY w.at_ms, w.event_id) AS event_id
    FROM episode e
    JOIN in_window w
        ON w.kind = e.kind AND w.subject = e.subject AND w.crossing_at = e.opened_at
    GROUP BY ALL
),
member AS (
    SELECT kind, subject, episode, list(order_id ORDER BY order_id) AS members
    FROM (
        -- With the buyer: the same order id under two buyers is two claims against the shop.
        SELECT DISTINCT n.kind, n.subject, n.episode, w.buyer, w.order_id
        FROM numbered n
        JOIN in_window w USING (kind, subject, crossing_at)
    )
    GROUP BY ALL
)
SELECT
    e.kind AS subject_kind,
    e.subject AS subject_id,
    a.event_id AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    CASE WHEN e.last_crossing + e.cooldown_ms <= getvariable('horizon_ms')
        THEN 'expired' ELSE 'open' END AS status,
    CASE status WHEN 'expired' THEN e.last_crossing + e.cooldown_ms END AS ended_at_ms,
    CASE e.level WHEN 2 THEN 'critical' ELSE 'warn' END AS severity,
    m.members,
    len(m.members) AS n_members
FROM episode e
JOIN anchor a USING (kind, subject, episode)
JOIN member m USING (kind, subject, episode)
ORDER BY subject_kind, subject_id, opened_at_ms;
