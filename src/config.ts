import { appServices } from './config-app-services.js';
import { adminContact } from './config-contact.js';
import { database } from './config-database.js';
import { listeners } from './config-listeners.js';
import {
  baseUrl,
  duration,
  flag,
  listOf,
  oneOf,
  optional,
  path,
  rate,
  secret,
  section,
  serverName,
  type Settings,
  size,
  text,
  turnUris,
  type ValuesOf,
  wholeNumber,
} from './config-parsers.js';
import { addressRange, gateway } from './config-push.js';
import { PRIVATE_RANGES } from './push/addresses.js';

/** Every key that is honoured. docs/configuration.md is made from it (`node scripts/run.mjs configuration-docs`). */
export const settings = {
  serverName: {
    name: 'server_name',
    parse: serverName,
    sentence: 'The name of the shard: the part after the colon in every user id. It can never change.',
  },
  publicBaseurl: {
    name: 'public_baseurl',
    parse: optional(baseUrl),
    sentence: 'The address clients reach the server at; with it, `/.well-known/matrix/client` answers.',
  },
  listeners: {
    name: 'listeners',
    default: [{ port: 8008, bind_addresses: ['127.0.0.1'], type: 'http', resources: [{ names: ['client'] }] }],
    parse: listeners,
    sentence: 'The addresses the server answers on.',
  },
  database: {
    name: 'database',
    default: { name: 'sqlite3', args: { database: 'homeserver.db' } },
    parse: database,
    sentence: 'Where everything but media is kept.',
  },
  signingKeyPath: {
    name: 'signing_key_path',
    default: 'SERVER_NAME.signing.key',
    parse: path,
    sentence: 'The file of the key that signs events, in the format of Synapse: `ed25519 VERSION SEED`, one key a line, the first one signs.',
  },
  mediaStorePath: {
    name: 'media_store_path',
    default: 'media_store',
    parse: path,
    sentence: 'The directory of uploaded files.',
  },
  maxUploadSize: {
    name: 'max_upload_size',
    default: '50M',
    parse: size,
    sentence: 'The largest file that may be uploaded.',
  },
  registrationSharedSecret: {
    name: 'registration_shared_secret',
    twin: true,
    parse: optional(secret),
    sentence: 'Who knows it may create accounts and administrators with `cloison register-user`. Without it nobody can.',
  },
  enableRegistration: {
    name: 'enable_registration',
    default: false,
    parse: flag,
    sentence: 'Whether people may create accounts for themselves; needs `registration_requires_token` or `enable_registration_without_verification` too.',
  },
  enableRegistrationWithoutVerification: {
    name: 'enable_registration_without_verification',
    default: false,
    parse: flag,
    sentence: 'Says that it is meant: anybody who reaches the server may create an account.',
  },
  registrationRequiresToken: {
    name: 'registration_requires_token',
    default: false,
    parse: flag,
    sentence: 'Whether who registers needs a token that an operator made with `cloison registration-token create`.',
  },
  turnUris: {
    name: 'turn_uris',
    default: [],
    parse: turnUris,
    sentence: 'The addresses of the TURN server that relays calls, such as `turns:turn.example:5349?transport=tcp`.',
  },
  turnSharedSecret: {
    name: 'turn_shared_secret',
    twin: true,
    parse: optional(secret),
    sentence: 'What the TURN server and this one share; each person gets credentials of their own, good for a time.',
  },
  turnUsername: { name: 'turn_username', parse: optional(text), sentence: 'The user name everybody has at a TURN server without a shared secret.' },
  turnPassword: { name: 'turn_password', parse: optional(secret), sentence: 'The password that goes with it.' },
  turnUserLifetime: { name: 'turn_user_lifetime', default: '1h', parse: duration, sentence: 'How long such credentials are good.' },
  sessionLifetime: {
    name: 'session_lifetime',
    parse: optional(duration),
    sentence: 'How long after a log-in one has to log in again; without it never.',
  },
  refreshableAccessTokenLifetime: {
    name: 'refreshable_access_token_lifetime',
    default: '5m',
    parse: duration,
    sentence: 'How long an access token is good whose client can renew it.',
  },
  nonrefreshableAccessTokenLifetime: {
    name: 'nonrefreshable_access_token_lifetime',
    parse: optional(duration),
    sentence: 'How long an access token is good whose client cannot; without it until it is revoked.',
  },
  refreshTokenLifetime: {
    name: 'refresh_token_lifetime',
    parse: optional(duration),
    sentence: 'How long a client that renews its tokens may be silent before it has to log in again; without it for ever.',
  },
  rcMessage: { name: 'rc_message', parse: rate(0.2, 10), sentence: 'What one person sends: messages, states, redactions, changes of their profile, removals of others; and rooms they make, besides `rc_room_creation`.' },
  rcAdminRedaction: { name: 'rc_admin_redaction', parse: optional(rate(0.17, 3)), sentence: 'Redactions by one person of what others sent; without it they count as messages.' },
  rcRegistration: { name: 'rc_registration', parse: rate(0.17, 3), sentence: 'Registrations from one address.' },
  rcRegistrationTokenValidity: {
    name: 'rc_registration_token_validity',
    parse: rate(0.1, 5),
    sentence: 'Questions from one address whether a registration token is good.',
  },
  rcLogin: {
    name: 'rc_login',
    parse: section({
      address: { name: 'address', parse: rate(0.003, 5), sentence: 'Log-ins from one address.' },
      account: { name: 'account', parse: rate(0.003, 5), sentence: 'Log-ins to one account.' },
      failedAttempts: { name: 'failed_attempts', parse: rate(0.17, 3), sentence: 'Log-ins to one account that fail.' },
    }),
    sentence: 'Log-ins.',
  },
  rcJoins: {
    name: 'rc_joins',
    parse: section({
      local: { name: 'local', parse: rate(0.1, 10), sentence: 'Rooms one person joins that this server is in.' },
    }, { remote: 'Has no effect: rooms of other shards cannot be joined yet.' }),
    sentence: 'Joins.',
  },
  rcJoinsPerRoom: { name: 'rc_joins_per_room', parse: rate(1, 10), sentence: 'Joins of one room, by whomsoever.' },
  rcRoomCreation: { name: 'rc_room_creation', parse: rate(0.016, 10), sentence: 'Rooms one person makes, upgrades included.' },
  rcUserDirectory: { name: 'rc_user_directory', parse: rate(0.016, 200), sentence: 'Searches for people by one person.' },
  rcInvites: {
    name: 'rc_invites',
    parse: section({
      perRoom: { name: 'per_room', parse: rate(0.3, 10), sentence: 'Invites into one room, after it was made.' },
      perUser: { name: 'per_user', parse: rate(0.003, 5), sentence: 'Invites to one person.' },
      perIssuer: { name: 'per_issuer', parse: rate(0.3, 10), sentence: 'Invites by one person into rooms that were made.' },
    }),
    sentence: 'Invites.',
  },
  rcMediaCreate: { name: 'rc_media_create', parse: rate(10, 50), sentence: 'Files one person announces before uploading them.' },
  maxEventDelayDuration: {
    name: 'max_event_delay_duration',
    parse: optional(duration),
    sentence: 'The longest a client may have an event delayed (MSC4140), such as 24h; without it none is.',
  },
  rcDelayedEventMgmt: { name: 'rc_delayed_event_mgmt', parse: rate(1, 5), sentence: 'Delayed events asked for by one person, or put off, sent or cancelled from one address.' },
  rcPresence: {
    name: 'rc_presence',
    parse: section({
      perUser: { name: 'per_user', parse: rate(0.1, 1), sentence: 'Times one person says so. A poll that says it too is never held up: what polls say goes out every few seconds at most.' },
    }),
    sentence: 'Saying whether one is online.',
  },
  rcProfile: { name: 'rc_profile', parse: rate(1, 500), sentence: 'Profiles one person looks at.' },
  rcKeyRequests: { name: 'rc_key_requests', parse: rate(20, 100), sentence: 'People one device asks for the keys of messages, its own person apart.' },
  rcReports: { name: 'rc_reports', parse: rate(1, 5), sentence: 'Reports by one person.' },
  defaultRoomVersion: {
    name: 'default_room_version',
    default: '11',
    parse: oneOf(['10', '11', '12']),
    sentence: 'The version of rooms whose creator asks for none: 10, 11 or 12.',
  },
  serveServerWellknown: {
    name: 'serve_server_wellknown',
    default: false,
    parse: flag,
    sentence: 'Whether `/.well-known/matrix/server` sends other shards to port 443 of the server name.',
  },
  adminContact: {
    name: 'admin_contact',
    parse: optional(adminContact),
    sentence: 'Whom people ask for help: an e-mail address, a Matrix id or the address of a page. With it, `/.well-known/matrix/support` answers.',
  },
  presence: {
    name: 'presence',
    parse: section({
      enabled: { name: 'enabled', default: true, parse: flag, sentence: 'Whether people who share a room see who of them is online.' },
    }, { include_offline_users_on_sync: 'a first sync tells of whoever is not offline' }),
    sentence: 'Who is online. It goes out with the answers that clients get anyway, so it may be half a minute old.',
    },
  push: {
    name: 'push',
    parse: section(
      {
        enabled: { name: 'enabled', default: true, parse: flag, sentence: 'Whether pushes are sent.' },
        includeContent: { name: 'include_content', default: false, parse: flag, sentence: 'Only `false`: a push carries the id of an event and nothing else.' },
        groupUnreadCountByRoom: {
          name: 'group_unread_count_by_room',
          default: true,
          parse: flag,
          sentence: 'Whether the number on the app says how many rooms have something unread, rather than how many messages there are.',
        },
      },
      { jitter_delay: 'Has no effect: a push is sent at once.' },
    ),
    sentence: 'Pushes to telephones; where they may go is said in `cloison.push.gateways`.',
  },
  ipRangeBlacklist: {
    name: 'ip_range_blacklist',
    default: PRIVATE_RANGES,
    parse: listOf(addressRange),
    sentence: 'Addresses the server opens no connection to when somebody else names the host. Whatever is written here replaces the whole list.',
  },
  ipRangeWhitelist: {
    name: 'ip_range_whitelist',
    default: [],
    parse: listOf(addressRange),
    sentence: 'Exceptions from it, such as the address of a push gateway, or of an application service, in the same network.',
  },
  appServiceConfigFiles: {
    name: 'app_service_config_files',
    default: [],
    parse: appServices,
    sentence: 'The registration files of application services. No name in one of their `namespaces.users` is a person\'s, neither now nor later, and no rule is different for them.',
  },
  pidFile: { name: 'pid_file', parse: optional(path), sentence: 'Where to write the process id.' },
  cloison: {
    name: 'cloison',
    parse: section({
      mediaKeyPath: {
        name: 'media_key_path',
        default: 'media.key',
        parse: path,
        sentence: 'The file of the key that seals uploaded files: 32 random bytes in base64. Made at the first start; back it up, for without it no file opens again.',
      },
      introductions: {
        name: 'introductions',
        parse: section({
          perDay: { name: 'per_day', default: 50, parse: wholeNumber, sentence: 'How many new people one person may look for in a day, whether they exist or not.' },
          perWeek: { name: 'per_week', default: 200, parse: wholeNumber, sentence: 'How many in a week.' },
        }),
        sentence: 'People one shares no room with are found by their whole id or address only, and so many of them.',
      },
      toDevice: {
        name: 'to_device',
        parse: rate(32_768, 134_217_728),
        sentence: 'Bytes one person may send to devices, every device counted: room keys, mostly. Whoever sends more is asked to wait; nothing waiting for a device is ever dropped.',
      },
      mediaQuotas: {
        name: 'media_quotas',
        parse: section({
          perUser: { name: 'per_user', default: 0, parse: size, sentence: 'How much one person may have uploaded, in bytes or as 10G. 0: no limit.' },
          perShard: { name: 'per_shard', default: 0, parse: size, sentence: 'How much everybody together. 0: no limit.' },
        }),
        sentence: 'What is deleted, or goes by itself, makes room again.',
      },
      inferredGrants: {
        name: 'inferred_grants',
        parse: section({
          alarmPerHour: {
            name: 'alarm_per_hour',
            default: 30,
            parse: wholeNumber,
            sentence: 'When one person opens as many in an hour, and at every multiple of it, the log warns. 0: never. The limit of 200 a day stays.',
          },
        }),
        sentence: 'Files a person may open because somebody who had them wrote in one of their rooms: the server infers that they were forwarded.',
      },
      push: {
        name: 'push',
        parse: section({
          gateways: {
            name: 'gateways',
            default: [],
            parse: listOf(gateway),
            sentence: 'The push gateways clients may use, such as `https://push.shard.example`. Without any there are no pushes.',
          },
        }),
        sentence: 'Where pushes may go.',
      },
      reportsKept: {
        name: 'reports_kept',
        parse: optional(duration),
        sentence: 'How long reports are kept, such as 1y; without it for ever: what may be evidence goes only when the operator has said so.',
      },
      maxRoomMembers: {
        name: 'max_room_members',
        default: 2000,
        parse: wholeNumber,
        sentence: 'Nobody joins a room that has as many members.',
      },
    }),
    sentence: 'What only Cloison has.',
  },
} satisfies Settings;

/** What the program is told, once it has been checked: frozen, and nothing reads the file after. */
export type Config = ValuesOf<typeof settings>;
