-- D25 campaign; the numbers are those of the definitions in docs/detectors/D25.md.
-- Table `judged` is given: what the oracles found of all detectors that `acts` names, with the kind of act.
-- Acts as lists of their number and those of their rivals, in order: the numbers of those that count.
CREATE OR REPLACE TEMP MACRO counting(acts) AS list_reduce(
    acts,
    lambda counted, act: CASE
        WHEN list_has_any(counted, act[2:]) THEN counted ELSE list_append(counted, act[1])
    END,
    []::BIGINT[]
);

WITH RECURSIVE
-- 1. Acts of buyers, numbered by (time, kind, detector, anchor).
act AS (
    SELECT
        row_number() OVER (
            ORDER BY subject_id, opened_at_ms, kind, detector, anchor_event_id
        ) AS act_no,
        split_part(subject_id, ':', 1) AS shop, split_part(subject_id, ':', 2) AS buyer,
        opened_at_ms AS at_ms, kind, detector, anchor_event_id AS anchor, members,
        coalesce(act_level, severity) AS level,
        CASE status WHEN 'resolved' THEN ended_at_ms END AS resolved_at
    FROM judged
    WHERE subject_kind = 'buyer' AND coalesce(act_level, severity) <> 'info'
),
-- 3. What acts are about: the order of which something is asked back, else the event.
asked_back AS (
    SELECT DISTINCT shop, buyer, event_id, order_id
    FROM event
    WHERE (topic, kind) IN (('refunds', 'requested'), ('complaints', 'filed')) AND order_id IS NOT NULL
),
matter AS (
    SELECT DISTINCT
        a.act_no, a.shop, a.buyer, a.kind,
        CASE a.detector
            -- The members of these two are orders: for D01 placed, for D10 asked back.
            WHEN 'D01' THEN 'event ' || c.event_id
            WHEN 'D10' THEN 'order ' || a.member
            ELSE coalesce('order ' || b.order_id, 'event ' || a.member)
        END AS matter
    FROM (SELECT *, unnest(members) AS member FROM act) a
    LEFT JOIN created c ON c.shop = a.shop AND c.buyer = a.buyer AND c.order_id = a.member
    LEFT JOIN asked_back b ON b.shop = a.shop AND b.buyer = a.buyer AND b.event_id = a.member
),
rival AS (
    SELECT a.act_no, list(DISTINCT b.act_no) AS rivals
    FROM matter a
    JOIN matter b USING (shop, buyer, matter)
    WHERE b.act_no < a.act_no AND b.kind <> a.kind
    GROUP BY ALL
),
own AS (
    SELECT a.* EXCLUDE (members), list_prepend(a.act_no, coalesce(r.rivals, [])) AS with_rivals
    FROM act a
    LEFT JOIN rival r USING (act_no)
),
-- 6. Who shares an identity: those who acted, and those who left orders unpaid with it.
left_unpaid AS (
    FROM identity_counts
    WHERE at_ms <= getvariable('horizon_ms') AND (end_at IS NULL OR at_ms < end_at)
),
sharing AS (
    SELECT DISTINCT shop, kind, named, buyer, true AS has_acted
    FROM order_identity
    SEMI JOIN act USING (shop, buyer)
    UNION
    SELECT shop, kind, named, buyer, false
    FROM left_unpaid
    ANTI JOIN act USING (shop, buyer)
),
payers AS (
    SELECT shop, kind, named, count(DISTINCT buyer) AS n_payers
    FROM left_unpaid
    ANTI JOIN act USING (shop, buyer)
    WHERE paid_at IS NOT NULL
    GROUP BY ALL
),
passing AS (
    SELECT shop, kind, named, min(buyer) AS first_buyer
    FROM sharing
    LEFT JOIN payers USING (shop, kind, named)
    GROUP BY ALL
    HAVING count(DISTINCT buyer) >= 2 AND bool_or(has_acted)
        AND coalesce(any_value(n_payers), 0) < getvariable('hub_paying_buyers')
),
passed_on AS (
    SELECT o.*, [o.buyer] AS accounts
    FROM own o
    SEMI JOIN (
        SELECT unnest(counting(list(with_rivals ORDER BY act_no))) AS act_no FROM own GROUP BY shop, buyer
    ) USING (act_no)
    SEMI JOIN (FROM sharing SEMI JOIN passing USING (shop, kind, named)) USING (shop, buyer)
),
ring AS (
    SELECT
        -row_number() OVER (ORDER BY subject_id, opened_at_ms, anchor_event_id) AS act_no,
        subject_id AS shop, opened_at_ms AS at_ms, kind, detector, anchor_event_id AS anchor,
        CASE status WHEN 'resolved' THEN ended_at_ms END AS resolved_at,
        list_distinct(list_transform(members, lambda order_of: split_part(order_of, '/', 1)))
            AS accounts
    FROM judged
    WHERE subject_kind = 'shop' AND severity = 'critical'
),
-- 7. Accounts that are tied, directly or by way of others.
tie AS (
    SELECT s.shop, s.buyer AS one, p.first_buyer AS other
    FROM sharing s
    JOIN passing p USING (shop, kind, named)
    WHERE kind IN ('phone', 'device')
    UNION
    SELECT shop, unnest(accounts), accounts[1] FROM ring
),
tied AS (
    FROM tie
    UNION
    SELECT shop, other, one FROM tie
),
reaches AS (
    SELECT shop, buyer AS one, buyer AS other FROM passed_on
    UNION
    SELECT shop, one, one FROM tied
    UNION
    SELECT r.shop, r.one, t.other FROM reaches r JOIN tied t ON t.shop = r.shop AND t.one = r.other
),
cluster AS (
    SELECT shop, one AS buyer, min(other) AS cluster FROM reaches GROUP BY ALL
),
-- What a buyer did by itself, and what the accounts of a cluster did; these are told what counts already.
deed AS (
    SELECT
        {kind: 'buyer', subject: shop || ':' || buyer, cluster: ''} AS about,
        act_no, at_ms, kind, detector, anchor, resolved_at, with_rivals, [buyer] AS accounts,
        kind = 'unpaid' AND level = 'critical' AS is_grave,
        detector || '/' || shop || ':' || buyer || '/' || anchor AS member
    FROM own
    UNION ALL
    SELECT
        {kind: 'shop', subject: shop, cluster: cluster},
        act_no, at_ms, kind, detector, anchor, resolved_at, [act_no], [buyer],
        false, detector || '/' || shop || ':' || buyer || '/' || anchor
    FROM passed_on
    JOIN cluster USING (shop, buyer)
    UNION ALL
    SELECT
        {kind: 'shop', subject: shop, cluster: cluster},
        act_no, at_ms, kind, detector, anchor, resolved_at, [act_no], accounts,
        false, detector || '/' || shop || '/' || anchor
    FROM ring r
    JOIN cluster c USING (shop)
    WHERE c.buyer = r.accounts[1]
),
-- 2. The moments, and what is live at each.
attempt AS (
    SELECT {kind: 'buyer', subject: shop || ':' || buyer, cluster: ''} AS about, *
    FROM contact
    SEMI JOIN act USING (shop, buyer)
),
moment AS (
    SELECT about, at_ms AS t FROM deed
    UNION
    SELECT about, at_ms FROM attempt
),
live AS (
    SELECT m.t, d.*
    FROM moment m
    JOIN deed d
        ON d.about = m.about AND d.at_ms BETWEEN m.t - 1000 * getvariable('window_s') AND m.t
        AND (d.resolved_at IS NULL OR d.resolved_at > m.t)
),
tried AS (
    SELECT m.about, m.t, c.* EXCLUDE (about)
    FROM moment m
    JOIN attempt c
        ON c.about = m.about AND c.at_ms BETWEEN m.t - 1000 * getvariable('window_s') AND m.t
),
unreachable AS (
    SELECT about, t, true AS is_unreachable
    FROM tried c
    WHERE NOT EXISTS (
        FROM wrote w
        WHERE w.shop = c.shop AND w.buyer = c.buyer
            AND w.day BETWEEN (c.t - 1000 * getvariable('window_s')) // 86400000
                AND c.t // 86400000
    )
    GROUP BY ALL
    HAVING count(*) FILTER (NOT is_answered) >= getvariable('unreachable_contacts')
        AND count(*) FILTER (is_answered) = 0
),
-- 3 and 8. Crossings: what is held at each moment, and of how many kinds it is.
held AS (
    SELECT
        about, t,
        list(with_rivals ORDER BY act_no) AS acts,
        len(list_distinct(flatten(list(accounts)))) AS n_accounts,
        bool_or(is_grave AND is_unreachable IS NOT NULL) AS is_beside
    FROM live
    LEFT JOIN unreachable USING (about, t)
    GROUP BY ALL
),
kinds AS (
    SELECT about, t, count(DISTINCT kind) AS n_kinds
    FROM (SELECT about, t, unnest(counting(acts)) AS act_no FROM held)
    JOIN deed USING (about, act_no)
    GROUP BY ALL
),
crossing AS (
    SELECT
        about, t, is_beside,
        about.kind = 'buyer' OR n_accounts >= getvariable('critical_accounts') AS is_critical
    FROM held
    JOIN kinds USING (about, t)
    WHERE n_kinds + is_beside::INTEGER >= getvariable('min_acts')
        AND (about.kind = 'buyer' OR n_accounts >= getvariable('warn_accounts'))
),
-- 4. Episodes.
gap AS (
    SELECT *, t - lag(t) OVER of_one > 1000 * getvariable('cooldown_s') AS is_new
    FROM crossing
    WINDOW of_one AS (PARTITION BY about ORDER BY t)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY about ORDER BY t) AS episode
    FROM gap
),
episode AS (
    SELECT
        about, episode,
        min(t) AS opened_at, max(t) AS last_crossing,
        last_crossing + 1000 * getvariable('expire_after_s') AS expires_at,
        bool_or(is_critical) AS is_critical, bool_or(is_beside) AS is_beside
    FROM numbered
    GROUP BY ALL
),
child AS (
    SELECT DISTINCT n.episode, l.* EXCLUDE (t)
    FROM numbered n
    JOIN live l USING (about, t)
),
missed AS (
    SELECT about, episode, t, event_id, at_ms
    FROM numbered
    JOIN tried USING (about, t)
    WHERE is_beside AND NOT is_answered
),
member AS (
    SELECT about, episode, list(DISTINCT member ORDER BY member) AS members
    FROM (
        SELECT about, episode, member FROM child
        UNION ALL
        SELECT about, episode, event_id FROM missed
    )
    GROUP BY ALL
),
-- An anchor may be an event of any topic, at a time of its own.
told AS (
    SELECT value ->> '$.event_id' AS event_id, ms(value ->> '$.occurred_at') AS at_ms FROM raw
),
first_member AS (
    SELECT e.about, e.episode, arg_min(m.event_id, (m.at_ms, m.event_id)) AS event_id
    FROM episode e
    JOIN (
        SELECT about, t, anchor AS event_id, told.at_ms
        FROM live
        JOIN told ON told.event_id = live.anchor
        UNION ALL
        SELECT about, t, event_id, at_ms FROM missed
    ) m ON m.about = e.about AND m.t = e.opened_at
    WHERE e.about.kind = 'buyer'
    GROUP BY ALL
    UNION ALL
    SELECT e.about, e.episode, arg_min(l.anchor, (l.at_ms, l.kind, l.detector, l.anchor))
    FROM episode e
    JOIN live l ON l.about = e.about AND l.t = e.opened_at
    WHERE e.about.kind = 'shop'
    GROUP BY ALL
),
-- 5. What is left of it after each end of an act.
left_at AS (
    SELECT
        e.about, e.episode, e.resolved_at,
        list(c.with_rivals ORDER BY c.act_no) AS acts,
        len(list_distinct(flatten(list(c.accounts)))) AS n_accounts,
        bool_or(c.is_grave) AS has_grave
    FROM (
        SELECT DISTINCT about, episode, resolved_at FROM child WHERE resolved_at IS NOT NULL
    ) e
    LEFT JOIN child c
        ON c.about = e.about AND c.episode = e.episode
        AND (c.resolved_at IS NULL OR c.resolved_at > e.resolved_at)
    GROUP BY ALL
),
kinds_left AS (
    SELECT about, episode, l.resolved_at, count(DISTINCT kind) AS n_kinds
    FROM (SELECT about, episode, resolved_at, unnest(counting(acts)) AS act_no FROM left_at) l
    JOIN deed USING (about, act_no)
    GROUP BY ALL
),
resolved AS (
    SELECT about, episode, greatest(min(resolved_at), any_value(last_crossing)) AS resolved_at
    FROM left_at
    JOIN episode e USING (about, episode)
    LEFT JOIN kinds_left USING (about, episode, resolved_at)
    WHERE coalesce(n_kinds, 0) + coalesce(has_grave AND is_beside, false)::INTEGER
            < getvariable('min_acts')
        OR about.kind = 'shop' AND n_accounts < getvariable('warn_accounts')
    GROUP BY ALL
)
SELECT
    e.about.kind AS subject_kind,
    e.about.subject AS subject_id,
    f.event_id AS anchor_event_id,
    e.opened_at AS opened_at_ms,
    e.last_crossing AS last_crossing_ms,
    case_status(r.resolved_at, e.expires_at, getvariable('horizon_ms')) AS status,
    case_ended(r.resolved_at, e.expires_at, getvariable('horizon_ms')) AS ended_at_ms,
    CASE WHEN e.is_critical THEN 'critical' ELSE 'warn' END AS severity,
    m.members,
    len(m.members) AS n_members
FROM episode e
JOIN member m USING (about, episode)
JOIN first_member f USING (about, episode)
LEFT JOIN resolved r USING (about, episode)
ORDER BY subject_kind, subject_id, opened_at_ms, anchor_event_id;
