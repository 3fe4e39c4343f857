import { anyObject, noBody } from '../matrix/schema.js';
import { AliasBody, getAlias, listAliases, removeAlias, setAlias } from '../rooms/aliases.js';
import { createRoom, CreateRoomBody } from '../rooms/create-room.js';
import { WriteQuery, sendOrDelayMessage, setOrDelayState, setOrDelayStateWithoutKey } from '../rooms/delay.js';
import { cancelDelayed, DelayedAction, getDelayed, listDelayed, restartDelayed, sendDelayed, updateDelayed } from '../rooms/delayed-events.js';
import { listJoinedMembers, listJoinedRooms, listMembers, MembersQuery } from '../rooms/members.js';
import {
  banUser,
  forgetRoom,
  InviteBody,
  inviteUser,
  JoinBody,
  joinRoom,
  joinRoomById,
  kickUser,
  knockRoom,
  leaveRoom,
  ReasonBody,
  TargetBody,
  unbanUser,
} from '../rooms/membership.js';
import { ContextQuery, getContext, getEvent, listMessages, MessagesQuery } from '../rooms/messages.js';
import {
  DirectoryVisibilityBody,
  getDirectoryVisibility,
  listPublicRooms,
  PublicRoomsBody,
  PublicRoomsQuery,
  setDirectoryVisibility,
} from '../rooms/public-rooms.js';
import { getHierarchy, HierarchyQuery } from '../rooms/hierarchy.js';
import { listRelations, listThreads, RelationsQuery, ThreadsQuery } from '../rooms/read-relations.js';
import { getState, getStateWithoutKey, listState, StateQuery } from '../rooms/read-state.js';
import { ReadMarkersBody, ReceiptBody, sendReceipt, setReadMarkers } from '../rooms/receipts.js';
import { redactMessage, RedactionBody } from '../rooms/redact.js';
import { ReportBody, reportEvent, reportRoom, reportUser } from '../rooms/reports.js';
import { SearchBody, searchEvents, SearchQuery } from '../rooms/search.js';
import { getSummary } from '../rooms/summary.js';
import { TimestampQuery, timestampToEvent } from '../rooms/timestamps.js';
import { setTyping, TypingBody } from '../rooms/typing.js';
import { UpgradeBody, upgradeRoom } from '../rooms/upgrade.js';
import { anyone, del, get, post, put, session, type Endpoint } from './endpoint.js';

const KIB = 1024;

export const roomsApi: readonly Endpoint[] = [
  // Events of a room
  get('/v3/rooms/:roomId/event/:eventId', session, {}, getEvent),
  get('/v3/rooms/:roomId/joined_members', session, {}, listJoinedMembers),
  get('/v3/rooms/:roomId/members', session, { query: MembersQuery }, listMembers),
  get('/v3/rooms/:roomId/state', session, {}, listState),
  get('/v3/rooms/:roomId/state/:eventType', session, { query: StateQuery }, getStateWithoutKey),
  get('/v3/rooms/:roomId/state/:eventType/:stateKey', session, { query: StateQuery }, getState),
  get('/v3/rooms/:roomId/messages', session, { query: MessagesQuery }, listMessages),
  get('/v3/rooms/:roomId/context/:eventId', session, { query: ContextQuery }, getContext),

  get('/v1/rooms/:roomId/timestamp_to_event', session, { query: TimestampQuery, aliases: ['/unstable/org.matrix.msc3030'] }, timestampToEvent),
  get('/v1/rooms/:roomId/relations/:eventId', session, { query: RelationsQuery, aliases: ['/unstable'] }, listRelations),
  get('/v1/rooms/:roomId/relations/:eventId/:relType', session, { query: RelationsQuery, aliases: ['/unstable'] }, listRelations),
  get('/v1/rooms/:roomId/relations/:eventId/:relType/:eventType', session, { query: RelationsQuery, aliases: ['/unstable'] }, listRelations),
  get('/v1/rooms/:roomId/threads', session, { query: ThreadsQuery, aliases: ['/unstable/org.matrix.msc3856'] }, listThreads),

  // Sending events to a room
  put('/v3/rooms/:roomId/state/:eventType', session, { body: anyObject, query: WriteQuery, limit: 'send', maxBody: 128 * KIB, activeOnly: true }, setOrDelayStateWithoutKey),
  put('/v3/rooms/:roomId/state/:eventType/:stateKey', session, { body: anyObject, query: WriteQuery, limit: 'send', maxBody: 128 * KIB, activeOnly: true }, setOrDelayState),
  put('/v3/rooms/:roomId/send/:eventType/:txnId', session, { body: anyObject, query: WriteQuery, limit: 'send', maxBody: 128 * KIB }, sendOrDelayMessage),
  put('/v3/rooms/:roomId/redact/:eventId/:txnId', session, { body: RedactionBody, limit: 'redact' }, redactMessage),

  // Events to be sent later; an id of one is the right to manage it
  get('/unstable/org.matrix.msc4140/delayed_events', session, { limit: 'delayed' }, listDelayed),
  get('/unstable/org.matrix.msc4140/delayed_events/:delayId', session, { limit: 'delayed' }, getDelayed),
  post('/unstable/org.matrix.msc4140/delayed_events/:delayId', anyone, { body: DelayedAction, limit: 'delayed' }, updateDelayed),
  post('/unstable/org.matrix.msc4140/delayed_events/:delayId/cancel', anyone, { body: noBody, limit: 'delayed' }, cancelDelayed),
  post('/unstable/org.matrix.msc4140/delayed_events/:delayId/restart', anyone, { body: noBody, limit: 'delayed' }, restartDelayed),
  post('/unstable/org.matrix.msc4140/delayed_events/:delayId/send', anyone, { body: noBody, limit: 'delayed' }, sendDelayed),

  // Rooms
  post('/v3/createRoom', session, { body: CreateRoomBody, limit: 'createRoom', maxBody: 1024 * KIB, activeOnly: true }, createRoom),
  get('/v3/directory/room/:roomAlias', session, {}, getAlias),
  put('/v3/directory/room/:roomAlias', session, { body: AliasBody, limit: 'send', activeOnly: true }, setAlias),
  del('/v3/directory/room/:roomAlias', session, { activeOnly: true }, removeAlias),
  get('/v3/rooms/:roomId/aliases', session, {}, listAliases),

  get('/v1/rooms/:roomId/hierarchy', session, { query: HierarchyQuery, aliases: ['/unstable/org.matrix.msc2946'] }, getHierarchy),
  get('/v1/room_summary/:roomIdOrAlias', session, {}, getSummary),
  get('/unstable/im.nheko.summary/summary/:roomIdOrAlias', session, {}, getSummary),
  get('/unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary', session, {}, getSummary),
  post('/v3/rooms/:roomId/upgrade', session, { body: UpgradeBody, limit: 'createRoom', activeOnly: true }, upgradeRoom),

  // Room membership
  get('/v3/joined_rooms', session, {}, listJoinedRooms),
  post('/v3/rooms/:roomId/invite', session, { body: InviteBody, activeOnly: true }, inviteUser),
  post('/v3/rooms/:roomId/join', session, { body: JoinBody, limit: 'join', activeOnly: true }, joinRoomById),
  post('/v3/join/:roomIdOrAlias', session, { body: JoinBody, limit: 'join', activeOnly: true }, joinRoom),
  post('/v3/knock/:roomIdOrAlias', session, { body: ReasonBody, limit: 'join', activeOnly: true }, knockRoom),
  post('/v3/rooms/:roomId/leave', session, { body: ReasonBody }, leaveRoom),
  post('/v3/rooms/:roomId/forget', session, { body: noBody }, forgetRoom),
  post('/v3/rooms/:roomId/kick', session, { body: TargetBody, limit: 'send', activeOnly: true }, kickUser),
  post('/v3/rooms/:roomId/ban', session, { body: TargetBody, limit: 'send', activeOnly: true }, banUser),
  post('/v3/rooms/:roomId/unban', session, { body: TargetBody, limit: 'send', activeOnly: true }, unbanUser),

  // Published rooms, of which there are none, and search, which finds nothing
  get('/v3/directory/list/room/:roomId', session, {}, getDirectoryVisibility),
  put('/v3/directory/list/room/:roomId', session, { body: DirectoryVisibilityBody }, setDirectoryVisibility),
  get('/v3/publicRooms', session, { query: PublicRoomsQuery }, listPublicRooms),
  post('/v3/publicRooms', session, { body: PublicRoomsBody }, listPublicRooms),
  post('/v3/search', session, { body: SearchBody, query: SearchQuery }, searchEvents),

  // Reporting content
  post('/v3/rooms/:roomId/report', session, { body: ReportBody, limit: 'report' }, reportRoom),
  post('/v3/rooms/:roomId/report/:eventId', session, { body: ReportBody, limit: 'report' }, reportEvent),
  post('/v3/users/:userId/report', session, { body: ReportBody, limit: 'report' }, reportUser),

  // Typing notifications, receipts, read markers
  put('/v3/rooms/:roomId/typing/:userId', session, { body: TypingBody, activeOnly: true }, setTyping),
  post('/v3/rooms/:roomId/receipt/:receiptType/:eventId', session, { body: ReceiptBody }, sendReceipt),
  post('/v3/rooms/:roomId/read_markers', session, { body: ReadMarkersBody }, setReadMarkers),
];
