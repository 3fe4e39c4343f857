-- By which other services learn who somebody is.
CREATE TABLE openid_tokens (
  token_hash TEXT NOT NULL PRIMARY KEY,     -- SHA-256 of the token, which itself is nowhere on the server
  device_nid BIGINT NOT NULL REFERENCES devices (device_nid) ON DELETE CASCADE,
  expires_ts BIGINT NOT NULL,
  CONSTRAINT openid_tokens_are_hashed CHECK (length(token_hash) = 43)
);
CREATE INDEX openid_tokens_of_device ON openid_tokens (device_nid);
