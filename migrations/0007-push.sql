-- Push: who wants to be woken, and what a gateway could not take yet.

-- A log-in to a device that is known begins another session of it; what was set in the one before is not of this one.
ALTER TABLE devices ADD COLUMN session_nid BIGINT NOT NULL DEFAULT 0;

CREATE TABLE pushers (
  pusher_nid BIGINT NOT NULL PRIMARY KEY,
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  session_nid BIGINT NOT NULL,              -- of the device when the pusher was set: they end together
  app_id TEXT NOT NULL,
  pushkey TEXT NOT NULL,
  app_display_name TEXT NOT NULL,
  device_display_name TEXT NOT NULL,
  profile_tag TEXT,
  lang TEXT NOT NULL,
  url TEXT NOT NULL,
  data JSON NOT NULL,                       -- what the gateway is sent of it: all but the url
  set_ts BIGINT NOT NULL,
  told_unread BIGINT,                       -- what a push of nothing but the count said last; NULL: something else was pushed since
  is_failing INTEGER NOT NULL DEFAULT 0 CHECK (is_failing IN (0, 1)),  -- what it is due waits in waiting_pushes
  UNIQUE (user_nid, app_id, pushkey),
  CONSTRAINT pushes_carry_ids_only CHECK (coalesce(data ->> 'format', '') = 'event_id_only')
);
CREATE INDEX pushers_of_key ON pushers (app_id, pushkey);
CREATE INDEX pushers_of_device ON pushers (device_nid);

-- Those whose session lives, of people who may use it.
CREATE VIEW live_pushers AS
  SELECT p.pusher_nid, p.user_nid, p.device_nid, p.app_id, p.pushkey, p.app_display_name, p.device_display_name, p.profile_tag, p.lang, p.url, p.data, p.set_ts,
    p.told_unread, p.is_failing
  FROM pushers p
  JOIN devices d ON d.device_nid = p.device_nid AND d.session_nid = p.session_nid
  JOIN users u ON u.user_nid = p.user_nid
  WHERE u.is_locked = 0 AND u.is_deactivated = 0;

-- Events whose push a gateway has not taken yet, the oldest first.
CREATE TABLE waiting_pushes (
  pusher_nid BIGINT NOT NULL REFERENCES pushers (pusher_nid) ON DELETE CASCADE,
  task_nid BIGINT NOT NULL,                 -- the work it came from: the same is noted once
  room_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  is_urgent INTEGER NOT NULL CHECK (is_urgent IN (0, 1)),
  since_ts BIGINT NOT NULL,
  PRIMARY KEY (pusher_nid, task_nid)
);

-- Members who may have a pusher: an event in a room without any asks for no work. A mark that is out of date goes when it was in vain.
ALTER TABLE memberships ADD COLUMN has_pushers INTEGER NOT NULL DEFAULT 0;
CREATE INDEX memberships_with_pushers ON memberships (room_nid) WHERE has_pushers = 1;

-- Whose events a person does not want to hear of, beside their rules: a list of user ids.
ALTER TABLE push_rules ADD COLUMN ignored JSON NOT NULL DEFAULT '[]';
