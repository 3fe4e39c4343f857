-- What people tell the operators about rooms, events and each other. What is named is kept as it was named: writing a report looks nothing
-- up, so that its answer cannot tell what exists; whoever reads it sees that.
CREATE TABLE reports (
  report_nid BIGINT NOT NULL PRIMARY KEY,
  reporter_nid BIGINT NOT NULL REFERENCES users (user_nid),
  room_id TEXT,
  event_id TEXT,
  user_id TEXT,
  reason TEXT NOT NULL,
  reported_ts BIGINT NOT NULL,
  CONSTRAINT reports_name_one_thing CHECK ((room_id IS NULL) <> (user_id IS NULL) AND (event_id IS NULL OR room_id IS NOT NULL))
);
