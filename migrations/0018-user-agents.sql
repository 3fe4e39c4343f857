-- What the client of a device calls itself, beside the address it was last used from: who looks at their sessions, or an operator at those of a
-- stolen account, tells the telephone from the stranger by it. Written as seldom as these, and gone with the device.
ALTER TABLE devices ADD COLUMN last_seen_user_agent TEXT;
