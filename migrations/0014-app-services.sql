-- The accounts of application services: made by one, acted for by it alone, and never a person's.
ALTER TABLE users ADD COLUMN app_service_id TEXT
  CONSTRAINT app_services_have_no_passwords CHECK (app_service_id IS NULL OR (is_account = 1 AND password_hash IS NULL AND is_admin = 0));
CREATE INDEX users_of_app_services ON users (app_service_id) WHERE app_service_id IS NOT NULL;
