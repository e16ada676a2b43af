-- D29 ae_damage; see the definition in docs/detectors/D29.md.
WITH
concerned AS (
    FROM dispute WHERE reason = 'damaged'
),
over AS (
    SELECT shop, buyer, dispute_id, at_ms AS ended_at, event_id AS ended_by
    FROM dispute_step
    WHERE kind IN ('withdrawn', 'ruled')
    QUALIFY row_number() OVER (PARTITION BY shop, buyer, dispute_id ORDER BY at_ms, event_id) = 1
),
found AS (
    SELECT
        c.*, o.ended_by, CASE WHEN o.ended_by IS NOT NULL THEN greatest(o.ended_at, c.at_ms) END AS ended_at,
        course, course_at, course_at + 1000 * getvariable('expire_after_s') AS expires_at
    FROM concerned c
    JOIN course USING (shop, buyer, dispute_id)
    LEFT JOIN over o USING (shop, buyer, dispute_id)
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    at_ms AS opened_at_ms,
    course_at AS last_crossing_ms,
    case_status(ended_at, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(ended_at, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    'info' AS severity,
    list_sort(course) AS members,
    len(members) AS n_members
FROM found
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
