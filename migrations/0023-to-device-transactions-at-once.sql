-- What devices sent more than a day ago is forgotten for all of them at once: an index by time alone grows at its end, on a page that is written anyway.
DROP INDEX to_device_transactions_sent;
CREATE INDEX to_device_transactions_sent ON to_device_transactions (sent_ts);
