-- Signals of chats and reviews, as facts hold them: tables `said`, `explained`, `offered`, `reviewed`,
-- `invoice_step` and `delivered` are given.
-- D04: money that is claimed as compensation is something soft when all that a message wants of money is
-- such, and a reason was given that day or the day before (UTC), not after the message. Else it is money.
CREATE TEMP TABLE excused AS
SELECT DISTINCT s.shop, s.buyer, s.event_id
FROM said s
JOIN explained e
    ON e.shop = s.shop AND e.buyer = s.buyer AND e.at_ms <= s.at_ms
    AND e.at_ms // 86400000 >= s.at_ms // 86400000 - 1
WHERE s.claims_money AND NOT s.wants_money
UNION
-- So is no more than what the shop had offered.
SELECT s.shop, s.buyer, s.event_id
FROM said s
JOIN offered o
    ON o.shop = s.shop AND o.buyer = s.buyer AND o.at_ms <= s.at_ms
    AND o.at_ms // 86400000 >= s.at_ms // 86400000 - 1
WHERE s.amount_minor BETWEEN 1 AND o.amount_minor
UNION
-- And what the buyer told in another message to be its own, of less than a thousand.
SELECT s.shop, s.buyer, s.event_id
FROM said s
JOIN owned o
    ON o.shop = s.shop AND o.buyer = s.buyer AND o.event_id <> s.event_id AND o.at_ms <= s.at_ms
    AND o.at_ms // 86400000 >= s.at_ms // 86400000 - 1
WHERE s.amount_minor BETWEEN 1 AND o.amount_minor AND o.amount_minor < 100000 AND NOT s.names_channel;

UPDATE said SET wants_money = TRUE WHERE claims_money;

UPDATE said SET wants_money = FALSE, wants_something = TRUE, names_amount = FALSE
FROM excused x
WHERE (x.shop, x.buyer, x.event_id) = (said.shop, said.buyer, said.event_id);

-- A review's parts: posted, its newest change, and what was added; the later of the first two stands.
CREATE TEMP TABLE standing_part AS
SELECT *
FROM reviewed
QUALIFY part = 'appended' OR row_number() OVER (
    PARTITION BY shop, buyer, review_id, part = 'appended' ORDER BY at_ms DESC, event_id DESC
) = 1;

CREATE TEMP TABLE review AS
SELECT
    shop, buyer, review_id,
    -- T04 counts from when it was first published; from its first known part where nobody said.
    coalesce(min(nullif(posted_ms, 0)), min(at_ms)) AS posted_at,
    arg_min(order_id, (at_ms, event_id)) AS order_id,
    max(at_ms) AS newest_at
FROM reviewed
GROUP BY ALL;

CREATE TEMP TABLE review_now AS
SELECT
    r.*,
    s.rating,
    s.standing_at,
    CASE WHEN g.at_ms >= r.newest_at THEN g.at_ms END AS gone_at
FROM review r
JOIN (
    SELECT shop, buyer, review_id, arg_max(rating, (at_ms, event_id)) AS rating, max(at_ms) AS standing_at
    FROM standing_part
    GROUP BY ALL
) s USING (shop, buyer, review_id)
LEFT JOIN review_gone g USING (shop, buyer, review_id);

-- When each part stopped being readable. Deleting ends all parts that had been told by then; of what was
-- posted and its change the later one ends the earlier.
CREATE TEMP TABLE review_part AS
SELECT
    r.*,
    least(
        CASE WHEN n.gone_at >= r.at_ms THEN n.gone_at END,
        CASE WHEN r.part <> 'appended' THEN c.at_ms END
    ) AS ended_at
FROM reviewed r
JOIN review_now n USING (shop, buyer, review_id)
LEFT JOIN (FROM reviewed WHERE part <> 'appended') c
    ON c.shop = r.shop AND c.buyer = r.buyer AND c.review_id = r.review_id AND c.part <> r.part
    AND (c.at_ms, c.event_id) > (r.at_ms, r.event_id);

-- T04: exactly thirty days still pass (N17).
CREATE MACRO too_late(posted_at) AS posted_at + 30 * 86400000::BIGINT + 1;

-- A message names no order, though its event may.
CREATE TEMP TABLE invoice_refused AS
SELECT shop, buyer, CASE kind WHEN 'refused' THEN order_id ELSE '' END AS order_id, at_ms
FROM invoice_step
WHERE kind IN ('refused', 'refused in chat');

-- Invoices that were asked to another address than that of their order.
CREATE TEMP TABLE asked_elsewhere AS
SELECT a.*
FROM invoice_step a
JOIN (
    FROM delivered
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, order_id ORDER BY kind = 'changed' DESC, at_ms DESC, event_id DESC
    ) = 1
) h USING (shop, buyer, order_id)
WHERE a.kind = 'asked' AND a.address <> '' AND h.address <> '' AND a.address <> h.address;

CREATE TEMP TABLE own_order AS
SELECT shop, buyer, order_id
FROM event
WHERE (topic, kind) IN (
    ('orders', 'created'), ('orders', 'address_changed'), ('orders', 'closed'),
    ('payments', 'succeeded'), ('payments', 'failed'),
    ('shipments', 'shipped'), ('shipments', 'refused'), ('shipments', 'returned_to_sender')
)
UNION SELECT shop, buyer, order_id FROM refund
UNION SELECT shop, buyer, order_id FROM granted
UNION SELECT shop, buyer, order_id FROM under_way
UNION SELECT shop, buyer, order_id FROM arrived
UNION SELECT shop, buyer, order_id FROM inspected
UNION SELECT shop, buyer, order_id FROM dispute
UNION SELECT shop, buyer, order_id FROM topup
UNION SELECT shop, buyer, order_id FROM seller_event WHERE topic = 'filings'
UNION SELECT shop, buyer, order_id FROM invoice_step WHERE kind <> 'refused in chat'
UNION SELECT shop, buyer, order_id FROM reviewed
UNION SELECT shop, buyer, order_id FROM complaint WHERE kind = 'filed' AND order_id IS NOT NULL;

-- D04, step 1, as far as it is about money; ten minutes wherever it is asked for.
CREATE TEMP TABLE demand AS
SELECT DISTINCT t.shop, t.buyer, t.at_ms
FROM said t
JOIN said w
    ON w.shop = t.shop AND w.buyer = t.buyer AND w.at_ms BETWEEN t.at_ms - 600000 AND t.at_ms
WHERE t.is_marked
GROUP BY t.shop, t.buyer, t.at_ms, t.event_id
HAVING bool_or(w.threatens) AND bool_or(w.wants_money);

-- D13, steps 1 and 2: questions about orders of which none is the buyer's own.
CREATE TEMP TABLE foreign_ask AS
WITH named AS (
    SELECT a.shop, a.buyer, a.event_id, a.at_ms, n.event_id AS naming_id, n.orders
    FROM said a
    JOIN said n
        ON n.shop = a.shop AND n.buyer = a.buyer AND len(n.orders) > 0
        AND CASE
            WHEN len(a.orders) > 0 THEN n.event_id = a.event_id
            ELSE n.at_ms BETWEEN a.at_ms - 600000 AND a.at_ms
        END
    WHERE a.asks_address
    QUALIFY row_number() OVER (
        PARTITION BY a.shop, a.buyer, a.event_id ORDER BY n.at_ms DESC, n.event_id DESC
    ) = 1
)
SELECT n.*
FROM named n
WHERE NOT EXISTS (
    -- The number itself, a half of it, or a slip: a digit more or less, or two that changed places.
    FROM own_order o, (SELECT unnest(n.orders) AS typed) t
    WHERE o.shop = n.shop AND o.buyer = n.buyer AND CASE
        WHEN length(t.typed) < 8 THEN t.typed = o.order_id
        ELSE contains(o.order_id, t.typed) OR damerau_levenshtein(t.typed, o.order_id) = 1
            AND (length(t.typed) <> length(o.order_id) OR levenshtein(t.typed, o.order_id) = 2)
    END
);
