-- Whether a device has made a request before is asked by the id of its transaction first. Clients make these of the time, so those of one moment
-- stand on one page, where there was a page for each device. What was sent by a device that is gone is forgotten with the rest, within the day.
ALTER TABLE to_device_transactions RENAME TO to_device_transactions_before;
CREATE TABLE to_device_transactions (
  txn_id TEXT NOT NULL,
  type TEXT NOT NULL,
  device_nid BIGINT NOT NULL,               -- no number is given twice
  sent_ts BIGINT NOT NULL,
  PRIMARY KEY (txn_id, type, device_nid)
);
INSERT INTO to_device_transactions (txn_id, type, device_nid, sent_ts) SELECT txn_id, type, device_nid, sent_ts FROM to_device_transactions_before;
DROP TABLE to_device_transactions_before;
CREATE INDEX to_device_transactions_sent ON to_device_transactions (sent_ts);
