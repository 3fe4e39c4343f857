-- What a handle on the database alone could still write: words beside the ciphertext of a message, and members whom no event made.

-- As it was, in paths from the top: a step at a time SQLite parses the content once more for each.
ALTER TABLE events DROP CONSTRAINT messages_are_ciphertext;
ALTER TABLE events ADD CONSTRAINT messages_are_ciphertext CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NOT NULL
  OR (coalesce(json ->> '$.content.algorithm', '') = 'm.megolm.v1.aes-sha2'
    AND coalesce(substr(json ->> '$.content.ciphertext', 1, 3), '') IN ('Awg', 'Awh', 'Awi', 'Awj')));

-- Of a message's text nothing is left without what the rules name, each of it once: of a key given twice the other one stays.
ALTER TABLE events ADD CONSTRAINT nothing_stands_beside_ciphertext CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NOT NULL
  OR json_remove(json, '$.event_id', '$.origin_server_ts', '$.sender',
    '$.content.algorithm', '$.content.ciphertext', '$.content.session_id', '$.content.sender_key', '$.content.device_id',
    '$.content."m.relates_to".rel_type', '$.content."m.relates_to".event_id', '$.content."m.relates_to".key',
    '$.content."m.relates_to".is_falling_back', '$.content."m.relates_to"."m.in_reply_to".event_id')
    IN ('{"content":{},"type":"m.room.encrypted"}', '{"content":{"m.relates_to":{}},"type":"m.room.encrypted"}',
      '{"content":{"m.relates_to":{"m.in_reply_to":{}}},"type":"m.room.encrypted"}'));

-- And what the rules name are ids and flags: none holds a space or members of its own, and together they are short. Most messages relate to nothing.
ALTER TABLE events ADD CONSTRAINT ids_are_short CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NOT NULL
  OR CASE WHEN CAST(json AS TEXT) NOT LIKE '%"m.relates_to":%'
    THEN length(CAST(json AS TEXT)) - length(json ->> '$.content.ciphertext') <= 2000
      AND CAST(json AS TEXT) NOT LIKE '% %' AND CAST(json AS TEXT) NOT LIKE '{"content":{%":{%' AND CAST(json AS TEXT) NOT LIKE '%":[%'
    ELSE length(CAST(json AS TEXT)) - length(json ->> '$.content.ciphertext') <= 5000
      AND length(coalesce(json -> '$.content."m.relates_to".key', '"key"')) <= 400
      AND coalesce(json_type(json, '$.content."m.relates_to".key'), 'text') = 'text'
      AND replace(CAST(json AS TEXT), coalesce(json -> '$.content."m.relates_to".key', '"key"'), '') NOT LIKE '% %'
      AND replace(replace(replace(CAST(json AS TEXT), coalesce(json -> '$.content."m.relates_to".key', '"key"'), ''), '"m.relates_to":{', ''), '"m.in_reply_to":{', '') NOT LIKE '{"content":{%":{%'
      AND replace(CAST(json AS TEXT), coalesce(json -> '$.content."m.relates_to".key', '"key"'), '') NOT LIKE '%":[%'
      AND replace(CAST(json AS TEXT), '"event_id":"$', '') NOT LIKE '%"event_id":%'
      AND replace(replace(CAST(json AS TEXT), '"is_falling_back":true', ''), '"is_falling_back":false', '') NOT LIKE '%"is_falling_back":%'
      AND replace(replace(replace(replace(CAST(json AS TEXT), '"rel_type":"m.thread"', ''), '"rel_type":"m.replace"', ''), '"rel_type":"m.reference"', ''),
        '"rel_type":"m.annotation"', '') NOT LIKE '%"rel_type":%' END);

-- Somebody is in a room because an event in it says so of them.
CREATE TRIGGER members_have_an_event BEFORE INSERT ON memberships
WHEN NOT EXISTS (
  SELECT 1
  FROM events e JOIN users u ON u.user_nid = NEW.user_nid
  WHERE e.room_nid = NEW.room_nid AND e.seq = NEW.seq AND e.type = 'm.room.member' AND e.state_key = u.user_id
    AND e.json -> 'content' ->> 'membership' = NEW.membership)
BEGIN
  SELECT RAISE(ABORT, 'members_have_an_event');
END;
CREATE TRIGGER members_keep_an_event BEFORE UPDATE OF room_nid, user_nid, membership, seq ON memberships
WHEN NOT EXISTS (
  SELECT 1
  FROM events e JOIN users u ON u.user_nid = NEW.user_nid
  WHERE e.room_nid = NEW.room_nid AND e.seq = NEW.seq AND e.type = 'm.room.member' AND e.state_key = u.user_id
    AND e.json -> 'content' ->> 'membership' = NEW.membership)
BEGIN
  SELECT RAISE(ABORT, 'members_have_an_event');
END;

-- And goes on saying so: a redaction leaves it what it says of a membership.
CREATE TRIGGER member_events_stay BEFORE UPDATE OF room_nid, seq, type, state_key, json ON events
WHEN OLD.type = 'm.room.member' AND (NEW.room_nid <> OLD.room_nid OR NEW.seq <> OLD.seq OR NEW.type <> OLD.type OR NEW.state_key IS NOT OLD.state_key
  OR (NEW.json -> 'content' ->> 'membership') IS NOT (OLD.json -> 'content' ->> 'membership'))
BEGIN
  SELECT RAISE(ABORT, 'member_events_stay');
END;
CREATE TRIGGER member_events_are_kept BEFORE DELETE ON events
WHEN OLD.type = 'm.room.member' AND EXISTS (SELECT 1 FROM memberships m WHERE m.room_nid = OLD.room_nid AND m.seq = OLD.seq)
BEGIN
  SELECT RAISE(ABORT, 'member_events_stay');
END;

-- What somebody may read of a room's past goes by what its state was: that was an event's too.
CREATE TRIGGER past_state_is_of_its_event BEFORE INSERT ON past_state
WHEN NOT EXISTS (
  SELECT 1 FROM events e WHERE e.room_nid = NEW.room_nid AND e.seq = NEW.seq AND e.type = NEW.type AND e.state_key = NEW.state_key)
BEGIN
  SELECT RAISE(ABORT, 'past_state_is_of_its_event');
END;
CREATE TRIGGER past_state_stays_of_its_event BEFORE UPDATE OF room_nid, seq, type, state_key ON past_state
WHEN NOT EXISTS (
  SELECT 1 FROM events e WHERE e.room_nid = NEW.room_nid AND e.seq = NEW.seq AND e.type = NEW.type AND e.state_key = NEW.state_key)
BEGIN
  SELECT RAISE(ABORT, 'past_state_is_of_its_event');
END;
