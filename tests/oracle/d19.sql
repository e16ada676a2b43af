-- D19 review_abuse_or_leak; see the definition in docs/detectors/D19.md. How many insults, pieces of data and
-- swear words there are in a part is given.
WITH
-- 2. Whatever any part ever carried.
abusive AS (
    SELECT
        shop, buyer, review_id,
        arg_min(event_id, (at_ms, event_id)) AS anchor,
        min(at_ms) AS opened_at,
        max(at_ms) AS last_at,
        sum(n_insults) AS n_insults,
        sum(n_leaks) AS n_leaks,
        -- 3. Settled when none of these parts can be read any more.
        CASE WHEN count(*) = count(ended_at) THEN max(ended_at) END AS resolved_at,
        list(event_id ORDER BY event_id) AS members
    FROM review_part
    WHERE n_insults + n_leaks + n_swear_words > 0
    GROUP BY ALL
),
timed AS (
    SELECT a.*, greatest(too_late(n.posted_at), a.opened_at) AS expires_at
    FROM abusive a
    JOIN review_now n USING (shop, buyer, review_id)
)
SELECT
    'buyer' AS subject_kind,
    shop || ':' || buyer AS subject_id,
    anchor AS anchor_event_id,
    opened_at AS opened_at_ms,
    last_at AS last_crossing_ms,
    case_status(resolved_at, expires_at, getvariable('horizon_ms')) AS status,
    case_ended(resolved_at, expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    CASE WHEN n_leaks > 0 OR n_insults >= getvariable('warn_insults') THEN 'warn' ELSE 'info' END AS severity,
    members,
    len(members) AS n_members
FROM timed
ORDER BY subject_id, opened_at_ms;
