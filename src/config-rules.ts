/** A value that contradicts a rule of this server: whoever wrote it expects something that will never happen. */
export interface Contradiction {
  /** The key, with dots where it lies inside another. */
  readonly key: string;
  readonly contradicts: (value: unknown) => boolean;
  /** What this server promises, told to the operator. */
  readonly rule: string;
  readonly remedy: string;
}

const SET_FALSE = 'Set it to false or delete the line.';
const SET_TRUE = 'Set it to true or delete the line.';
const DELETE = 'Delete it.';

const NO_PUBLIC_ROOMS = 'rule A7: there are no public rooms to list';
const NO_SERVER_JOINS = 'rule A12: nobody is joined to a room but by themselves';
const NO_MODULES = 'no Python is loaded, and no module can loosen a rule';
const NO_IMPERSONATION = 'nobody logs in in the name of another';
const NO_IDENTITY_SERVER = 'rule D10: there is no identity server';
const NO_SHELL = 'there is no remote shell into the server';
const ONE_PROGRAM = 'one program with one database serves the shard';

/** Every key whose value may contradict a rule; a value that agrees is accepted. */
export const contradictions: readonly Contradiction[] = [
  // A. No public rooms
  { key: 'allow_public_rooms_without_auth', contradicts: isTrue, rule: NO_PUBLIC_ROOMS, remedy: SET_FALSE },
  { key: 'allow_public_rooms_over_federation', contradicts: isTrue, rule: NO_PUBLIC_ROOMS, remedy: SET_FALSE },
  { key: 'restrict_public_rooms_to_local_users', contradicts: isFalse, rule: NO_PUBLIC_ROOMS, remedy: DELETE },
  { key: 'enable_room_list_search', contradicts: isTrue, rule: NO_PUBLIC_ROOMS, remedy: SET_FALSE },
  { key: 'room_list_publication_rules', contradicts: allows, rule: NO_PUBLIC_ROOMS, remedy: 'Delete every rule whose action is not deny.' },
  { key: 'allow_guest_access', contradicts: isTrue, rule: 'rule A5: there are no guests', remedy: SET_FALSE },
  { key: 'invite_3pid_guest', contradicts: isTrue, rule: 'rule A5: there are no guests', remedy: SET_FALSE },
  { key: 'auto_join_rooms', contradicts: isFull, rule: NO_SERVER_JOINS, remedy: 'Delete it; invite people instead.' },
  { key: 'auto_accept_invites.enabled', contradicts: isTrue, rule: NO_SERVER_JOINS, remedy: SET_FALSE },
  {
    key: 'autocreate_auto_join_room_preset',
    contradicts: (value) => value === 'public_chat',
    rule: 'rule A1: there are no public rooms',
    remedy: DELETE,
  },
  // B. Encryption on every room
  {
    key: 'encryption_enabled_by_default_for_room_type',
    contradicts: (value) => value !== 'all',
    rule: 'rule B1: every room is encrypted',
    remedy: 'Set it to "all" or delete the line.',
  },
  {
    key: 'default_power_level_content_override',
    contradicts: lowersEncryption,
    rule: 'rule B2: nobody but the founder touches the encryption of a room',
    remedy: 'Leave m.room.encryption at 100 or more.',
  },
  { key: 'push.include_content', contradicts: isTrue, rule: 'rule B11: a push carries the id of an event and nothing else', remedy: SET_FALSE },
  { key: 'url_preview_enabled', contradicts: isTrue, rule: 'rule B12: addresses in messages are never fetched', remedy: SET_FALSE },
  { key: 'use_appservice_legacy_authorization', contradicts: isTrue, rule: 'rule B15: a token in an address ends up in logs', remedy: SET_FALSE },
  // C. Authenticated media
  { key: 'enable_authenticated_media', contradicts: isFalse, rule: 'rule C1: no file is served without a token', remedy: SET_TRUE },
  { key: 'media_storage_providers', contradicts: hasForeignProvider, rule: NO_MODULES, remedy: 'Delete it; only file_system and S3 are known.' },
  // D. Restricted directory
  { key: 'user_directory.search_all_users', contradicts: isTrue, rule: 'rule D1: people find those they share a room with', remedy: SET_FALSE },
  { key: 'require_auth_for_profile_requests', contradicts: isFalse, rule: 'rule D3: a profile needs a token', remedy: SET_TRUE },
  { key: 'allow_device_name_lookup_over_federation', contradicts: isTrue, rule: 'rule D4: names of devices stay here', remedy: SET_FALSE },
  { key: 'default_identity_server', contradicts: isFull, rule: NO_IDENTITY_SERVER, remedy: DELETE },
  { key: 'extra_well_known_client_content', contradicts: namesIdentityServer, rule: NO_IDENTITY_SERVER, remedy: 'Delete m.identity_server.' },
  // What a stolen secret or a wiretap would need
  { key: 'federation_verify_certificates', contradicts: isFalse, rule: 'other shards prove who they are', remedy: SET_TRUE },
  { key: 'use_insecure_ssl_client_just_for_testing_do_not_use', contradicts: isTrue, rule: 'other shards prove who they are', remedy: DELETE },
  {
    key: 'federation_client_minimum_tls_version',
    contradicts: (value) => Number(value) < 1.2,
    rule: 'TLS before 1.2 is broken',
    remedy: 'Set it to "1.2" or delete the line.',
  },
  { key: 'report_stats', contradicts: isTrue, rule: 'nothing is ever reported to anybody', remedy: SET_FALSE },
  { key: 'jwt_config.enabled', contradicts: isTrue, rule: NO_IMPERSONATION, remedy: SET_FALSE },
  { key: 'saml2_config', contradicts: isEnabled, rule: 'SAML is not spoken', remedy: 'Delete it; bridge it to OpenID Connect, for example with Keycloak.' },
  { key: 'cas_config', contradicts: isEnabled, rule: 'CAS is not spoken', remedy: 'Delete it; bridge it to OpenID Connect, for example with LemonLDAP::NG.' },
  { key: 'oidc_providers', contradicts: skipsVerification, rule: 'who logs in has been verified', remedy: 'Delete skip_verification.' },
  { key: 'matrix_authentication_service.enabled', contradicts: isTrue, rule: 'log-in by another service is not built yet', remedy: SET_FALSE },
  { key: 'experimental_features.msc3861', contradicts: isEnabled, rule: 'log-in by another service is not built yet', remedy: DELETE },
  { key: 'manhole', contradicts: isFull, rule: NO_SHELL, remedy: DELETE },
  { key: 'worker_manhole', contradicts: isFull, rule: NO_SHELL, remedy: DELETE },
  // Code of others
  ...['modules', 'password_providers', 'spam_checker', 'third_party_event_rules', 'account_validity', 'presence.presence_router', 'ldap_config'].map((key) => ({
    key,
    contradicts: isEnabled,
    rule: NO_MODULES,
    remedy: DELETE,
  })),
  // One program
  { key: 'enable_media_repo', contradicts: isFalse, rule: ONE_PROGRAM, remedy: SET_TRUE },
  { key: 'databases', contradicts: isFull, rule: ONE_PROGRAM, remedy: 'Describe it under database.' },
  { key: 'worker_app', contradicts: isFull, rule: ONE_PROGRAM, remedy: 'This is the file of a worker: start the main one.' },
  // Old names, whose meaning would be lost without a word
  { key: 'signing_key', contradicts: isFull, rule: 'keys do not lie in the configuration', remedy: 'Put it into a file and name that under signing_key_path.' },
  { key: 'log_file', contradicts: isFull, rule: 'the log goes to standard output', remedy: DELETE },
  { key: 'disable_registration', contradicts: isSaid, rule: 'an old name', remedy: 'Say enable_registration.' },
  { key: 'database_path', contradicts: isFull, rule: 'an old name', remedy: 'Describe it under database.' },
  { key: 'oidc_config', contradicts: isEnabled, rule: 'an old name', remedy: 'Say oidc_providers.' },
  ...['bind_port', 'bind_host', 'unsecure_port', 'no_tls', 'gzip_responses', 'metrics_port', 'metrics_bind_host'].map((key) => ({
    key,
    contradicts: isSaid,
    rule: 'an old name',
    remedy: 'Describe it under listeners.',
  })),
  ...['rc_messages_per_second', 'rc_message_burst_count'].map((key) => ({ key, contradicts: isSaid, rule: 'an old name', remedy: 'Say rc_message.' })),
];

function isTrue(value: unknown): boolean {
  return value === true;
}

function isFalse(value: unknown): boolean {
  return value === false;
}

function isSaid(value: unknown): boolean {
  return value !== undefined;
}

/** Asks for something: not null, false, empty. */
export function isFull(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== '';
}

function isEnabled(value: unknown): boolean {
  return isFull(value) && member(value, 'enabled') !== false;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A publication rule without an action allows. */
function allows(value: unknown): boolean {
  return itemsOf(value).some((rule) => member(rule, 'action') !== 'deny');
}

function lowersEncryption(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const levels = Object.values(value).map((content) => member(member(content, 'events'), 'm.room.encryption'));
  return levels.some((level) => level !== undefined && !(Number(level) >= 100));
}

function hasForeignProvider(value: unknown): boolean {
  const known = ['file_system', 's3_storage_provider.S3StorageProviderBackend'];
  return itemsOf(value).some((provider) => !known.includes(String(member(provider, 'module'))));
}

function skipsVerification(value: unknown): boolean {
  return itemsOf(value).some((provider) => member(provider, 'skip_verification') === true);
}

function namesIdentityServer(value: unknown): boolean {
  return member(value, 'm.identity_server') !== undefined;
}
