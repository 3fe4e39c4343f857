-- What a handle on the database alone could still write: words beside the ciphertext of a message, and members whom no event made.

-- As it was, by its text, which is JSON and holds no second object that could say the same; to take JSON apart costs more.
ALTER TABLE events DROP CONSTRAINT messages_are_ciphertext;
ALTER TABLE events ADD CONSTRAINT messages_are_ciphertext CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NOT NULL
  OR (CAST(json AS TEXT) LIKE '%"algorithm":"m.megolm.v1.aes-sha2"%'
    AND (CAST(json AS TEXT) LIKE '%"ciphertext":"Awg%' OR CAST(json AS TEXT) LIKE '%"ciphertext":"Awh%'
      OR CAST(json AS TEXT) LIKE '%"ciphertext":"Awi%' OR CAST(json AS TEXT) LIKE '%"ciphertext":"Awj%')));

-- Of a message nothing is left without what the rules name.
ALTER TABLE events ADD CONSTRAINT nothing_stands_beside_ciphertext CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NOT NULL
  OR CASE WHEN replace(CAST(json AS TEXT), coalesce(CAST(json #> '{content,m.relates_to,key}' AS TEXT), '"key"'), '') LIKE '%":[%' THEN 1 = 0              -- first: in a list there is no path to take away
  ELSE CAST(json AS JSONB) - ARRAY['event_id', 'origin_server_ts', 'sender'] #- '{content,ciphertext}'
    #- '{content,session_id}' #- '{content,sender_key}' #- '{content,device_id}'
    #- '{content,m.relates_to,rel_type}' #- '{content,m.relates_to,event_id}' #- '{content,m.relates_to,key}'
    #- '{content,m.relates_to,is_falling_back}' #- '{content,m.relates_to,m.in_reply_to,event_id}'
    IN ('{"content":{"algorithm":"m.megolm.v1.aes-sha2"},"type":"m.room.encrypted"}',
      '{"content":{"algorithm":"m.megolm.v1.aes-sha2","m.relates_to":{}},"type":"m.room.encrypted"}',
      '{"content":{"algorithm":"m.megolm.v1.aes-sha2","m.relates_to":{"m.in_reply_to":{}}},"type":"m.room.encrypted"}') END);

-- And what the rules name are ids and flags: none holds a space or members of its own, and together they are short. Most messages relate to nothing.
ALTER TABLE events ADD CONSTRAINT ids_are_short CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NOT NULL
  OR CASE WHEN CAST(json AS TEXT) NOT LIKE '%"m.relates_to":%'
    THEN length(CAST(json AS TEXT)) - length(json #>> '{content,ciphertext}') <= 2000
      AND CAST(json AS TEXT) NOT LIKE '% %' AND CAST(json AS TEXT) NOT LIKE '{"content":{%":{%' AND CAST(json AS TEXT) NOT LIKE '%":[%'
    ELSE length(CAST(json AS TEXT)) - length(json #>> '{content,ciphertext}') <= 5000
      AND length(coalesce(CAST(json #> '{content,m.relates_to,key}' AS TEXT), '"key"')) <= 400
      AND coalesce(json_typeof(json #> '{content,m.relates_to,key}'), 'string') = 'string'
      AND replace(CAST(json AS TEXT), coalesce(CAST(json #> '{content,m.relates_to,key}' AS TEXT), '"key"'), '') NOT LIKE '% %'
      AND replace(replace(replace(CAST(json AS TEXT), coalesce(CAST(json #> '{content,m.relates_to,key}' AS TEXT), '"key"'), ''), '"m.relates_to":{', ''), '"m.in_reply_to":{', '') NOT LIKE '{"content":{%":{%'
      AND replace(CAST(json AS TEXT), coalesce(CAST(json #> '{content,m.relates_to,key}' AS TEXT), '"key"'), '') NOT LIKE '%":[%'
      AND replace(CAST(json AS TEXT), '"event_id":"$', '') NOT LIKE '%"event_id":%'
      AND replace(replace(CAST(json AS TEXT), '"is_falling_back":true', ''), '"is_falling_back":false', '') NOT LIKE '%"is_falling_back":%'
      AND replace(replace(replace(replace(CAST(json AS TEXT), '"rel_type":"m.thread"', ''), '"rel_type":"m.replace"', ''), '"rel_type":"m.reference"', ''),
        '"rel_type":"m.annotation"', '') NOT LIKE '%"rel_type":%' END);

-- Somebody is in a room because an event in it says so of them.
CREATE FUNCTION members_have_an_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1
    FROM events e JOIN users u ON u.user_nid = NEW.user_nid
    WHERE e.room_nid = NEW.room_nid AND e.seq = NEW.seq AND e.type = 'm.room.member' AND e.state_key = u.user_id
      AND e.json -> 'content' ->> 'membership' = NEW.membership)
  THEN
    RAISE EXCEPTION 'members_have_an_event' USING ERRCODE = 'check_violation', CONSTRAINT = 'members_have_an_event';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER members_have_an_event BEFORE INSERT OR UPDATE OF room_nid, user_nid, membership, seq ON memberships
  FOR EACH ROW EXECUTE FUNCTION members_have_an_event();

-- And goes on saying so: a redaction leaves it what it says of a membership.
CREATE FUNCTION member_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'member_events_stay' USING ERRCODE = 'check_violation', CONSTRAINT = 'member_events_stay';
END $$;
CREATE TRIGGER member_events_stay BEFORE UPDATE OF room_nid, seq, type, state_key, json ON events
  FOR EACH ROW WHEN (OLD.type = 'm.room.member' AND (NEW.room_nid <> OLD.room_nid OR NEW.seq <> OLD.seq OR NEW.type <> OLD.type
    OR NEW.state_key IS DISTINCT FROM OLD.state_key
    OR (NEW.json -> 'content' ->> 'membership') IS DISTINCT FROM (OLD.json -> 'content' ->> 'membership')))
  EXECUTE FUNCTION member_events_stay();
CREATE FUNCTION member_events_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM memberships m WHERE m.room_nid = OLD.room_nid AND m.seq = OLD.seq) THEN
    RAISE EXCEPTION 'member_events_stay' USING ERRCODE = 'check_violation', CONSTRAINT = 'member_events_stay';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER member_events_are_kept BEFORE DELETE ON events
  FOR EACH ROW WHEN (OLD.type = 'm.room.member') EXECUTE FUNCTION member_events_are_kept();

-- What somebody may read of a room's past goes by what its state was: that was an event's too.
CREATE FUNCTION past_state_is_of_its_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM events e WHERE e.room_nid = NEW.room_nid AND e.seq = NEW.seq AND e.type = NEW.type AND e.state_key = NEW.state_key)
  THEN
    RAISE EXCEPTION 'past_state_is_of_its_event' USING ERRCODE = 'check_violation', CONSTRAINT = 'past_state_is_of_its_event';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER past_state_is_of_its_event BEFORE INSERT OR UPDATE OF room_nid, seq, type, state_key ON past_state
  FOR EACH ROW EXECUTE FUNCTION past_state_is_of_its_event();
