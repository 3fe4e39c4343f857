-- What application services have not taken yet: of each the events of the rooms that its users are in, in the order of the stream. Places
-- in timelines and no copies, so that what is redacted while it waits is gone here too.
CREATE TABLE app_service_events (
  app_service_id TEXT NOT NULL,
  position BIGINT NOT NULL,                 -- the event's
  room_nid BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  txn_nid BIGINT,                           -- the transaction that carries it, sent until it is taken; NULL: none yet
  PRIMARY KEY (app_service_id, position),
  FOREIGN KEY (room_nid, seq) REFERENCES events (room_nid, seq)
);
