-- What a device sent more than a day ago is forgotten with its next message, without a look at all it sent since.
CREATE INDEX to_device_transactions_sent ON to_device_transactions (device_nid, sent_ts);
