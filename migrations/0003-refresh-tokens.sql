-- Sessions that end by themselves, and those that are renewed.

ALTER TABLE access_tokens ADD COLUMN expires_ts BIGINT;    -- NULL: never
ALTER TABLE access_tokens ADD COLUMN refresh_hash TEXT;    -- the refresh token given out with it
ALTER TABLE access_tokens ADD COLUMN replaces_hash TEXT;   -- the refresh token that ends when this is first used

CREATE TABLE refresh_tokens (
  token_hash TEXT NOT NULL PRIMARY KEY,     -- SHA-256 of the token, which itself is nowhere on the server
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  replaces_hash TEXT,                       -- the refresh token that ends when this is first used
  is_used INTEGER NOT NULL DEFAULT 0 CHECK (is_used IN (0, 1)),  -- what it was exchanged for has been used
  expires_ts BIGINT,                        -- NULL: never
  session_ends_ts BIGINT,                   -- when the person has to log in again, however often this is renewed; NULL: never
  CONSTRAINT refresh_tokens_are_hashed CHECK (length(token_hash) = 43)
);
CREATE INDEX refresh_tokens_of_device ON refresh_tokens (device_nid);
