-- Who is at their devices, as far as these say so.
CREATE TABLE presence (
  user_nid BIGINT NOT NULL PRIMARY KEY REFERENCES users (user_nid),
  state TEXT NOT NULL CHECK (state IN ('online', 'unavailable', 'offline')),
  status_msg TEXT,
  last_active_ts BIGINT NOT NULL,           -- when it was written; a running server knows better
  position BIGINT NOT NULL
);
CREATE INDEX presence_moved ON presence (position);
