-- A log-in to a device that is known begins another session of it; what waits to be sent is of the one before, and ends with it.
ALTER TABLE delayed_events ADD COLUMN session_nid BIGINT NOT NULL DEFAULT 0;
UPDATE delayed_events SET session_nid = (SELECT d.session_nid FROM devices d WHERE d.device_nid = delayed_events.device_nid);
