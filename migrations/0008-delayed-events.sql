-- Events to be sent at a later time (MSC4140). What no timeline may hold does not wait for one either.
CREATE TABLE delayed_events (
  delay_id TEXT NOT NULL PRIMARY KEY,       -- 192 random bits: whoever knows it may cancel, restart or send
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,  -- nothing outlives its session
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  type TEXT NOT NULL,
  state_key TEXT,
  content JSON NOT NULL,
  txn_id TEXT,                              -- of a message; state has none
  delay_ms BIGINT NOT NULL CHECK (delay_ms >= 0),
  since_ts BIGINT NOT NULL,                 -- when the delay began, or began anew
  due_ts BIGINT NOT NULL,
  CONSTRAINT delays_end CHECK (due_ts = since_ts + delay_ms),
  CONSTRAINT nobody_joins_later CHECK (type <> 'm.room.member'),
  CONSTRAINT messages_have_transactions CHECK ((state_key IS NULL) = (txn_id IS NOT NULL)),
  CONSTRAINT only_encrypted_messages_wait CHECK ((state_key IS NULL) = (type IN ('m.room.encrypted', 'm.room.redaction', 'm.reaction'))
    AND type NOT IN ('m.room.message', 'm.sticker')),
  CONSTRAINT waiting_messages_are_ciphertext CHECK (type <> 'm.room.encrypted'
    OR (coalesce(content ->> 'algorithm', '') = 'm.megolm.v1.aes-sha2' AND coalesce(substr(content ->> 'ciphertext', 1, 3), '') IN ('Awg', 'Awh', 'Awi', 'Awj'))),
  CONSTRAINT no_room_opens_later CHECK (
    (type <> 'm.room.join_rules' OR coalesce(content ->> 'join_rule', '') IN ('invite', 'knock', 'restricted', 'knock_restricted'))
    AND (type <> 'm.room.history_visibility' OR coalesce(content ->> 'history_visibility', '') IN ('joined', 'invited', 'shared'))
    AND (type <> 'm.room.guest_access' OR coalesce(content ->> 'guest_access', '') = 'forbidden')
    AND (type <> 'm.room.encryption' OR coalesce(content ->> 'algorithm', '') = 'm.megolm.v1.aes-sha2'))
);
CREATE INDEX delayed_events_of_user ON delayed_events (user_nid, due_ts);
CREATE INDEX delayed_events_of_state ON delayed_events (room_nid, type, state_key);
CREATE INDEX delayed_events_of_device ON delayed_events (device_nid);
CREATE UNIQUE INDEX delayed_events_scheduled_once ON delayed_events (device_nid, txn_id, room_nid, type) WHERE txn_id IS NOT NULL;
