-- D24 cashback_bait; see the definition in docs/detectors/D24.md.
WITH
crossing AS (
    SELECT
        *,
        at_ms - lag(at_ms) OVER (PARTITION BY shop, buyer ORDER BY at_ms, event_id)
            > 1000 * getvariable('cooldown_s') AS is_new
    FROM (
        -- Of a customer who wants no cashback, or to whom the shop had promised it, these are ordinary questions.
        SELECT *, CASE WHEN list_contains(themes, 'cashback') THEN EXISTS (
            FROM said_by_seller c
            WHERE c.shop = m.shop AND c.buyer = m.buyer AND c.is_cashback AND c.at_ms <= m.at_ms
        ) ELSE EXISTS (
            FROM paid p
            WHERE p.shop = m.shop AND p.buyer = m.buyer AND p.at_ms <= m.at_ms
            -- A payment that is not read yet may be.
        ) OR m.at_ms > getvariable('horizon_ms') END AS is_ordinary
        FROM said m
    )
    WHERE len(themes) >= getvariable('themes')
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (
        PARTITION BY shop, buyer ORDER BY at_ms, event_id
    ) AS episode
    FROM crossing
),
episode AS (
    SELECT
        shop, buyer,
        arg_min(event_id, (at_ms, event_id)) AS anchor,
        min(at_ms) AS opened_at,
        max(at_ms) AS last_at,
        bool_and(is_ordinary) AS is_ordinary,
        list(event_id ORDER BY event_id) AS members
    FROM numbered
    GROUP BY shop, buyer, episode
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    anchor AS anchor_event_id,
    opened_at AS opened_at_ms,
    last_at AS last_crossing_ms,
    case_status(NULL, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')) AS status,
    case_ended(NULL, last_at + 1000 * getvariable('expire_after_s'), getvariable('horizon_ms')) AS ended_at_ms,
    CASE WHEN is_ordinary THEN 'info' ELSE 'warn' END AS severity,
    members,
    len(members) AS n_members,
    'warn' AS act_level
FROM episode
ORDER BY subject_id, opened_at_ms;
