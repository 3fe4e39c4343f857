/** Keys that Synapse reads and this server will, but does not yet: it says so at start. */
export const notBuiltYet: ReadonlySet<string> = new Set(
  `admin_contact alias_creation_rules allow_profile_lookup_over_federation allow_underscore_prefixed_registration
  allowed_avatar_mimetypes allowed_local_3pids app_service_config_files block_non_admin_invites default_power_level_content_override
  delete_stale_devices_after disable_msisdn_registration email enable_3pid_changes enable_local_media_storage enable_metrics
  enable_registration_captcha enable_set_avatar_url enable_set_displayname extra_well_known_client_content
  federation federation_certificate_verification_whitelist federation_custom_ca_list federation_domain_whitelist
  federation_metrics_domains federation_rr_transactions_per_room_per_second federation_whitelist_endpoint_enabled
  forget_rooms_on_leave forgotten_room_retention_period hs_disabled hs_disabled_message http_proxy https_proxy
  include_profile_data_on_invite inhibit_user_in_use_error key_refresh_interval
  key_server_signing_keys_path limit_remote_rooms limit_usage_by_mau login_via_existing_session matrix_rtc mau_appservice_trial_days
  mau_limit_alerting mau_limit_reserved_threepids mau_stats_only mau_trial_days max_avatar_size
  max_image_pixels max_mau_value max_pending_media_uploads media_retention media_storage_providers media_upload_limits metrics_flags
  no_proxy_hosts oidc_providers old_signing_keys opentracing outbound_federation_restricted_to
  password_config prevent_media_downloads_from rc_3pid_validation rc_admin_redaction rc_federation
  rc_key_requests rc_presence rc_profile
  rc_third_party_invite recaptcha_private_key recaptcha_private_key_path recaptcha_public_key
  recaptcha_public_key_path recaptcha_siteverify_api redaction_retention_period registrations_require_3pid remote_media_download_burst_count
  remote_media_download_per_second require_membership_for_aliases retention room_prejoin_state server_context server_notices
  sso templates tls_certificate_path tls_private_key_path track_appservice_user_ips
  ui_auth unused_expiration_time
  user_consent user_directory user_ips_max_age user_types web_client_location`.split(/\s+/),
);

const ONE_PROGRAM = 'one program serves everything, without workers';
const NO_GUESTS = 'there are no guests';
const NO_PREVIEWS = 'addresses in messages are never fetched';
const NO_IDENTITY_SERVER = 'there is no identity server';
const NO_AUTO_JOIN = 'nobody is joined to a room but by themselves';
const RUNTIME = 'the runtime needs no such tuning';
const NO_FORMS = 'tokens and forms are not derived from a secret';
const HONOURED_OTHERWISE = 'relations are always required, so that profiles are shown to contacts only';

/** Keys that Synapse reads and that mean nothing here, each with the reason that is told at start. */
export const noEffect: Readonly<Record<string, string>> = {
  log_config: 'the log goes to standard output, for people in a terminal and as JSON elsewhere',
  macaroon_secret_key: NO_FORMS,
  macaroon_secret_key_path: NO_FORMS,
  form_secret: NO_FORMS,
  form_secret_path: NO_FORMS,
  trusted_key_servers: 'no third server is asked for keys: each shard vouches for its own',
  suppress_key_server_warning: 'no third server is asked for keys',
  perspectives: 'no third server is asked for keys',
  report_stats_endpoint: 'nothing is ever reported',
  daemonize: 'the service manager runs it in the background',
  no_redirect_stdio: 'the service manager keeps its output',
  print_pidfile: 'pid_file says where the process id is written',
  user_agent_suffix: 'the program names itself and nothing more',
  soft_file_limit: 'the service manager sets the limit of open files',
  use_frozen_dicts: RUNTIME,
  gc_thresholds: RUNTIME,
  gc_min_interval: RUNTIME,
  caches: RUNTIME,
  event_cache_size: RUNTIME,
  task_scheduler: RUNTIME,
  background_updates: RUNTIME,
  dummy_events_threshold: 'rooms are kept tidy without dummy events',
  cleanup_extremities_with_dummy_events: 'rooms are kept tidy without dummy events',
  filter_timeline_limit: 'the limit of a timeline is fixed',
  limit_profile_requests_to_users_who_share_rooms: HONOURED_OTHERWISE,
  request_token_inhibit_3pid_errors: 'no answer tells whether an address is known',
  next_link_domain_whitelist: 'no link is followed',
  allow_per_room_profiles: 'people may have a name of their own in each room',
  turn_allow_guests: NO_GUESTS,
  auto_join_rooms_for_guests: NO_GUESTS,
  autocreate_auto_join_rooms: NO_AUTO_JOIN,
  autocreate_auto_join_rooms_federated: NO_AUTO_JOIN,
  auto_join_mxid_localpart: NO_AUTO_JOIN,
  exclude_rooms_from_sync: 'no room acts as a directory, and sync shows every room',
  exclude_rooms_from_presence: 'no room acts as a directory',
  dynamic_thumbnails: 'only avatars have thumbnails',
  thumbnail_sizes: 'only avatars have thumbnails',
  enable_search: 'the server cannot search what it cannot read',
  oembed: NO_PREVIEWS,
  max_spider_size: NO_PREVIEWS,
  url_preview_ip_range_blacklist: NO_PREVIEWS,
  url_preview_ip_range_whitelist: NO_PREVIEWS,
  url_preview_url_blacklist: NO_PREVIEWS,
  url_preview_accept_language: NO_PREVIEWS,
  enable_3pid_lookup: NO_IDENTITY_SERVER,
  account_threepid_delegates: NO_IDENTITY_SERVER,
  trust_identity_server_for_password_resets: NO_IDENTITY_SERVER,
  bcrypt_rounds: 'passwords are kept as Argon2id hashes',
  track_puppeted_user_ips: 'nobody acts in the name of another',
  experimental_features: 'what is built is on, and the rest is absent',
  sentry: 'errors stay in the log of this machine',
  stats: 'rooms and people are not counted',
  enable_ephemeral_messages: 'the server cannot read when a message ought to go',
  manhole_settings: 'there is no remote shell',
  redis: ONE_PROGRAM,
  instance_map: ONE_PROGRAM,
  stream_writers: ONE_PROGRAM,
  start_pushers: ONE_PROGRAM,
  pusher_instances: ONE_PROGRAM,
  send_federation: ONE_PROGRAM,
  federation_sender_instances: ONE_PROGRAM,
  run_background_tasks_on: ONE_PROGRAM,
  update_user_directory_from_worker: ONE_PROGRAM,
  notify_appservices_from_worker: ONE_PROGRAM,
  media_instance_running_background_jobs: ONE_PROGRAM,
  worker_name: ONE_PROGRAM,
  worker_listeners: ONE_PROGRAM,
  worker_daemonize: ONE_PROGRAM,
  worker_pid_file: ONE_PROGRAM,
  worker_log_config: ONE_PROGRAM,
  worker_replication_secret: ONE_PROGRAM,
  worker_replication_secret_path: ONE_PROGRAM,
};
