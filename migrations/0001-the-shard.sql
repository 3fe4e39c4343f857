-- The first shape of a shard. Every integer key ("nid") is a position drawn from the one stream, so none is ever used twice.

-- One server is one shard: one name, for good.
CREATE TABLE shard (
  only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
  name TEXT NOT NULL UNIQUE,
  created_ts BIGINT NOT NULL
);

-- The newest position of all streams. Whoever moves it holds its row until the commit, so positions appear in order, without gaps.
CREATE TABLE stream (
  only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
  position BIGINT NOT NULL
);
INSERT INTO stream (only_row, position) VALUES (1, 1);

-- Background work, written in the transaction of its cause.
CREATE TABLE outbox (
  task_nid BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  payload JSON NOT NULL,
  due_ts BIGINT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_due ON outbox (kind, due_ts);

-- People, their devices and sessions ----------------------------------------------------------------------------------

CREATE TABLE users (
  user_nid BIGINT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL UNIQUE,
  is_account INTEGER NOT NULL CHECK (is_account IN (0, 1)),  -- 0: an id only named in events; nobody registered it here
  password_hash TEXT,                       -- Argon2id; NULL: no password login
  is_admin INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
  is_deactivated INTEGER NOT NULL DEFAULT 0 CHECK (is_deactivated IN (0, 1)),
  is_locked INTEGER NOT NULL DEFAULT 0 CHECK (is_locked IN (0, 1)),
  is_suspended INTEGER NOT NULL DEFAULT 0 CHECK (is_suspended IN (0, 1)),
  created_ts BIGINT NOT NULL,
  CONSTRAINT passwords_are_argon2id CHECK (password_hash IS NULL OR substr(password_hash, 1, 10) = '$argon2id$')
);

CREATE TABLE devices (
  device_nid BIGINT NOT NULL PRIMARY KEY,
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  device_id TEXT NOT NULL,
  display_name TEXT,
  last_seen_ts BIGINT,
  last_seen_ip TEXT,
  created_ts BIGINT NOT NULL,
  UNIQUE (user_nid, device_id)
);

CREATE TABLE access_tokens (
  token_hash TEXT NOT NULL PRIMARY KEY,     -- SHA-256 of the token: the token itself is nowhere on the server
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  created_ts BIGINT NOT NULL,
  CONSTRAINT tokens_are_hashed CHECK (length(token_hash) = 43)
);
CREATE INDEX access_tokens_of_device ON access_tokens (device_nid);

CREATE TABLE uia_sessions (
  session_id TEXT NOT NULL PRIMARY KEY,
  user_nid BIGINT,                          -- NULL: registration
  operation TEXT NOT NULL,                  -- the endpoint and its target: a session completes nothing else
  completed JSON NOT NULL,                  -- stages done
  created_ts BIGINT NOT NULL
);

CREATE TABLE profile_fields (
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  field TEXT NOT NULL,
  value JSON NOT NULL,
  PRIMARY KEY (user_nid, field)
);

CREATE TABLE account_data (
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  room_nid BIGINT NOT NULL,                 -- 0: global
  type TEXT NOT NULL,
  content JSON NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (user_nid, room_nid, type)
);
CREATE INDEX account_data_moved ON account_data (user_nid, position);

CREATE TABLE filters (
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  filter_id TEXT NOT NULL,                  -- hash of the filter: the same filter has one id
  filter JSON NOT NULL,
  PRIMARY KEY (user_nid, filter_id)
);

-- A person's push rules where they differ from the default set; no row: the default set.
CREATE TABLE push_rules (
  user_nid BIGINT NOT NULL PRIMARY KEY REFERENCES users (user_nid),
  ruleset JSON NOT NULL,
  position BIGINT NOT NULL
);

-- Rooms ---------------------------------------------------------------------------------------------------------------

CREATE TABLE events (
  room_nid BIGINT NOT NULL,
  seq BIGINT NOT NULL,                      -- dense within the room, from 1; backfilled events count down from 0
  position BIGINT NOT NULL,
  event_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  state_key TEXT,
  sender_nid BIGINT NOT NULL REFERENCES users (user_nid),
  origin_server_ts BIGINT NOT NULL,
  json JSON NOT NULL,                       -- the client format without room_id and unsigned; spliced into answers as it stands
  pdu JSON NOT NULL,                        -- what federation adds: auth_events, prev_events, depth, hashes, signatures
  replaces_seq BIGINT,                      -- the state event whose place this one took
  redacted_by_seq BIGINT,
  thread_root TEXT,                         -- event id of the thread this one is in
  notify_sum BIGINT NOT NULL,               -- events of this thread (or of the main timeline) up to this one that notify by the default push rules
  highlight_sum BIGINT NOT NULL,
  device_nid BIGINT,                        -- the device that sent it, with its transaction id
  txn_id TEXT,
  PRIMARY KEY (room_nid, seq),
  UNIQUE (room_nid, position, seq, type, state_key),
  -- The rules go by the columns, clients by the text: both say the same. The text ends with its state_key and its type, whatever stood
  -- in it before: of a key given twice every reader of JSON that matters takes the last.
  CONSTRAINT text_says_what_columns_say CHECK (substr(CAST(json AS TEXT), 1, 12) = '{"content":{'
    AND substr(CAST(json AS TEXT), length(CAST(json AS TEXT)) + 1
      - length(coalesce('"state_key":"' || replace(replace(state_key, '\', '\\'), '"', '\"') || '",', '') || '"type":"' || replace(replace(type, '\', '\\'), '"', '\"') || '"}'))
      = coalesce('"state_key":"' || replace(replace(state_key, '\', '\\'), '"', '\"') || '",', '') || '"type":"' || replace(replace(type, '\', '\\'), '"', '\"') || '"}'),
  -- SQLite reads the first of two equal keys and clients read the last: what a rule depends on is spelt once, and without escapes.
  CONSTRAINT rules_are_spelt_once CHECK (type NOT IN ('m.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access', 'm.room.encryption')
    OR (replace(CAST(json AS TEXT), '\u', '') = CAST(json AS TEXT)
      AND length(replace(CAST(json AS TEXT), '"content"', '')) = length(CAST(json AS TEXT)) - 9
      AND length(replace(CAST(json AS TEXT), '"join_rule"', '')) >= length(CAST(json AS TEXT)) - 11
      AND length(replace(CAST(json AS TEXT), '"history_visibility"', '')) >= length(CAST(json AS TEXT)) - 20
      AND length(replace(CAST(json AS TEXT), '"guest_access"', '')) >= length(CAST(json AS TEXT)) - 14
      AND length(replace(CAST(json AS TEXT), '"algorithm"', '')) >= length(CAST(json AS TEXT)) - 11
      AND length(replace(CAST(json AS TEXT), '"rotation_period_ms"', '')) >= length(CAST(json AS TEXT)) - 20
      AND length(replace(CAST(json AS TEXT), '"rotation_period_msgs"', '')) >= length(CAST(json AS TEXT)) - 22)),
  CONSTRAINT no_public_rooms CHECK (type <> 'm.room.join_rules'         -- coalesce: a CHECK that is NULL passes
    OR coalesce(json -> 'content' ->> 'join_rule', '') IN ('invite', 'knock', 'restricted', 'knock_restricted')),
  CONSTRAINT no_world_readable_history CHECK (type <> 'm.room.history_visibility'
    OR coalesce(json -> 'content' ->> 'history_visibility', '') IN ('joined', 'invited', 'shared')),
  CONSTRAINT no_guests CHECK (type <> 'm.room.guest_access'
    OR coalesce(json -> 'content' ->> 'guest_access', 'forbidden') = 'forbidden'),
  CONSTRAINT only_megolm CHECK (type <> 'm.room.encryption'             -- also refuses redacting the encryption event
    OR coalesce(json -> 'content' ->> 'algorithm', '') = 'm.megolm.v1.aes-sha2'),
  CONSTRAINT keys_rotate CHECK (type <> 'm.room.encryption' OR (        -- digits and nothing else: neither "100" nor 1e9
    ltrim(CAST(coalesce(json -> 'content' -> 'rotation_period_msgs', '100') AS TEXT), '0123456789') = ''
    AND ltrim(CAST(coalesce(json -> 'content' -> 'rotation_period_ms', '604800000') AS TEXT), '0123456789') = ''
    AND CASE WHEN length(CAST(coalesce(json -> 'content' -> 'rotation_period_msgs', '100') AS TEXT)) <= 3
      THEN CAST(coalesce(json -> 'content' ->> 'rotation_period_msgs', '100') AS BIGINT) BETWEEN 1 AND 100 ELSE 1 = 0 END
    AND CASE WHEN length(CAST(coalesce(json -> 'content' -> 'rotation_period_ms', '604800000') AS TEXT)) <= 9
      THEN CAST(coalesce(json -> 'content' ->> 'rotation_period_ms', '604800000') AS BIGINT) BETWEEN 1 AND 604800000 ELSE 1 = 0 END)),
  CONSTRAINT only_encrypted_messages CHECK ((state_key IS NULL) = (type IN ('m.room.encrypted', 'm.room.redaction', 'm.reaction'))
    AND type NOT IN ('m.room.message', 'm.sticker')),
  -- Megolm begins with version 3 and the tag 0x08, which in base64 are these.
  CONSTRAINT messages_are_ciphertext CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NOT NULL
    OR (coalesce(json -> 'content' ->> 'algorithm', '') = 'm.megolm.v1.aes-sha2'
      AND coalesce(substr(json -> 'content' ->> 'ciphertext', 1, 3), '') IN ('Awg', 'Awh', 'Awi', 'Awj'))),
  CONSTRAINT redacted_messages_are_empty CHECK (type <> 'm.room.encrypted' OR redacted_by_seq IS NULL
    OR (substr(CAST(json AS TEXT), 1, 14) = '{"content":{},' AND length(replace(CAST(json AS TEXT), '"content"', '')) = length(CAST(json AS TEXT)) - 9)),
  CONSTRAINT little_stands_in_clear CHECK (type NOT IN ('m.room.redaction', 'm.reaction') OR length(CAST(json AS TEXT)) <= 5000),
  CONSTRAINT no_third_party_invites CHECK (type <> 'm.room.third_party_invite'
    AND (type <> 'm.room.member' OR json -> 'content' -> 'third_party_invite' IS NULL))
);
-- A transaction id is good once for a device, a room and a type; the same request again finds its event here.
CREATE UNIQUE INDEX events_sent_once ON events (device_nid, txn_id, room_nid, type) WHERE txn_id IS NOT NULL;
-- The running totals of a thread up to any event, its redacted ones included.
CREATE INDEX events_of_thread ON events (room_nid, thread_root, seq) WHERE thread_root IS NOT NULL;

CREATE TABLE current_state (
  room_nid BIGINT NOT NULL,
  type TEXT NOT NULL,
  state_key TEXT NOT NULL,
  seq BIGINT NOT NULL,                      -- the event
  position BIGINT NOT NULL,                 -- the event's
  since_seq BIGINT NOT NULL,                -- where in the timeline it took effect
  PRIMARY KEY (room_nid, type, state_key),
  CONSTRAINT state_is_of_its_event FOREIGN KEY (room_nid, position, seq, type, state_key) REFERENCES events (room_nid, position, seq, type, state_key)
);
CREATE INDEX current_state_since ON current_state (room_nid, since_seq);

-- What was current once: from since_seq until (and not at) until_seq.
CREATE TABLE past_state (
  room_nid BIGINT NOT NULL,
  type TEXT NOT NULL,
  state_key TEXT NOT NULL,
  seq BIGINT NOT NULL,
  since_seq BIGINT NOT NULL,
  until_seq BIGINT NOT NULL,
  PRIMARY KEY (room_nid, type, state_key, until_seq)
);
CREATE INDEX past_state_until ON past_state (room_nid, until_seq);

CREATE TABLE rooms (                        -- a room exists only while its current state holds its encryption
  room_nid BIGINT NOT NULL PRIMARY KEY,
  room_id TEXT NOT NULL UNIQUE,
  room_version TEXT NOT NULL,
  encryption_type TEXT NOT NULL DEFAULT 'm.room.encryption' CHECK (encryption_type = 'm.room.encryption'),
  encryption_state_key TEXT NOT NULL DEFAULT '' CHECK (encryption_state_key = ''),
  seq BIGINT NOT NULL,                      -- of the newest event
  position BIGINT NOT NULL,                 -- of the newest event
  state_seq BIGINT NOT NULL,                -- of the newest event that changed the state: what is derived from the state holds as long as this does
  depth BIGINT NOT NULL,
  extremities JSON NOT NULL,                -- event ids nothing refers to yet
  notify_sum BIGINT NOT NULL,               -- of the main timeline
  highlight_sum BIGINT NOT NULL,
  thread_seq BIGINT NOT NULL,               -- of the newest event that is in a thread; 0: none is
  CONSTRAINT every_room_is_encrypted FOREIGN KEY (room_nid, encryption_type, encryption_state_key) REFERENCES current_state (room_nid, type, state_key)
);

CREATE TABLE memberships (
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  membership TEXT NOT NULL CHECK (membership IN ('invite', 'join', 'knock', 'leave', 'ban')),
  seq BIGINT NOT NULL,                      -- of the member event
  position BIGINT NOT NULL,                 -- of the last change of membership (not of a name or a picture)
  changed_seq BIGINT NOT NULL,              -- likewise, in the room's own count
  notify_sum BIGINT NOT NULL,               -- the room's totals then: a newcomer has not missed what came before
  highlight_sum BIGINT NOT NULL,
  is_forgotten INTEGER NOT NULL DEFAULT 0 CHECK (is_forgotten IN (0, 1)),
  has_own_push_rules INTEGER NOT NULL DEFAULT 0 CHECK (has_own_push_rules IN (0, 1)),
  PRIMARY KEY (room_nid, user_nid)
);
CREATE INDEX memberships_of_user ON memberships (user_nid, membership);
CREATE INDEX memberships_moved ON memberships (room_nid, position);
CREATE INDEX memberships_with_own_push_rules ON memberships (room_nid) WHERE has_own_push_rules = 1;

CREATE TABLE room_aliases (
  alias TEXT NOT NULL PRIMARY KEY,
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  creator_nid BIGINT NOT NULL REFERENCES users (user_nid)
);
CREATE INDEX room_aliases_of_room ON room_aliases (room_nid);

-- Which event points at which; the target may be unknown here.
CREATE TABLE relations (
  room_nid BIGINT NOT NULL,
  seq BIGINT NOT NULL,                      -- the event that points
  target_id TEXT NOT NULL,
  rel_type TEXT NOT NULL,
  type TEXT NOT NULL,
  sender_nid BIGINT NOT NULL,
  relation_key TEXT,                        -- of an annotation
  PRIMARY KEY (room_nid, seq),
  FOREIGN KEY (room_nid, seq) REFERENCES events (room_nid, seq)
);
CREATE INDEX relations_to ON relations (room_nid, target_id, rel_type, seq);
CREATE UNIQUE INDEX annotations_once ON relations (room_nid, target_id, sender_nid, relation_key) WHERE relation_key IS NOT NULL;

-- Threads with their running totals, as rooms holds them for the main timeline.
CREATE TABLE threads (
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  root_id TEXT NOT NULL,
  newest_seq BIGINT NOT NULL,
  notify_sum BIGINT NOT NULL,
  highlight_sum BIGINT NOT NULL,
  PRIMARY KEY (room_nid, root_id)
);

CREATE TABLE receipts (
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  receipt_type TEXT NOT NULL,               -- m.read, m.read.private, or 'sent': one's own last event, which nobody is told about
  thread_id TEXT NOT NULL,                  -- '' unthreaded, 'main', or the root's event id
  event_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  ts BIGINT NOT NULL,
  position BIGINT NOT NULL,
  notify_sum BIGINT NOT NULL,               -- the totals of the main timeline up to the event
  highlight_sum BIGINT NOT NULL,
  PRIMARY KEY (room_nid, user_nid, receipt_type, thread_id)
);
CREATE INDEX receipts_moved ON receipts (room_nid, position);

-- Where a person's own push rules say something else than the default rules: what to add to the counts.
CREATE TABLE push_differences (
  room_nid BIGINT NOT NULL,
  user_nid BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  thread_root TEXT,
  notify INTEGER NOT NULL,                  -- -1, 0 or 1
  highlight INTEGER NOT NULL,
  PRIMARY KEY (room_nid, user_nid, seq)
);

CREATE TABLE typing (
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  until_ts BIGINT NOT NULL,                 -- 0: stopped
  position BIGINT NOT NULL,
  PRIMARY KEY (room_nid, user_nid)
);

-- End-to-end encryption -----------------------------------------------------------------------------------------------

CREATE TABLE device_keys (
  device_nid BIGINT NOT NULL PRIMARY KEY REFERENCES devices (device_nid) ON DELETE CASCADE,
  json JSON NOT NULL
);

CREATE TABLE one_time_keys (
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  upload_order BIGINT NOT NULL,             -- claimed oldest first
  json JSON NOT NULL,
  PRIMARY KEY (device_nid, algorithm, key_id)
);
CREATE INDEX one_time_keys_in_order ON one_time_keys (device_nid, algorithm, upload_order);

CREATE TABLE fallback_keys (
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  json JSON NOT NULL,
  is_used INTEGER NOT NULL DEFAULT 0 CHECK (is_used IN (0, 1)),
  PRIMARY KEY (device_nid, algorithm)
);

CREATE TABLE cross_signing_keys (
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  usage TEXT NOT NULL CHECK (usage IN ('master', 'self_signing', 'user_signing')),
  public_key TEXT NOT NULL,
  json JSON NOT NULL,
  PRIMARY KEY (user_nid, usage)
);

-- Signatures uploaded after the key they sign; merged into the key when it is read.
CREATE TABLE key_signatures (
  target_nid BIGINT NOT NULL REFERENCES users (user_nid),
  target_key TEXT NOT NULL,                 -- a device id or a cross-signing public key
  signer_nid BIGINT NOT NULL REFERENCES users (user_nid),
  signing_key TEXT NOT NULL,                -- ed25519:…
  signature TEXT NOT NULL,
  position BIGINT NOT NULL,                 -- tells the signer's other devices
  PRIMARY KEY (target_nid, target_key, signer_nid, signing_key)
);
CREATE INDEX key_signatures_made ON key_signatures (signer_nid, position);

-- When a person's devices, keys or signatures last changed.
CREATE TABLE device_list_changes (
  user_nid BIGINT NOT NULL PRIMARY KEY REFERENCES users (user_nid),
  position BIGINT NOT NULL
);
CREATE INDEX device_list_changes_moved ON device_list_changes (position);

CREATE TABLE to_device_messages (
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  json JSON NOT NULL,                       -- sender, type, content
  PRIMARY KEY (device_nid, position)
);

CREATE TABLE to_device_transactions (
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  type TEXT NOT NULL,
  txn_id TEXT NOT NULL,
  sent_ts BIGINT NOT NULL,
  PRIMARY KEY (device_nid, type, txn_id)
);

CREATE TABLE key_backups (
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  version BIGINT NOT NULL,
  algorithm TEXT NOT NULL,
  auth_data JSON NOT NULL,
  etag BIGINT NOT NULL,
  is_deleted INTEGER NOT NULL DEFAULT 0 CHECK (is_deleted IN (0, 1)),
  PRIMARY KEY (user_nid, version)
);

CREATE TABLE key_backup_sessions (
  user_nid BIGINT NOT NULL,
  version BIGINT NOT NULL,
  room_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  first_message_index BIGINT NOT NULL,
  forwarded_count BIGINT NOT NULL,
  is_verified INTEGER NOT NULL CHECK (is_verified IN (0, 1)),
  session_data JSON NOT NULL,
  PRIMARY KEY (user_nid, version, room_id, session_id),
  FOREIGN KEY (user_nid, version) REFERENCES key_backups (user_nid, version)
);

-- Media ---------------------------------------------------------------------------------------------------------------

CREATE TABLE media (
  media_id TEXT NOT NULL PRIMARY KEY,
  shard TEXT NOT NULL REFERENCES shard (name),
  uploader_nid BIGINT NOT NULL REFERENCES users (user_nid),
  device_nid BIGINT NOT NULL,               -- the session that uploaded it
  size BIGINT NOT NULL,                     -- as uploaded, in bytes
  sha256 TEXT NOT NULL,
  wrapped_key TEXT NOT NULL,                -- the blob's own key, sealed by the shard's media key
  created_ts BIGINT NOT NULL,
  grants_until_ts BIGINT NOT NULL           -- until then a message of the device grants it to the message's room; 2^53 - 1 while it has no grant
);
CREATE INDEX media_still_granting ON media (device_nid, grants_until_ts);

-- Who may fetch a blob besides its uploader: the members of a room.
CREATE TABLE media_grants (
  media_id TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  seq BIGINT NOT NULL,                      -- of the event that caused it
  granted_ts BIGINT NOT NULL,
  PRIMARY KEY (media_id, room_nid)
);
