import {
  BackupKey,
  BackupQuery,
  BackupRoom,
  BackupRooms,
  deleteBackupKey,
  deleteBackupKeys,
  deleteBackupRoom,
  getBackupKey,
  getBackupKeys,
  getBackupRoom,
  putBackupKey,
  putBackupKeys,
  putBackupRoom,
} from '../e2ee/backup-keys.js';
import { claimKeys, KeysClaim } from '../e2ee/claim-keys.js';
import {
  DehydratedDevice,
  deleteDehydratedDevice,
  EventsBody,
  EventsQuery,
  getDehydratedDevice,
  listDehydratedEvents,
  putDehydratedDevice,
  takeDehydratedEvents,
} from '../e2ee/dehydrated-devices.js';
import { KeyChangesQuery, listKeyChanges } from '../e2ee/device-lists.js';
import { BackupUpdate, createBackup, deleteBackup, getBackup, getNewestBackup, NewBackup, updateBackup } from '../e2ee/key-backups.js';
import { KeysQuery, queryKeys } from '../e2ee/query-keys.js';
import { sendToDevice, ToDevice } from '../e2ee/to-device.js';
import { KeysUpload, uploadKeys } from '../e2ee/upload-keys.js';
import { SignaturesUpload, uploadSignatures } from '../e2ee/upload-signatures.js';
import { SigningKeysUpload, uploadSigningKeys } from '../e2ee/upload-signing-keys.js';
import { del, get, post, put, session, type Endpoint } from './endpoint.js';

const MIB = 1024 * 1024;

/** https://spec.matrix.org/v1.19/client-server-api/#end-to-end-encryption */
export const encryptionApi: readonly Endpoint[] = [
  put('/v3/sendToDevice/:eventType/:txnId', session, { body: ToDevice, maxBody: 16 * MIB }, sendToDevice),
  post('/v3/keys/upload', session, { body: KeysUpload, maxBody: MIB }, uploadKeys),
  post('/v3/keys/query', session, { body: KeysQuery, maxBody: MIB }, queryKeys),
  post('/v3/keys/claim', session, { body: KeysClaim, maxBody: MIB }, claimKeys),
  get('/v3/keys/changes', session, { query: KeyChangesQuery }, listKeyChanges),
  post('/v3/keys/device_signing/upload', session, { body: SigningKeysUpload, aliases: ['/unstable'] }, uploadSigningKeys),
  post('/v3/keys/signatures/upload', session, { body: SignaturesUpload, maxBody: MIB, aliases: ['/unstable'] }, uploadSignatures),

  // Dehydrated devices (MSC3814)
  get('/unstable/org.matrix.msc3814.v1/dehydrated_device', session, {}, getDehydratedDevice),
  put('/unstable/org.matrix.msc3814.v1/dehydrated_device', session, { body: DehydratedDevice, maxBody: MIB }, putDehydratedDevice),
  del('/unstable/org.matrix.msc3814.v1/dehydrated_device', session, {}, deleteDehydratedDevice),
  get('/unstable/org.matrix.msc3814.v1/dehydrated_device/:deviceId/events', session, { query: EventsQuery }, listDehydratedEvents),
  post('/unstable/org.matrix.msc3814.v1/dehydrated_device/:deviceId/events', session, { body: EventsBody }, takeDehydratedEvents),

  // Server-side key backups
  get('/v3/room_keys/version', session, {}, getNewestBackup),
  post('/v3/room_keys/version', session, { body: NewBackup }, createBackup),
  get('/v3/room_keys/version/:version', session, {}, getBackup),
  put('/v3/room_keys/version/:version', session, { body: BackupUpdate }, updateBackup),
  del('/v3/room_keys/version/:version', session, {}, deleteBackup),
  get('/v3/room_keys/keys', session, { query: BackupQuery }, getBackupKeys),
  put('/v3/room_keys/keys', session, { query: BackupQuery, body: BackupRooms, maxBody: 32 * MIB }, putBackupKeys),
  del('/v3/room_keys/keys', session, { query: BackupQuery }, deleteBackupKeys),
  get('/v3/room_keys/keys/:roomId', session, { query: BackupQuery }, getBackupRoom),
  put('/v3/room_keys/keys/:roomId', session, { query: BackupQuery, body: BackupRoom, maxBody: 32 * MIB }, putBackupRoom),
  del('/v3/room_keys/keys/:roomId', session, { query: BackupQuery }, deleteBackupRoom),
  get('/v3/room_keys/keys/:roomId/:sessionId', session, { query: BackupQuery }, getBackupKey),
  put('/v3/room_keys/keys/:roomId/:sessionId', session, { query: BackupQuery, body: BackupKey }, putBackupKey),
  del('/v3/room_keys/keys/:roomId/:sessionId', session, { query: BackupQuery }, deleteBackupKey),
];
