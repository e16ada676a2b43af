-- D23 third_party_scam; see the definition in docs/detectors/D23.md. Which texts tell of one is given.
WITH
telling AS (
    SELECT shop, buyer, event_id, at_ms FROM said WHERE tells_scam
    UNION ALL
    SELECT shop, buyer, event_id, at_ms FROM reviewed WHERE tells_scam
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (
        PARTITION BY shop, buyer ORDER BY at_ms, event_id
    ) AS run
    FROM (
        SELECT
            *,
            at_ms - lag(at_ms) OVER (PARTITION BY shop, buyer ORDER BY at_ms, event_id)
                > 1000 * getvariable('cooldown_s') AS is_new
        FROM telling
    )
),
-- A run of so many tellings is an episode, from the one on that makes it so many.
episode AS (
    SELECT
        shop, buyer,
        arg_min(event_id, (at_ms, event_id)) AS anchor,
        list(at_ms ORDER BY at_ms)[getvariable('tellings')] AS opened_at,
        max(at_ms) AS last_at,
        max(at_ms) + 1000 * getvariable('expire_after_s') AS expires_at,
        list(event_id ORDER BY event_id) AS members
    FROM numbered
    GROUP BY shop, buyer, run
    HAVING count(*) >= getvariable('tellings')
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    anchor AS anchor_event_id,
    opened_at AS opened_at_ms,
    last_at AS last_crossing_ms,
    case_status(NULL, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(NULL, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    'info' AS severity,
    members,
    len(members) AS n_members
FROM episode
ORDER BY subject_id, opened_at_ms;
