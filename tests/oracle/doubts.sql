-- What is odd about receivers and accounts, for D05 and D06. What a receiver's address and phone are worth is
-- given, in `doubted`.
-- Of the receivers of an order without a doubt only the newest is known.
CREATE TEMP TABLE receiver_known AS
SELECT *, lead(at_ms) OVER (
    PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id
) AS replaced_at
FROM (
    SELECT
        g.shop, g.buyer, g.order_id, g.event_id, g.at_ms,
        coalesce(d.address, false) AS is_address_doubted,
        coalesce(d.phone, false) AS is_phone_doubted
    FROM (SELECT DISTINCT shop, buyer, order_id, event_id, at_ms FROM given) g
    LEFT JOIN doubted d USING (shop, buyer, event_id)
    QUALIFY is_address_doubted OR is_phone_doubted OR row_number() OVER (
        PARTITION BY g.shop, g.buyer, g.order_id ORDER BY g.at_ms DESC, g.event_id DESC
    ) = 1
);

-- D06, step 1: what is told of the account, and the signs.
CREATE TEMP TABLE identity_sign AS
WITH told AS (
    SELECT DISTINCT
        shop, buyer, event_id, at_ms,
        CASE kind WHEN 'verified' THEN 'account' ELSE 'phone' END AS sign,
        (value ->> CASE kind WHEN 'verified' THEN '$.alipay_verified' ELSE '$.phone_valid' END)::BOOLEAN
            AS is_right
    FROM event
    WHERE topic = 'accounts' AND kind IN ('verified', 'flags') AND is_right IS NOT NULL
)
SELECT
    t.shop, t.buyer, t.event_id, t.at_ms, t.sign, false AS is_receiver,
    (
        SELECT min(c.at_ms)
        FROM told c
        WHERE c.shop = t.shop AND c.buyer = t.buyer AND c.sign = t.sign AND c.is_right
            AND c.at_ms > t.at_ms
    ) AS cleared_at
FROM told t
WHERE NOT t.is_right
UNION ALL
SELECT shop, buyer, event_id, at_ms, 'phone', true, replaced_at
FROM receiver_known
WHERE is_phone_doubted;
