-- The restricted directory: who may find whom.

-- People whom nobody finds but those who share a room with them.
CREATE TABLE hidden_users (
  user_nid BIGINT NOT NULL PRIMARY KEY REFERENCES users (user_nid),
  hidden_ts BIGINT NOT NULL
);

-- Addresses the operator gave to accounts; nobody gives themselves one.
CREATE TABLE user_emails (
  user_nid BIGINT NOT NULL PRIMARY KEY REFERENCES users (user_nid),
  email TEXT NOT NULL UNIQUE,
  domain TEXT NOT NULL,                     -- what stands behind the @
  set_ts BIGINT NOT NULL,
  CONSTRAINT addresses_are_lower_case CHECK (email = lower(email)),
  CONSTRAINT domain_is_of_the_address CHECK (substr(email, length(email) - length(domain)) = '@' || domain)
);
CREATE INDEX user_emails_of_domain ON user_emails (domain);

-- Every identity somebody asked for, were it nobody's: what a person's budget is counted by.
CREATE TABLE introductions (
  viewer_nid BIGINT NOT NULL REFERENCES users (user_nid),
  subject TEXT NOT NULL,                    -- SHA-256 of the identity: what was typed is kept nowhere
  user_nid BIGINT REFERENCES users (user_nid),  -- whom it introduced; NULL: nobody, or somebody hidden, or an invitation only
  granted_ts BIGINT NOT NULL,               -- when it was charged, which is once a week at most
  until_ts BIGINT NOT NULL,                 -- how long it introduces
  PRIMARY KEY (viewer_nid, subject),
  CONSTRAINT introductions_end CHECK (until_ts <= granted_ts + 691200000)  -- a week and a day
);
CREATE INDEX introductions_charged ON introductions (viewer_nid, granted_ts);
CREATE INDEX introductions_to ON introductions (viewer_nid, user_nid, until_ts);

-- Larger budgets the operator gave for a time, kept as a record of who gave what and when.
CREATE TABLE introduction_allowances (
  allowance_nid BIGINT NOT NULL PRIMARY KEY,
  user_nid BIGINT NOT NULL REFERENCES users (user_nid),
  per_day BIGINT NOT NULL CHECK (per_day >= 0),
  until_ts BIGINT NOT NULL,
  given_by TEXT NOT NULL,                   -- the operator, as the command line knows them
  given_ts BIGINT NOT NULL,
  CONSTRAINT allowances_end CHECK (until_ts - given_ts BETWEEN 0 AND 31622400000)  -- 366 days
);
CREATE INDEX introduction_allowances_of_user ON introduction_allowances (user_nid, until_ts);

-- Whom a viewer may find: who has joined a room that the viewer is in or invited to, and whoever was introduced, until then.
-- Somebody merely invited is not found: an invitation must not tell the inviter whom it reached.
CREATE VIEW visible_users (viewer_nid, user_nid, until_ts) AS
  SELECT mine.user_nid, theirs.user_nid, 9007199254740991
  FROM memberships mine JOIN memberships theirs ON theirs.room_nid = mine.room_nid
  WHERE mine.membership IN ('join', 'invite') AND theirs.membership = 'join'
  UNION ALL
  SELECT i.viewer_nid, i.user_nid, i.until_ts
  FROM introductions i
  WHERE i.user_nid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hidden_users h WHERE h.user_nid = i.user_nid);
