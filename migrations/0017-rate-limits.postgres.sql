-- What has lately been asked of the shard, counted by all of its processes together. Nothing is lost with it but the count.
CREATE UNLOGGED TABLE rate_buckets (
  rate TEXT NOT NULL,                       -- by its name in the configuration, and whose it is
  key TEXT NOT NULL,                        -- a digest of the person, address or room
  level DOUBLE PRECISION NOT NULL,          -- what had been poured in and not yet drained, then
  at_ts BIGINT NOT NULL,
  PRIMARY KEY (rate, key)
) WITH (fillfactor = 70);                   -- room for the next version of a row beside it, without a touch of the index
