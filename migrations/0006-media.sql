-- Media, whole: pictures beside ciphertext, uploads in two steps, grants to people, and who was served what.

CREATE TABLE media_before AS SELECT media_id, shard, uploader_nid, device_nid, size, sha256, wrapped_key, created_ts, grants_until_ts FROM media;
CREATE TABLE media_grants_before AS SELECT media_id, room_nid, seq, granted_ts FROM media_grants;
DROP TABLE media_grants;
DROP TABLE media;

CREATE TABLE media (
  media_id TEXT NOT NULL PRIMARY KEY,
  shard TEXT NOT NULL REFERENCES shard (name),
  class TEXT NOT NULL CHECK (class IN ('pending', 'attachment', 'avatar')),  -- pending: announced, and not yet uploaded
  uploader_nid BIGINT NOT NULL REFERENCES users (user_nid),
  device_nid BIGINT NOT NULL,               -- the session that announced or uploaded it
  created_ts BIGINT NOT NULL,               -- when it was uploaded; of a pending one, announced
  size BIGINT,                              -- as it was uploaded, or of an avatar encoded anew, in bytes
  sha256 TEXT,                              -- likewise
  blob_name TEXT UNIQUE,                    -- under which it lies sealed
  wrapped_key TEXT,                         -- the blob's own key, sealed by the shard's media key; both absent while it is pending
  content_type TEXT,                        -- of an avatar, as it was encoded anew; that of ciphertext is not kept
  grants_until_ts BIGINT NOT NULL,          -- until then a message of the device grants it to the message's room; 2^53 - 1 while it has no grant
  is_attached INTEGER NOT NULL DEFAULT 0 CHECK (is_attached IN (0, 1)),  -- its sender said which event carries it: nothing else is inferred
  on_profile_ts BIGINT,                     -- since when whoever may see its uploader's profile may see it
  idle_since_ts BIGINT,                     -- since when nobody but its uploader may fetch it; NULL: somebody may
  quarantined_ts BIGINT,                    -- since when nobody may
  CONSTRAINT pending_media_have_no_content CHECK ((class = 'pending') = (size IS NULL)
    AND (size IS NULL) = (sha256 IS NULL) AND (size IS NULL) = (blob_name IS NULL) AND (size IS NULL) = (wrapped_key IS NULL)),
  CONSTRAINT only_avatars_are_pictures CHECK ((class = 'avatar') = (content_type IS NOT NULL)
    AND (content_type IS NULL OR content_type IN ('image/jpeg', 'image/png', 'image/webp'))),
  CONSTRAINT only_avatars_are_on_profiles CHECK (on_profile_ts IS NULL OR class = 'avatar'),
  -- What a message carries is ciphertext: no message grants a picture.
  CONSTRAINT avatars_are_not_sent CHECK (class <> 'avatar' OR grants_until_ts = 0)
);
CREATE INDEX media_still_granting ON media (device_nid, grants_until_ts);
CREATE INDEX media_idle ON media (class, idle_since_ts) WHERE idle_since_ts IS NOT NULL;
CREATE INDEX media_pending_of ON media (uploader_nid) WHERE class = 'pending';
CREATE INDEX media_by_content ON media (sha256);

-- Who may fetch a blob besides its uploader: the members of a room,
CREATE TABLE media_grants (
  media_id TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  why TEXT NOT NULL CHECK (why IN ('sent', 'attached', 'avatar')),
  seq BIGINT NOT NULL,                      -- of the first event that may carry it
  last_seq BIGINT NOT NULL,                 -- and of the last
  granted_ts BIGINT NOT NULL,
  PRIMARY KEY (media_id, room_nid)
);
CREATE INDEX media_grants_by_event ON media_grants (room_nid, last_seq);

-- or one person.
CREATE TABLE media_user_grants (
  media_id TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  why TEXT NOT NULL CHECK (why IN ('to_device', 'forwarded')),
  by_nid BIGINT NOT NULL REFERENCES users (user_nid),  -- who sent it, or is taken to have forwarded it
  room_nid BIGINT REFERENCES rooms (room_nid),         -- where: it ends with leaving that room
  granted_ts BIGINT NOT NULL,
  PRIMARY KEY (media_id, user_nid),
  CONSTRAINT forwards_have_a_room CHECK ((why = 'forwarded') = (room_nid IS NOT NULL))
);
CREATE INDEX media_user_grants_inferred ON media_user_grants (user_nid, granted_ts) WHERE why = 'forwarded';

-- Smaller copies of avatars, each a sealed blob of its own.
CREATE TABLE media_thumbnails (
  media_id TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  variant TEXT NOT NULL,                    -- 96x96-crop
  blob_name TEXT NOT NULL UNIQUE,
  size BIGINT NOT NULL,
  content_type TEXT NOT NULL,
  wrapped_key TEXT NOT NULL,
  PRIMARY KEY (media_id, variant)
);

-- Bytes a person has uploaded, as they count against quotas; 0: the whole shard.
CREATE TABLE media_usage (
  user_nid BIGINT NOT NULL PRIMARY KEY,
  bytes BIGINT NOT NULL
);

-- The newest message of each person in each room: who may have forwarded something there.
CREATE TABLE newest_messages (
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  room_nid BIGINT NOT NULL REFERENCES rooms (room_nid),
  seq BIGINT NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (user_nid, room_nid)
);

-- Access ledger: what was served, to whom, when. It outlives what it speaks of.
CREATE TABLE ledger_blobs (
  media_id TEXT NOT NULL,
  device_nid BIGINT NOT NULL,
  user_nid BIGINT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('download', 'thumbnail')),
  served_ts BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  times BIGINT NOT NULL,                    -- within the same millisecond
  PRIMARY KEY (media_id, device_nid, what, served_ts)
);
CREATE INDEX ledger_blobs_of_session ON ledger_blobs (device_nid, served_ts);

-- When each person was served a blob first: what they send later may forward it.
CREATE TABLE ledger_blob_readers (
  media_id TEXT NOT NULL,
  user_nid BIGINT NOT NULL,
  position BIGINT NOT NULL,                 -- of the stream then
  PRIMARY KEY (media_id, user_nid)
);

INSERT INTO media (media_id, shard, class, uploader_nid, device_nid, created_ts, size, sha256, blob_name, wrapped_key, grants_until_ts, idle_since_ts)
  SELECT media_id, shard, 'attachment', uploader_nid, device_nid, created_ts, size, sha256, media_id, wrapped_key, grants_until_ts,
    CASE WHEN EXISTS (SELECT 1 FROM media_grants_before g WHERE g.media_id = b.media_id) THEN NULL ELSE created_ts END
  FROM media_before b;
INSERT INTO media_grants (media_id, room_nid, why, seq, last_seq, granted_ts)
  SELECT media_id, room_nid, 'sent', seq, seq, granted_ts FROM media_grants_before;
INSERT INTO media_usage (user_nid, bytes) SELECT uploader_nid, sum(size) FROM media GROUP BY uploader_nid;
INSERT INTO media_usage (user_nid, bytes) SELECT 0, coalesce(sum(size), 0) FROM media;
INSERT INTO newest_messages (user_nid, room_nid, seq, position)
  SELECT sender_nid, room_nid, max(seq), max(position) FROM events WHERE type = 'm.room.encrypted' GROUP BY sender_nid, room_nid;
DROP TABLE media_before;
DROP TABLE media_grants_before;
