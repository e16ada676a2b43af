-- D14 invoice_split_bait; see the definition in docs/detectors/D14.md. What an address is reduced to is given.
WITH
last_step AS (
    FROM invoice_step
    WHERE kind IN ('refused', 'issued')
    QUALIFY row_number() OVER (
        PARTITION BY shop, buyer, kind, invoice_id ORDER BY at_ms DESC, event_id DESC
    ) = 1
),
issued AS (FROM last_step WHERE kind = 'issued'),
about_invoice AS (
    FROM asked_elsewhere
    UNION ALL
    FROM last_step WHERE kind = 'refused'
),
by_invoice AS (
    SELECT
        m.shop, m.buyer,
        arg_min(m.event_id, (m.kind = 'refused', m.at_ms, m.event_id)) AS anchor,
        min(m.at_ms) AS opened_at,
        max(m.at_ms) AS newest_at,
        bool_or(m.kind = 'refused') AS is_refused,
        list(m.event_id) AS members,
        any_value(CASE WHEN i.at_ms >= w.newest_at THEN i.at_ms END) AS issued_at
    FROM about_invoice m
    JOIN (
        SELECT shop, buyer, invoice_id, max(at_ms) AS newest_at FROM about_invoice GROUP BY ALL
    ) w USING (shop, buyer, invoice_id)
    LEFT JOIN issued i USING (shop, buyer, invoice_id)
    GROUP BY m.shop, m.buyer, m.invoice_id
),
in_chat AS (
    SELECT shop, buyer, event_id, at_ms, false AS is_refused, orders
    FROM said
    WHERE list_contains(themes, 'invoice')
    UNION ALL
    SELECT DISTINCT
        shop, buyer, event_id, at_ms, true, CASE order_id WHEN '' THEN [] ELSE [order_id] END
    FROM invoice_step
    WHERE kind = 'refused in chat'
),
numbered AS (
    SELECT
        * EXCLUDE (previous),
        sum(CASE WHEN at_ms - previous <= 1000 * getvariable('cooldown_s') THEN 0 ELSE 1 END)
            OVER (PARTITION BY shop, buyer ORDER BY at_ms, event_id) AS talk
    FROM (
        SELECT
            *,
            lag(at_ms) OVER (PARTITION BY shop, buyer ORDER BY at_ms, event_id) AS previous
        FROM in_chat
    )
),
talk AS (
    SELECT
        shop, buyer,
        arg_min(event_id, (at_ms, event_id)) AS anchor,
        min(at_ms) AS opened_at,
        max(at_ms) AS newest_at,
        bool_or(is_refused) AS is_refused,
        list(event_id) AS members,
        flatten(list(orders)) AS named
    FROM numbered
    GROUP BY shop, buyer, talk
),
by_talk AS (
    SELECT
        t.* EXCLUDE (named),
        (
            SELECT min(i.at_ms)
            FROM issued i
            WHERE i.shop = t.shop AND i.buyer = t.buyer AND i.at_ms >= t.newest_at
                AND (len(t.named) = 0 OR list_contains(t.named, i.order_id))
        ) AS issued_at
    FROM talk t
),
found AS (
    FROM by_invoice
    UNION ALL BY NAME
    FROM by_talk
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    anchor AS anchor_event_id,
    opened_at AS opened_at_ms,
    newest_at AS last_crossing_ms,
    CASE
        WHEN issued_at IS NOT NULL THEN 'resolved'
        WHEN newest_at + 1000 * getvariable('expire_after_s') <= getvariable('horizon_ms') THEN 'expired'
        ELSE 'open'
    END AS status,
    CASE status
        WHEN 'resolved' THEN issued_at
        WHEN 'expired' THEN newest_at + 1000 * getvariable('expire_after_s')
    END AS ended_at_ms,
    CASE WHEN is_refused THEN 'warn' ELSE 'info' END AS severity,
    list_sort(members) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_id, opened_at_ms, anchor_event_id;
