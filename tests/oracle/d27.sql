-- D27 recharge_unknown; see the definition in docs/detectors/D27.md.
WITH
answer AS (
    FROM settled
    QUALIFY row_number() OVER (PARTITION BY shop, buyer, recharge_id ORDER BY at_ms, event_id) = 1
),
judged AS (
    SELECT
        t.shop, t.buyer, t.event_id, t.at_ms,
        t.at_ms + 1000 * getvariable('within_s') AS due,
        a.at_ms AS settled_at, a.event_id AS settled_by
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
    greatest(due, coalesce(settled_at, due)) AS last_crossing_ms,
    case_status(settled_at, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(settled_at, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    'warn' AS severity,
    list_sort(list_filter([event_id, settled_by], lambda x: x IS NOT NULL)) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
