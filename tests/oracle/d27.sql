-- D27 recharge_unknown; see the definition in docs/detectors/D27.md.
WITH
answer AS (
    SELECT
        shop, buyer, recharge_id, min(at_ms) AS first_at, max(at_ms) AS last_at,
        [arg_min(event_id, (at_ms, event_id)), arg_max(event_id, (at_ms, event_id))] AS answers
    FROM settled
    GROUP BY ALL
),
judged AS (
    SELECT
        t.shop, t.buyer, t.event_id, t.at_ms,
        t.at_ms + 1000 * getvariable('within_s') AS due,
        a.first_at AS settled_at, a.last_at AS answered_at, a.answers
    FROM topup t
    LEFT JOIN answer a USING (shop, buyer, recharge_id)
),
found AS (
    SELECT *, due + 1000 * getvariable('expire_after_s') AS expires_at
    FROM judged
    WHERE settled_at > due OR (settled_at IS NULL AND due <= getvariable('horizon_ms'))
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    due AS opened_at_ms,
    greatest(due, coalesce(answered_at, due)) AS last_crossing_ms,
    case_status(settled_at, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(settled_at, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    'warn' AS severity,
    list_sort(list_distinct(list_concat([event_id], coalesce(answers, [])))) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
