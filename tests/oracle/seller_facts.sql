-- More facts, for the detectors about returns, disputes, top-ups and the seller's own deadlines.
-- As in facts.sql the last writer of a natural key wins, except where the first one is said to.
CREATE TEMP TABLE seller_event AS
SELECT
    topic,
    CASE WHEN value ->> '$.type' = 'platform_intervened' AND value ->> '$.ruling' = 'buyer'
        THEN 'ruled_for_buyer' ELSE value ->> '$.type' END AS kind,
    value ->> '$.event_id' AS event_id,
    ms(value ->> '$.occurred_at') AS at_ms,
    value ->> '$.shop_id' AS shop,
    value ->> '$.buyer_id' AS buyer,
    value ->> '$.order_id' AS order_id,
    value
FROM raw
WHERE topic IN (
    'orders', 'payments', 'refunds', 'returns', 'disputes', 'recharges', 'chats', 'contacts', 'filings'
);

-- First writer, as every close.
CREATE TEMP TABLE closed_by_seller AS
SELECT shop, buyer, order_id, event_id, at_ms
FROM seller_event
WHERE topic = 'orders' AND kind = 'closed' AND value ->> '$.closed_by' = 'seller'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id DESC
) = 1;

-- With the event, which facts.sql does not need.
CREATE TEMP TABLE closing AS
SELECT shop, buyer, order_id, event_id, at_ms, value ->> '$.closed_by' AS closed_by
FROM seller_event
WHERE topic = 'orders' AND kind = 'closed'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id DESC
) = 1;

-- What happened first of all that ends shipping an order.
CREATE TEMP TABLE shipping_over AS
SELECT shop, buyer, order_id, at_ms, event_id, topic
FROM (
    SELECT shop, buyer, order_id, at_ms, event_id, topic
    FROM event WHERE topic = 'shipments' AND kind = 'shipped'
    UNION ALL
    SELECT shop, buyer, order_id, at_ms, event_id, topic
    FROM seller_event
    WHERE (topic, kind) IN (
        ('orders', 'closed'), ('refunds', 'agreed'), ('refunds', 'ruled_for_buyer'), ('refunds', 'succeeded'),
        ('recharges', 'submitted'), ('filings', 'accepted')
    )
)
QUALIFY row_number() OVER (PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id DESC) = 1;

-- What the carrier says of the last parcel of an order: when it took it, or that a pickup which ought to be
-- told is missing. Before the last `shipped` it was another parcel's.
CREATE TEMP TABLE carried AS
SELECT
    s.shop, s.buyer, s.order_id,
    max(e.at_ms) AS picked_up_at,
    bool_and(s.pickup_follows) AND picked_up_at IS NULL AS is_missing
FROM shipped s
LEFT JOIN event e
    ON e.shop = s.shop AND e.buyer = s.buyer AND e.order_id = s.order_id
    AND e.topic = 'shipments' AND e.kind = 'pickup'
    AND e.at_ms >= s.at_ms
GROUP BY ALL;

-- Orders that were closed or refunded and of which nothing left, of buyers of whom some parcel is known.
CREATE TEMP TABLE came_to_nothing AS
SELECT o.shop, o.buyer, o.order_id
FROM shipping_over o
SEMI JOIN shipped s ON s.shop = o.shop AND s.buyer = o.buyer
ANTI JOIN shipped t ON t.shop = o.shop AND t.buyer = o.buyer AND t.order_id = o.order_id
WHERE o.topic IN ('orders', 'refunds');

-- The same where no parcel left before, and every close: shipping is no end for who goes on after it.
CREATE TEMP TABLE ended_unshipped AS
SELECT shop, buyer, order_id, min(at_ms) AS at_ms
FROM (
    SELECT shop, buyer, order_id, at_ms FROM closed
    UNION ALL
    SELECT shop, buyer, order_id, at_ms FROM shipping_over WHERE topic <> 'shipments'
)
GROUP BY ALL;

CREATE TEMP TABLE paying AS
SELECT shop, buyer, order_id, event_id, at_ms
FROM (
    SELECT *
    FROM seller_event
    WHERE topic = 'payments' AND kind = 'succeeded'
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, value ->> '$.payment_id', order_id
        ORDER BY at_ms DESC, event_id DESC
    ) = 1
)
QUALIFY row_number() OVER (PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id) = 1;

-- First writer.
CREATE TEMP TABLE granted AS
SELECT shop, buyer, order_id, event_id, at_ms, kind = 'ruled_for_buyer' AS is_judged
FROM seller_event
WHERE topic = 'refunds' AND kind IN ('agreed', 'ruled_for_buyer', 'succeeded')
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, kind, value ->> '$.refund_id' ORDER BY at_ms, event_id DESC
) = 1;

-- When the platform found the buyer right about an order: in a refund, or in a complaint.
CREATE TEMP TABLE found_right AS
SELECT shop, buyer, order_id, at_ms FROM granted WHERE is_judged
UNION ALL
SELECT r.shop, r.buyer, coalesce(r.order_id, f.order_id), r.at_ms
FROM complaint r
LEFT JOIN (FROM complaint WHERE kind = 'filed') f USING (shop, buyer, complaint_id)
WHERE r.kind = 'ruled' AND r.ruling = 'upheld';

-- What the seller wrote, and the request that it speaks for: the next one, of that order or else of an order
-- that there was.
CREATE TEMP TABLE invited_request AS
SELECT n.*
FROM (
    SELECT
        s.shop, s.buyer, s.at_ms AS said_at, s.order_id AS named,
        s.is_invitation, s.is_keep, s.is_mistake, r.order_id, r.event_id
    FROM said_by_seller s
    JOIN (FROM refund WHERE kind = 'requested') r
        ON r.shop = s.shop AND r.buyer = s.buyer AND r.at_ms >= s.at_ms
        AND coalesce(r.order_id = s.order_id, true)
    QUALIFY row_number() OVER (
        PARTITION BY s.shop, s.buyer, s.event_id ORDER BY r.at_ms, r.event_id
    ) = 1
) n
LEFT JOIN created o ON o.shop = n.shop AND o.buyer = n.buyer AND o.order_id = n.order_id
WHERE n.named IS NOT NULL OR coalesce(o.at_ms <= n.said_at, true);

CREATE TEMP TABLE inspected AS
SELECT
    shop, buyer, order_id, event_id, at_ms,
    value ->> '$.return_id' AS return_id,
    value ->> '$.result' AS result,
    value ->> '$.expected_sku_id' AS expected_sku,
    value ->> '$.received_sku_id' AS received_sku,
    (value ->> '$.expected_quantity')::BIGINT AS expected_units,
    (value ->> '$.received_quantity')::BIGINT AS received_units,
    (value ->> '$.expected_weight_g')::BIGINT AS expected_g,
    (value ->> '$.received_weight_g')::BIGINT AS received_g
FROM seller_event
WHERE topic = 'returns' AND kind = 'inspected'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, value ->> '$.return_id' ORDER BY at_ms DESC, event_id DESC
) = 1;

-- First writer: since when a return is under way, and when a parcel came: who has opened it has it.
CREATE TEMP TABLE under_way AS
SELECT shop, buyer, order_id, min(at_ms) AS at_ms
FROM seller_event
WHERE (topic = 'returns' AND kind = 'label_created')
    OR (topic = 'refunds' AND kind = 'buyer_returned')
GROUP BY ALL;

CREATE TEMP TABLE arrived AS
SELECT
    shop, buyer, order_id, event_id, at_ms,
    nullif(value ->> '$.refund_id', '') AS refund_id,
    value ->> '$.return_id' AS return_id
FROM seller_event
WHERE topic = 'returns' AND kind IN ('delivered', 'inspected')
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, value ->> '$.return_id' ORDER BY at_ms, event_id DESC
) = 1;

CREATE TEMP TABLE dispute_step AS
SELECT
    shop, buyer, order_id, kind, event_id, at_ms,
    value ->> '$.dispute_id' AS dispute_id,
    value ->> '$.reason' AS reason,
    lower(coalesce(value ->> '$.channel', '')) AS channel,
    value ->> '$.ruling' AS ruling,
    CASE
        WHEN upper(trim(value ->> '$.country')) IN ('IT', 'ITA', 'ITALY', 'ITALIA', '意大利') THEN 'IT'
        WHEN regexp_full_match(upper(trim(value ->> '$.country')), '[A-Z]{2}')
            THEN upper(trim(value ->> '$.country'))
    END AS country,
    ms(value ->> '$.countdown_ends_at') AS countdown
FROM seller_event
WHERE topic = 'disputes' AND kind <> 'evidence_added'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, kind, value ->> '$.dispute_id' ORDER BY at_ms DESC, event_id DESC
) = 1;

CREATE TEMP TABLE dispute AS FROM dispute_step WHERE kind = 'opened';

-- After these no return is awaited in the dispute that they bear the id of: money that went back, and what was
-- granted of a request for nothing but money that stands. What was asked last before the grant was granted.
CREATE TEMP TABLE refund_for_good AS
SELECT g.shop, g.buyer, g.dispute_id, g.event_id, g.at_ms
FROM (
    FROM (
        SELECT *, value ->> '$.refund_id' AS dispute_id
        FROM seller_event
        WHERE topic = 'refunds' AND kind IN ('agreed', 'ruled_for_buyer', 'succeeded')
    )
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, kind, dispute_id ORDER BY at_ms, event_id DESC
    ) = 1
) g
SEMI JOIN dispute d ON d.shop = g.shop AND d.buyer = g.buyer AND d.dispute_id = g.dispute_id
LEFT JOIN (FROM refund WHERE kind = 'requested') r
    ON r.shop = g.shop AND r.buyer = g.buyer AND r.refund_id = g.dispute_id AND r.at_ms <= g.at_ms
LEFT JOIN (FROM refund WHERE kind = 'withdrawn') w
    ON w.shop = r.shop AND w.buyer = r.buyer AND w.refund_id = r.refund_id AND w.attempt_no = r.attempt_no
LEFT JOIN (FROM dispute_step WHERE kind = 'ruled') v
    ON v.shop = g.shop AND v.buyer = g.buyer AND v.dispute_id = g.dispute_id
QUALIFY
    row_number() OVER (
        PARTITION BY g.shop, g.buyer, g.kind, g.dispute_id ORDER BY r.at_ms DESC, r.event_id DESC
    ) = 1
    AND CASE g.kind
        WHEN 'succeeded' THEN true
        WHEN 'ruled_for_buyer' THEN coalesce(v.ruling, '') <> 'return_and_refund'
            AND coalesce(r.is_refund_only, false) AND w.refund_id IS NULL
        ELSE coalesce(r.is_refund_only, false) AND w.refund_id IS NULL
    END;

-- Which disputes a parcel may be about that names no refund: those of its order that stood when it came, and
-- where none did, those that there had been. A named one is about the dispute of that id.
CREATE TEMP TABLE parcel_about AS
WITH possible AS (
    SELECT
        a.shop, a.buyer, a.order_id, a.event_id, a.at_ms, d.dispute_id,
        w.at_ms IS NULL OR greatest(w.at_ms, d.at_ms) > a.at_ms AS stands
    FROM arrived a
    JOIN dispute d USING (shop, buyer, order_id)
    LEFT JOIN (FROM dispute_step WHERE kind = 'withdrawn') w
        ON w.shop = d.shop AND w.buyer = d.buyer AND w.dispute_id = d.dispute_id
    WHERE a.refund_id IS NULL AND d.at_ms <= a.at_ms
),
left_over AS (
    FROM possible
    QUALIFY stands OR NOT bool_or(stands) OVER (PARTITION BY shop, buyer, event_id)
),
counted AS (
    SELECT *, count(*) OVER (PARTITION BY shop, buyer, event_id) AS n FROM left_over
)
SELECT shop, buyer, dispute_id, event_id, at_ms, n = 1 AS is_sure FROM counted WHERE n = 1 OR stands
UNION ALL
SELECT a.shop, a.buyer, a.refund_id, a.event_id, a.at_ms, true
FROM arrived a
SEMI JOIN dispute d ON d.shop = a.shop AND d.buyer = a.buyer AND d.dispute_id = a.refund_id;

CREATE TEMP TABLE evidence AS
SELECT
    shop, buyer, event_id, at_ms,
    value ->> '$.dispute_id' AS dispute_id,
    value ->> '$.kind' AS about,
    value ->> '$.by' AS party
FROM seller_event
WHERE topic = 'disputes' AND kind = 'evidence_added'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, dispute_id, about, party,
        CASE WHEN about = 'tracking_no' THEN event_id END
    ORDER BY at_ms, event_id DESC
) = 1;

-- All that is known of a dispute, which every alert about it has.
CREATE TEMP TABLE course AS
SELECT shop, buyer, dispute_id, max(at_ms) AS course_at, list(event_id) AS course
FROM (
    SELECT shop, buyer, dispute_id, at_ms, event_id FROM dispute_step
    UNION ALL
    SELECT shop, buyer, dispute_id, at_ms, event_id FROM evidence
)
GROUP BY ALL;

CREATE TEMP TABLE topup AS
SELECT shop, buyer, order_id, event_id, at_ms, value ->> '$.recharge_id' AS recharge_id
FROM seller_event
WHERE topic = 'recharges' AND kind = 'submitted'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, recharge_id ORDER BY at_ms DESC, event_id DESC
) = 1;

CREATE TEMP TABLE settled AS
SELECT shop, buyer, event_id, at_ms, value ->> '$.recharge_id' AS recharge_id
FROM seller_event
WHERE topic = 'recharges'
    AND (kind = 'reconciled' OR (kind = 'callback' AND value ->> '$.status' <> 'pending'))
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, kind, recharge_id ORDER BY at_ms, event_id DESC
) = 1;

-- What opens and ends of cases have in common: kind of subject, its id, and the state at the horizon.
CREATE MACRO case_status(resolved_at, expires_at, horizon) AS
    CASE WHEN resolved_at IS NOT NULL THEN 'resolved' WHEN expires_at <= horizon THEN 'expired' ELSE 'open' END;
CREATE MACRO case_ended(resolved_at, expires_at, horizon) AS
    CASE WHEN resolved_at IS NOT NULL THEN resolved_at WHEN expires_at <= horizon THEN expires_at END;
