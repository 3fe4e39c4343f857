import { offerNonce, AdminRegisterBody, registerWithSecret } from '../admin/register.js';
import { listCapabilities } from '../auth/capabilities.js';
import {
  deleteDevice,
  deleteManyDevices,
  DeviceDeletion,
  DevicesDeletion,
  DeviceUpdate,
  getDevice,
  listDevices,
  updateDevice,
} from '../auth/devices.js';
import { listLoginFlows, LoginBody, logIn } from '../auth/login.js';
import { logOut, logOutEverywhere } from '../auth/logout.js';
import { RefreshBody, refreshTokens } from '../auth/refresh.js';
import { AvailableQuery, isAvailable, register, RegisterBody, RegisterQuery } from '../auth/register.js';
import { isTokenValid, TokenQuery } from '../auth/registration-tokens.js';
import { listVersions } from '../auth/versions.js';
import { describeClientServer, describeServer, describeSupport } from '../auth/well-known.js';
import { anyObject, noBody } from '../matrix/schema.js';
import {
  AccountData,
  deleteAccountData,
  deleteRoomAccountData,
  getAccountData,
  getRoomAccountData,
  setAccountData,
  setRoomAccountData,
} from '../profile/account-data.js';
import { defineFilter, getFilter } from '../profile/filters.js';
import { getPresence, PresenceBody, setPresence } from '../profile/presence-status.js';
import { getProfile, getProfileField } from '../profile/read-profile.js';
import { deleteProfileField, FieldBody, setProfileField } from '../profile/set-profile.js';
import { listTags, removeTag, setTag, TagBody } from '../profile/tags.js';
import {
  getPushRule,
  getPushRuleActions,
  isPushRuleEnabled,
  listGlobalPushRules,
  listPushRules,
} from '../push/push-rules.js';
import { listNotifications, NotificationsQuery } from '../push/notifications.js';
import { listPushers, PusherBody, setPusher } from '../push/pushers.js';
import { ActionsBody, EnabledBody, RuleBody, RuleQuery } from '../push/rule-bodies.js';
import { deletePushRule, setPushRule, setPushRuleActions, setPushRuleEnabled } from '../push/set-push-rules.js';
import { FilterSchema } from '../rooms/filter.js';
import { sync } from '../sync/sync.js';
import { SyncQuery } from '../sync/request.js';
import { accountApi } from './account.js';
import { adminApi, moderationApi } from './admin.js';
import { directoryApi } from './directory.js';
import { encryptionApi } from './encryption.js';
import { anyone, del, get, post, put, session, type Endpoint } from './endpoint.js';
import { mediaApi } from './media.js';
import { refusedApi } from './refused.js';
import { roomsApi } from './rooms.js';

/** The client-server API, in the order of the specification. https://spec.matrix.org/v1.19/client-server-api/ */
export const clientApi: readonly Endpoint[] = [
  get('/versions', anyone, {}, listVersions),
  get('/.well-known/matrix/client', anyone, {}, describeClientServer),
  get('/.well-known/matrix/server', anyone, {}, describeServer),
  get('/.well-known/matrix/support', anyone, {}, describeSupport),

  // Client authentication
  get('/v3/login', anyone, {}, listLoginFlows),
  post('/v3/login', anyone, { body: LoginBody, limit: 'login' }, logIn),
  post('/v3/refresh', anyone, { body: RefreshBody }, refreshTokens),
  post('/v3/logout', session, { body: noBody, evenLocked: true }, logOut),
  post('/v3/logout/all', session, { body: noBody, evenLocked: true }, logOutEverywhere),
  post('/v3/register', anyone, { body: RegisterBody, query: RegisterQuery, limit: 'register' }, register),
  get('/v3/register/available', anyone, { query: AvailableQuery, limit: 'register' }, isAvailable),
  get('/v1/register/m.login.registration_token/validity', anyone, { query: TokenQuery, limit: 'registrationToken' }, isTokenValid),
  ...accountApi,
  get('/_synapse/admin/v1/register', anyone, {}, offerNonce),
  post('/_synapse/admin/v1/register', anyone, { body: AdminRegisterBody }, registerWithSecret),
  ...adminApi,
  ...moderationApi,

  // Capabilities, filters, syncing
  get('/v3/capabilities', session, {}, listCapabilities),
  post('/v3/user/:userId/filter', session, { body: FilterSchema }, defineFilter),
  get('/v3/user/:userId/filter/:filterId', session, {}, getFilter),
  get('/v3/sync', session, { query: SyncQuery }, sync),

  ...roomsApi,

  // User data
  ...directoryApi,
  get('/v3/profile/:userId', session, { limit: 'profile', aliases: ['/unstable/uk.tcpip.msc4133'] }, getProfile),
  get('/v3/profile/:userId/:keyName', session, { limit: 'profile', aliases: ['/unstable/uk.tcpip.msc4133'] }, getProfileField),
  put('/v3/profile/:userId/:keyName', session, { body: FieldBody, limit: 'send', activeOnly: true, aliases: ['/unstable/uk.tcpip.msc4133'] }, setProfileField),
  del('/v3/profile/:userId/:keyName', session, { limit: 'send', activeOnly: true, aliases: ['/unstable/uk.tcpip.msc4133'] }, deleteProfileField),

  // Presence
  get('/v3/presence/:userId/status', session, {}, getPresence),
  put('/v3/presence/:userId/status', session, { body: PresenceBody, limit: 'presence', activeOnly: true }, setPresence),

  // Devices
  get('/v3/devices', session, {}, listDevices),
  get('/v3/devices/:deviceId', session, {}, getDevice),
  put('/v3/devices/:deviceId', session, { body: DeviceUpdate }, updateDevice),
  del('/v3/devices/:deviceId', session, { body: DeviceDeletion }, deleteDevice),
  post('/v3/delete_devices', session, { body: DevicesDeletion }, deleteManyDevices),

  ...encryptionApi,
  ...mediaApi,

  // Push notifications
  get('/v3/pushers', session, {}, listPushers),
  post('/v3/pushers/set', session, { body: PusherBody }, setPusher),
  get('/v3/notifications', session, { query: NotificationsQuery }, listNotifications),
  get('/v3/pushrules', session, {}, listPushRules),
  get('/v3/pushrules/global', session, {}, listGlobalPushRules),
  get('/v3/pushrules/global/:kind/:ruleId', session, {}, getPushRule),
  put('/v3/pushrules/global/:kind/:ruleId', session, { body: RuleBody, query: RuleQuery }, setPushRule),
  del('/v3/pushrules/global/:kind/:ruleId', session, {}, deletePushRule),
  get('/v3/pushrules/global/:kind/:ruleId/enabled', session, {}, isPushRuleEnabled),
  put('/v3/pushrules/global/:kind/:ruleId/enabled', session, { body: EnabledBody }, setPushRuleEnabled),
  get('/v3/pushrules/global/:kind/:ruleId/actions', session, {}, getPushRuleActions),
  put('/v3/pushrules/global/:kind/:ruleId/actions', session, { body: ActionsBody }, setPushRuleActions),

  // Client config
  get('/v3/user/:userId/account_data/:type', session, {}, getAccountData),
  put('/v3/user/:userId/account_data/:type', session, { body: AccountData }, setAccountData),
  get('/v3/user/:userId/rooms/:roomId/account_data/:type', session, {}, getRoomAccountData),
  put('/v3/user/:userId/rooms/:roomId/account_data/:type', session, { body: anyObject }, setRoomAccountData),
  del('/unstable/org.matrix.msc3391/user/:userId/account_data/:type', session, {}, deleteAccountData),
  del('/unstable/org.matrix.msc3391/user/:userId/rooms/:roomId/account_data/:type', session, {}, deleteRoomAccountData),
  get('/v3/user/:userId/rooms/:roomId/tags', session, {}, listTags),
  put('/v3/user/:userId/rooms/:roomId/tags/:tag', session, { body: TagBody }, setTag),
  del('/v3/user/:userId/rooms/:roomId/tags/:tag', session, {}, removeTag),

  ...refusedApi,
];
