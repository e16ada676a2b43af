-- From raw records to one row per natural key: the last writer by (time, event id) wins.
-- Every key is within one buyer of one shop: an order id under another buyer is another order.
-- Whole milliseconds, rounded to the nearest: the unit of every time in the system.
CREATE MACRO ms(rfc3339) AS (epoch_us(rfc3339::TIMESTAMPTZ) + 500) // 1000;

CREATE TEMP TABLE event AS
SELECT
    topic,
    value ->> '$.type' AS kind,
    value ->> '$.event_id' AS event_id,
    ms(value ->> '$.occurred_at') AS at_ms,
    value ->> '$.shop_id' AS shop,
    value ->> '$.buyer_id' AS buyer,
    value ->> '$.order_id' AS order_id,
    value
FROM raw
WHERE topic IN (
    'orders', 'payments', 'refunds', 'contacts', 'chats', 'complaints', 'shipments', 'accounts', 'reviews'
);

CREATE TEMP TABLE created AS
SELECT
    shop, buyer, order_id, event_id, at_ms,
    list_sum((value -> '$.items[*].quantity')::BIGINT[]) AS units,
    ms(value ->> '$.ship_by') AS ship_by
FROM event
WHERE topic = 'orders' AND kind = 'created'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, order_id ORDER BY at_ms DESC, event_id DESC
) = 1;

-- An order is closed once: whatever is told later, the first close counts.
CREATE TEMP TABLE closed AS
SELECT shop, buyer, order_id, min(at_ms) AS at_ms
FROM event
WHERE topic = 'orders' AND kind = 'closed'
GROUP BY ALL;

-- A payment that succeeded is one, however often it is told; of tries that failed every one counts.
CREATE TEMP TABLE payment AS
SELECT shop, buyer, order_id, kind, at_ms
FROM event
WHERE topic = 'payments' AND kind IN ('succeeded', 'failed')
QUALIFY row_number() OVER (
    PARTITION BY
        shop, buyer, kind, value ->> '$.payment_id', value ->> '$.order_id',
        CASE WHEN kind = 'failed' THEN event_id END
    ORDER BY at_ms DESC, event_id DESC
) = 1;

CREATE TEMP TABLE paid AS
SELECT shop, buyer, order_id, min(at_ms) AS at_ms
FROM payment
WHERE kind = 'succeeded'
GROUP BY ALL;

CREATE TEMP TABLE shipped AS
SELECT
    shop, buyer, order_id, at_ms,
    ms(value ->> '$.promised_by') AS promised_by,
    coalesce((value ->> '$.pickup_follows')::BOOLEAN, false) AS pickup_follows,
    value ->> '$.tracking_no' AS tracking_no
FROM event
WHERE topic = 'shipments' AND kind = 'shipped'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, order_id ORDER BY at_ms DESC, event_id DESC
) = 1;

CREATE TEMP TABLE refund AS
SELECT
    shop, buyer, order_id, kind, event_id, at_ms,
    value ->> '$.refund_id' AS refund_id,
    coalesce((value ->> '$.attempt_no')::INTEGER, 1) AS attempt_no,
    value ->> '$.sub_order_id' AS sub_order_id,
    -- A part of the price is no refund-only: by the amounts where both are known, else by the words.
    coalesce((value ->> '$.refund_only')::BOOLEAN, false) AND NOT CASE
        WHEN (value ->> '$.paid_minor')::BIGINT > 0
            THEN 10 * (value ->> '$.amount_minor')::HUGEINT < 9 * (value ->> '$.paid_minor')::HUGEINT
        ELSE value ->> '$.reason' = 'other' AND regexp_matches(
            lower(coalesce(value ->> '$.reason_text', '')),
            '价保|保价|价格保护|價保|保價|價格保護|补差($|[^评])|退差($|[^评])|補差($|[^評])|差款|差额|差額'
            || '|差价($|[^格值钱])|差價($|[^格值錢])|部分退|部份退|退还?(部分|部份|一部分|一部份|一半)'
            || '|(坏|烂)(果|单)(比例|包)?赔|壞果包賠|爛果賠|退(还|回)?(运费|邮费|快递费)|退(還|回)?(運費|郵費)'
            || '|(运|邮|快递)费退($|[^货])|(運|郵)費退($|[^貨])|退(还|回)?优惠|退優惠|多(付|收)(了|的)?(钱|款|运费|邮费)'
            || '|赠品|贈品|(安装|安裝|服务|服務|上门|上門)(费|費)|(税|稅)(费|費|点|點)'
            || '|price (protection|match|adjustment|difference)|refund (of )?the difference|partial(ly)? refund'
            || '|part of the (price|money|amount)|refund (a )?part|(shipping|delivery) (fee|cost)|postage'
        ) AND NOT regexp_matches(
            lower(coalesce(value ->> '$.reason_text', '')),
            '仅退款|僅退款|只退款|不退货|不退貨|全额|全額|全款|全部|全退|(^|[^a-z])(full|whole|all) '
            || '|(不要|不想要|不接受|不同意|拒绝|拒絕)(部分|部份)|no part'
        )
    END AS is_refund_only,
    value ->> '$.reason' AS reason,
    -- Of a stockout a part of the price says as much, where what was paid is known.
    CASE WHEN value ->> '$.reason' = 'stockout' AND (value ->> '$.paid_minor')::BIGINT > 0
        THEN 10 * (value ->> '$.amount_minor')::HUGEINT < 9 * (value ->> '$.paid_minor')::HUGEINT
    ELSE value ->> '$.reason' IN ('other', 'stockout') AND regexp_matches(
        lower(coalesce(value ->> '$.reason_text', '')),
        '(发|發|寄)(错|錯)|(错|錯|漏|少)(发|發|寄)|少(装|裝|件)|少了?(一|二|两|兩|三|几|幾|[0-9])+(件|个|個|只|瓶|包)'
        || '|缺件|缺配件|wrong (item|colou?r|size|product)|missing (item|part)'
    ) END AS says_sent_wrong,
    value ->> '$.goods_status' AS goods_status
FROM event
WHERE topic = 'refunds' AND kind IN ('requested', 'refused', 'withdrawn')
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, kind, refund_id, attempt_no ORDER BY at_ms DESC, event_id DESC
) = 1;

CREATE TEMP TABLE contact AS
SELECT shop, buyer, event_id, at_ms, (value ->> '$.answered')::BOOLEAN AS is_answered
FROM event
WHERE topic = 'contacts' AND kind = 'attempted'
QUALIFY row_number() OVER (PARTITION BY shop, buyer, event_id ORDER BY at_ms DESC) = 1;

-- The days (UTC) on which a buyer wrote.
CREATE TEMP TABLE wrote AS
SELECT DISTINCT shop, buyer, at_ms // 86400000 AS day
FROM event
WHERE topic = 'chats' AND kind = 'message' AND value ->> '$.sender' = 'buyer';

-- What the seller wrote that speaks for the buyer, in the few words that stories have for it.
CREATE TEMP TABLE said_by_seller AS
SELECT
    shop, buyer, nullif(order_id, '') AS order_id, event_id, at_ms,
    value ->> '$.text' AS text,
    regexp_matches(text, '缺货了|没货了') AS is_stockout,
    regexp_matches(text, '(少|漏)发了|发错了') AS is_mistake,
    regexp_matches(text, '麻烦您拒(收|签)|您拒收一下') AS is_wish_to_refuse,
    regexp_matches(text, '您重新申请|申请仅退款就行') AS is_invitation,
    regexp_matches(text, '还没发出|还没寄出') AS is_unsent,
    regexp_matches(text, '开不了发票') AS is_refused_invoice,
    regexp_matches(text, '要补[0-9]+元运费') AS is_about_freight,
    regexp_matches(text, '您留着用吧') AS is_keep,
    regexp_matches(text, '先拍下不要付款') AS is_wish_to_place,
    regexp_matches(text, '不是我们店的订单') AS is_disowned,
    regexp_matches(text, '好评返现[0-9]+元') AS is_cashback
FROM event
WHERE topic = 'chats' AND kind = 'message' AND value ->> '$.sender' = 'seller'
UNION ALL BY NAME
-- A refusal that asks to apply once more says so of its order, and nothing else of what it says is read.
SELECT
    shop, buyer, order_id, event_id, at_ms, true AS is_invitation,
    false AS is_stockout, false AS is_mistake, false AS is_wish_to_refuse, false AS is_unsent,
    false AS is_refused_invoice, false AS is_about_freight, false AS is_keep, false AS is_wish_to_place,
    false AS is_disowned, false AS is_cashback
FROM event
WHERE topic = 'refunds' AND kind = 'refused' AND regexp_matches(value ->> '$.reason_text', '您重新申请');

-- What the buyer told, in the words that stories have for it.
CREATE TEMP TABLE told_by_buyer AS
SELECT e.shop, e.buyer, e.at_ms, k.kind
FROM event e
JOIN (VALUES ('付不了款', 'unpaid'), ('发错颜色', 'sent_wrong'), ('你们发错了', 'sent_wrong'), ('盒子压扁了', 'parcel')) k(words, kind)
    ON contains(e.value ->> '$.text', k.words)
WHERE e.topic = 'chats' AND e.kind = 'message' AND e.value ->> '$.sender' = 'buyer';

-- On which days (UTC), and since when of each, the buyer said what is wrong.
CREATE TEMP TABLE reasoned AS
SELECT shop, buyer, at_ms // 86400000 AS day, min(at_ms) AS at_ms
FROM event
WHERE topic = 'chats' AND kind = 'message' AND value ->> '$.sender' = 'buyer'
    AND contains(value ->> '$.text', '全坏了')
GROUP BY ALL;

CREATE TEMP TABLE complaint AS
SELECT
    shop, buyer, order_id, kind, event_id, at_ms,
    value ->> '$.complaint_id' AS complaint_id,
    value ->> '$.complaint_type' AS complaint_type,
    value ->> '$.ruling' AS ruling
FROM event
WHERE topic = 'complaints' AND kind IN ('filed', 'ruled')
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, kind, complaint_id ORDER BY at_ms DESC, event_id DESC
) = 1;

-- What was requested and not taken back: the same attempt of the same refund.
CREATE TEMP TABLE standing_request AS
SELECT r.*
FROM refund r
ANTI JOIN (FROM refund WHERE kind = 'withdrawn') w USING (shop, buyer, refund_id, attempt_no)
WHERE r.kind = 'requested';

-- Whole orders as told last, for what only some detectors ask of them.
CREATE TEMP TABLE ordered AS
SELECT shop, buyer, order_id, event_id, at_ms, value
FROM event
WHERE topic = 'orders' AND kind = 'created'
QUALIFY row_number() OVER (
    PARTITION BY shop, buyer, order_id ORDER BY at_ms DESC, event_id DESC
) = 1;

CREATE TEMP TABLE first_payment AS
SELECT shop, buyer, order_id, event_id, at_ms
FROM (
    FROM event
    WHERE topic = 'payments' AND kind = 'succeeded'
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, value ->> '$.payment_id', order_id
        ORDER BY at_ms DESC, event_id DESC
    ) = 1
)
QUALIFY row_number() OVER (PARTITION BY shop, buyer, order_id ORDER BY at_ms, event_id) = 1;

-- Receivers as they were given; the region is empty for mainland China.
CREATE TEMP TABLE given AS
SELECT DISTINCT
    shop, buyer, order_id, kind, event_id, at_ms,
    coalesce(value ->> '$.receiver.state', '') AS state,
    upper(coalesce(value ->> '$.receiver.country', '')) AS country,
    CASE
        WHEN state LIKE '香港%' OR country LIKE '香港%' THEN 'HK'
        WHEN state LIKE '澳门%' OR country LIKE '澳门%' THEN 'MO'
        WHEN state LIKE '台湾%' OR country LIKE '台湾%' THEN 'TW'
        WHEN country IN ('CN', '中国') THEN ''
        ELSE country
    END AS region
FROM event
WHERE topic = 'orders' AND kind IN ('created', 'address_changed');

CREATE TEMP TABLE account_flags AS
SELECT DISTINCT
    shop, buyer, event_id, at_ms, (value ->> '$.is_new')::BOOLEAN AS is_new
FROM event
WHERE topic = 'accounts' AND kind = 'flags' AND (value ->> '$.is_new') IS NOT NULL;

CREATE TEMP TABLE account_verified AS
SELECT DISTINCT shop, buyer, event_id, at_ms, ms(value ->> '$.created_at') AS created_ms
FROM event
WHERE topic = 'accounts' AND kind = 'verified';

-- What an event does not say about a ban leaves it as it was.
CREATE TEMP TABLE flag AS
SELECT shop, buyer, event_id, at_ms, (value ->> '$.is_banned')::BOOLEAN AS is_banned
FROM event
WHERE topic = 'accounts' AND kind = 'flags' AND (value ->> '$.is_banned') IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY shop, buyer, event_id ORDER BY at_ms DESC) = 1;
