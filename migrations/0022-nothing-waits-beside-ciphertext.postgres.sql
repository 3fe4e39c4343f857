-- Nothing waits beside ciphertext, and nothing stands beside what an event tells other servers.

-- As of events: of a content nothing is left without what the rules name,
ALTER TABLE delayed_events ADD CONSTRAINT nothing_waits_beside_ciphertext CHECK (type <> 'm.room.encrypted'
  OR CASE WHEN replace(CAST(content AS TEXT), coalesce(CAST(content #> '{m.relates_to,key}' AS TEXT), '"key"'), '') LIKE '%":[%' THEN 1 = 0  -- first: in a list there is no path to take away
  ELSE CAST(content AS JSONB) - ARRAY['algorithm', 'ciphertext', 'session_id', 'sender_key', 'device_id']
    #- '{m.relates_to,rel_type}' #- '{m.relates_to,event_id}' #- '{m.relates_to,key}' #- '{m.relates_to,is_falling_back}' #- '{m.relates_to,m.in_reply_to,event_id}'
    IN ('{}', '{"m.relates_to":{}}', '{"m.relates_to":{"m.in_reply_to":{}}}') END);
-- and what the rules name are ids and flags, and short.
ALTER TABLE delayed_events ADD CONSTRAINT waiting_ids_are_short CHECK (type <> 'm.room.encrypted' OR (
  length(CAST(content AS TEXT)) - length(content ->> 'ciphertext') <= CASE WHEN CAST(content AS TEXT) LIKE '%"m.relates_to":%' THEN 5000 ELSE 2000 END
  AND length(coalesce(CAST(content #> '{m.relates_to,key}' AS TEXT), '"key"')) <= 400
  AND coalesce(json_typeof(content #> '{m.relates_to,key}'), 'string') = 'string'
  AND replace(CAST(content AS TEXT), coalesce(CAST(content #> '{m.relates_to,key}' AS TEXT), '"key"'), '') NOT LIKE '% %'
  AND replace(CAST(content AS TEXT), coalesce(CAST(content #> '{m.relates_to,key}' AS TEXT), '"key"'), '') NOT LIKE '%":[%'
  AND replace(replace(replace(CAST(content AS TEXT), coalesce(CAST(content #> '{m.relates_to,key}' AS TEXT), '"key"'), ''), '"m.relates_to":{', ''), '"m.in_reply_to":{', '') NOT LIKE '%":{%'
  AND replace(CAST(content AS TEXT), '"event_id":"$', '') NOT LIKE '%"event_id":%'
  AND replace(replace(CAST(content AS TEXT), '"is_falling_back":true', ''), '"is_falling_back":false', '') NOT LIKE '%"is_falling_back":%'
  AND replace(replace(replace(replace(CAST(content AS TEXT), '"rel_type":"m.thread"', ''), '"rel_type":"m.replace"', ''), '"rel_type":"m.reference"', ''),
    '"rel_type":"m.annotation"', '') NOT LIKE '%"rel_type":%'));

ALTER TABLE events ADD CONSTRAINT envelopes_are_closed CHECK (
  CAST(pdu AS JSONB) - ARRAY['depth', 'prev_events', 'auth_events', 'redacts', 'signatures'] #- '{hashes,sha256}' IN ('{}', '{"hashes":{}}'));
