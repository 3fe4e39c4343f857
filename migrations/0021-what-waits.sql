-- What waits to be sent is held to what a timeline is held to: the rules say each thing once, keys rotate, and little stands in clear.

-- As of events: what a rule depends on is spelt once, and without escapes.
ALTER TABLE delayed_events ADD CONSTRAINT waiting_rules_are_spelt_once CHECK (
  type NOT IN ('m.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access', 'm.room.encryption')
  OR (replace(CAST(content AS TEXT), '\u', '') = CAST(content AS TEXT)
    AND length(replace(CAST(content AS TEXT), '"join_rule"', '')) >= length(CAST(content AS TEXT)) - 11
    AND length(replace(CAST(content AS TEXT), '"history_visibility"', '')) >= length(CAST(content AS TEXT)) - 20
    AND length(replace(CAST(content AS TEXT), '"guest_access"', '')) >= length(CAST(content AS TEXT)) - 14
    AND length(replace(CAST(content AS TEXT), '"algorithm"', '')) >= length(CAST(content AS TEXT)) - 11
    AND length(replace(CAST(content AS TEXT), '"rotation_period_ms"', '')) >= length(CAST(content AS TEXT)) - 20
    AND length(replace(CAST(content AS TEXT), '"rotation_period_msgs"', '')) >= length(CAST(content AS TEXT)) - 22));
ALTER TABLE delayed_events ADD CONSTRAINT keys_rotate_later CHECK (type <> 'm.room.encryption' OR (
  ltrim(CAST(coalesce(content -> 'rotation_period_msgs', '100') AS TEXT), '0123456789') = ''
  AND ltrim(CAST(coalesce(content -> 'rotation_period_ms', '604800000') AS TEXT), '0123456789') = ''
  AND CASE WHEN length(CAST(coalesce(content -> 'rotation_period_msgs', '100') AS TEXT)) <= 3
    THEN CAST(coalesce(content ->> 'rotation_period_msgs', '100') AS BIGINT) BETWEEN 1 AND 100 ELSE 1 = 0 END
  AND CASE WHEN length(CAST(coalesce(content -> 'rotation_period_ms', '604800000') AS TEXT)) <= 9
    THEN CAST(coalesce(content ->> 'rotation_period_ms', '604800000') AS BIGINT) BETWEEN 1 AND 604800000 ELSE 1 = 0 END));
ALTER TABLE delayed_events ADD CONSTRAINT little_waits_in_clear CHECK (type NOT IN ('m.room.redaction', 'm.reaction') OR length(CAST(content AS TEXT)) <= 4000);
ALTER TABLE delayed_events ADD CONSTRAINT no_third_party_invites_later CHECK (type <> 'm.room.third_party_invite');
ALTER TABLE delayed_events ADD CONSTRAINT what_waits_is_an_object CHECK (CAST(content AS TEXT) LIKE '{%}');

-- What an event tells other servers beside what it tells clients are ids, hashes and signatures, in which no space stands.
ALTER TABLE events ADD CONSTRAINT envelopes_are_short CHECK (length(CAST(pdu AS TEXT)) <= 4096 AND CAST(pdu AS TEXT) NOT LIKE '% %');
