-- What orders are tied to (docs/detectors/D03.md, definitions 1 and 2), for D03 and D35.
-- Raw values stand for their hashes: equal values are one identity, in the spelling of the stories.
-- 1. What an order is tied to now.
CREATE TEMP VIEW receiver AS (
    SELECT
        shop, buyer, order_id, kind, at_ms, event_id,
        nullif(value ->> '$.device_hash', '') AS device,
        nullif(value ->> '$.receiver.phone', '') AS phone,
        nullif(value ->> '$.receiver.name', '') || '|' || (value ->> '$.receiver.city') AS consignee,
        CASE WHEN value ->> '$.receiver.detail' NOT LIKE '%快递柜%'
            -- The same street in another province, or country, is another address.
            THEN nullif(value ->> '$.receiver.detail', '')
                || '/' || coalesce(value ->> '$.receiver.state', '') END AS address
    FROM event
    WHERE topic = 'orders' AND kind IN ('created', 'address_changed')
);

CREATE TEMP VIEW given_receiver AS (
    FROM receiver
    WHERE kind = 'created' AND coalesce(device, phone, consignee, address) IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, order_id ORDER BY at_ms DESC, event_id DESC
    ) = 1
);

CREATE TEMP VIEW changed_receiver AS (
    FROM receiver
    WHERE kind = 'address_changed'
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, order_id ORDER BY at_ms DESC, event_id DESC
    ) = 1
);

CREATE TEMP VIEW standing_receiver AS (
    SELECT
        c.shop, c.buyer, c.order_id, g.device,
        CASE WHEN x.event_id IS NULL THEN g.phone ELSE x.phone END AS phone,
        CASE WHEN x.event_id IS NULL THEN g.consignee ELSE x.consignee END AS consignee,
        CASE WHEN x.event_id IS NULL THEN g.address ELSE x.address END AS address
    FROM created c
    LEFT JOIN given_receiver g USING (shop, buyer, order_id)
    LEFT JOIN changed_receiver x USING (shop, buyer, order_id)
);

CREATE TEMP VIEW order_identity AS (
    UNPIVOT standing_receiver ON device, phone, consignee, address INTO NAME kind VALUE named
);

-- The first payment, or try, from an account in each 30 days.
CREATE TEMP VIEW payer_seen AS (
    SELECT shop, buyer, value ->> '$.payer_account' AS account, min(at_ms) AS at_ms
    FROM event
    WHERE topic = 'payments'
        -- Of what docs/address-signals.md says is none, what the stories have: cut short, or masked.
        AND length(value ->> '$.payer_account') >= 6
        AND NOT contains(value ->> '$.payer_account', '*')
    GROUP BY shop, buyer, account, at_ms // (30 * 86400000::BIGINT)
);

-- Of an order that is tied to anything else, the accounts that may have paid for it.
CREATE TEMP VIEW order_account AS (
    SELECT DISTINCT c.shop, c.buyer, c.order_id, 'payer' AS kind, s.account AS named
    FROM created c
    SEMI JOIN order_identity USING (shop, buyer, order_id)
    JOIN payer_seen s
        ON s.shop = c.shop AND s.buyer = c.buyer
        AND s.at_ms BETWEEN c.at_ms - 45 * 86400000::BIGINT AND c.at_ms + 3 * 86400000::BIGINT
);

-- 2. From when it counts towards each identity.
CREATE TEMP VIEW identified_order AS (
    SELECT
        c.shop, c.buyer, c.order_id, c.event_id, c.units,
        c.at_ms AS placed_at,
        p.at_ms AS paid_at,
        least(p.at_ms, x.at_ms) AS end_at,
        (
            SELECT count(*) FROM paid o
            WHERE o.shop = c.shop AND o.buyer = c.buyer AND o.at_ms <= c.at_ms
        ) AS paid_before
    FROM created c
    LEFT JOIN paid p USING (shop, buyer, order_id)
    LEFT JOIN closed x USING (shop, buyer, order_id)
);

CREATE TEMP VIEW patient_identity AS (
    SELECT
        t.*, i.kind, i.named,
        i.kind IN ('phone', 'device') AS is_strong,
        t.placed_at + 1000 * CASE WHEN i.kind IN ('phone', 'device')
            THEN getvariable('grace_s') ELSE getvariable('weak_grace_s') END AS until
    FROM identified_order t
    JOIN order_identity i USING (shop, buyer, order_id)
);

CREATE TEMP VIEW last_identity_failure AS (
    SELECT p.shop, p.buyer, p.order_id, p.kind, max(f.at_ms) AS at_ms
    FROM patient_identity p
    JOIN payment f USING (shop, buyer, order_id)
    WHERE f.kind = 'failed' AND f.at_ms BETWEEN p.placed_at AND p.until
    GROUP BY ALL
);

-- Towards an account, from when it counts towards an address; `settles` where only its own payment, too
-- late, came from there.
CREATE TEMP VIEW patient_order AS (
    SELECT t.*, t.placed_at + 1000 * getvariable('weak_grace_s') AS until
    FROM identified_order t
    SEMI JOIN order_identity USING (shop, buyer, order_id)
);

CREATE TEMP VIEW account_counts AS (
    SELECT
        p.shop, p.buyer, p.order_id, p.event_id, p.units, p.placed_at, p.paid_at, p.end_at, p.paid_before,
        'payer' AS kind,
        s.account AS named,
        false AS is_strong,
        any_value(f.counted_at) AS at_ms,
        min(s.at_ms) > any_value(greatest(f.counted_at, f.last_failed_at)) AS settles
    FROM patient_order p
    JOIN (
        SELECT
            p.shop, p.buyer, p.order_id,
            coalesce(
                max(f.at_ms) FILTER (f.at_ms BETWEEN p.placed_at AND p.until)
                + 1000 * getvariable('failed_payment_grace_s'),
                any_value(p.until)
            ) AS counted_at,
            max(f.at_ms) FILTER (p.end_at IS NULL OR f.at_ms < p.end_at) AS last_failed_at
        FROM patient_order p
        LEFT JOIN payment f
            ON f.shop = p.shop AND f.buyer = p.buyer AND f.order_id = p.order_id AND f.kind = 'failed'
        GROUP BY ALL
    ) f USING (shop, buyer, order_id)
    JOIN payer_seen s
        ON s.shop = p.shop AND s.buyer = p.buyer
        AND s.at_ms >= p.placed_at - 45 * 86400000::BIGINT
        AND s.at_ms <= greatest(f.counted_at, f.last_failed_at, p.paid_at)
    GROUP BY ALL
);

CREATE TEMP VIEW identity_counts AS (
    SELECT
        p.* EXCLUDE (until),
        coalesce(f.at_ms + 1000 * getvariable('failed_payment_grace_s'), p.until) AS at_ms,
        false AS settles
    FROM patient_identity p
    LEFT JOIN last_identity_failure f USING (shop, buyer, order_id, kind)
    UNION ALL BY NAME
    FROM account_counts
);
