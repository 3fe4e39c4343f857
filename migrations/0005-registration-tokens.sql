-- What the operator gives to people so that they may make their own account.
CREATE TABLE registration_tokens (
  token_nid BIGINT NOT NULL PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,          -- SHA-256 of the token, which itself is shown once and kept nowhere
  uses_allowed BIGINT CHECK (uses_allowed > 0),  -- NULL: any number
  uses_done BIGINT NOT NULL DEFAULT 0,
  expires_ts BIGINT,                        -- NULL: never
  made_by TEXT NOT NULL,                    -- the operator, as the command line knows them
  made_ts BIGINT NOT NULL,
  CONSTRAINT registration_tokens_are_hashed CHECK (length(token_hash) = 43),
  CONSTRAINT registration_tokens_are_used_up CHECK (uses_allowed IS NULL OR uses_done <= uses_allowed)
);
