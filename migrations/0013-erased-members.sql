-- Erasure: whoever joins a room after a person had themselves erased is shown redacted copies of what that person sent there.

ALTER TABLE memberships ADD COLUMN erased_seq BIGINT;  -- the room's newest event when the member was erased; NULL: nearly everybody
CREATE INDEX memberships_erased ON memberships (room_nid) WHERE erased_seq IS NOT NULL;
