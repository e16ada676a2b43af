-- D32 ae_italy_return; see the definition in docs/detectors/D32.md.
WITH
ruled AS (
    SELECT r.*, o.event_id AS opened_by, o.at_ms AS opened_at
    FROM (FROM dispute_step WHERE kind = 'ruled' AND ruling = 'return_and_refund') r
    JOIN dispute o USING (shop, buyer, dispute_id)
    WHERE coalesce(r.country, o.country) = 'IT'
),
over AS (
    SELECT shop, buyer, dispute_id, at_ms AS ended_at, event_id AS ended_by
    FROM (
        SELECT shop, buyer, dispute_id, at_ms, event_id
        FROM (
            FROM evidence WHERE about = 'tracking_no' AND party = 'seller'
            UNION ALL BY NAME
            -- What came, or was paid.
            SELECT *, 'back' AS about FROM parcel_about WHERE is_sure
            UNION ALL BY NAME
            SELECT *, 'back' AS about FROM refund_for_good
        )
        JOIN (SELECT shop, buyer, dispute_id, at_ms AS ruled_at, opened_at FROM ruled)
            USING (shop, buyer, dispute_id)
        WHERE at_ms >= ruled_at AND (about = 'tracking_no' OR at_ms >= opened_at)
        UNION ALL
        SELECT shop, buyer, dispute_id, at_ms, event_id FROM dispute_step WHERE kind = 'withdrawn'
    )
    QUALIFY row_number() OVER (PARTITION BY shop, buyer, dispute_id ORDER BY at_ms, event_id) = 1
),
found AS (
    SELECT
        r.*, o.ended_by, greatest(o.ended_at, r.at_ms) AS ended_at, course,
        greatest(course_at, coalesce(o.ended_at, 0)) AS last_at
    FROM ruled r
    JOIN course USING (shop, buyer, dispute_id)
    LEFT JOIN over o USING (shop, buyer, dispute_id)
),
timed AS (
    SELECT
        *, CASE WHEN ended_by IS NOT NULL THEN ended_at END AS resolved_at,
        last_at + 1000 * getvariable('expire_after_s') AS expires_at
    FROM found
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    event_id AS anchor_event_id,
    at_ms AS opened_at_ms,
    last_at AS last_crossing_ms,
    case_status(resolved_at, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(resolved_at, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    'critical' AS severity,
    list_sort(list_distinct(course || [ended_by])) AS members,
    len(members) AS n_members
FROM timed
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
