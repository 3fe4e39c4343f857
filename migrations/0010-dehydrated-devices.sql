-- Devices that nobody holds: keys put by, so that messages are sealed for somebody who has no device at hand.
CREATE TABLE dehydrated_devices (
  user_nid BIGINT NOT NULL PRIMARY KEY REFERENCES users (user_nid),  -- one for a person
  device_nid BIGINT NOT NULL UNIQUE REFERENCES devices (device_nid) ON DELETE CASCADE,
  device_data JSON NOT NULL                 -- its private keys, encrypted by its owner
);
