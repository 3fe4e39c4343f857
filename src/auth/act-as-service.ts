import type { Clock } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { parseDeviceId, parseUserId } from '../matrix/identifiers.js';
import type { Database } from '../storage/database.js';
import type { AppService } from './app-services.js';
import { ensureDevice, findDevice, type SeenDevice, type SessionOfDevice } from './devices-store.js';
import { lockedOut } from './locked-out.js';
import type { Session } from './session.js';
import { findUser } from './users-store.js';

/** The device of each of its users on which a service acts that names none: what is sent once is sent once for a device. */
const NAMELESS = parseDeviceId('APPSERVICE');

interface Request {
  readonly ip: string;
  readonly userAgent: string | undefined;
  readonly evenLocked: boolean;
  readonly query: string;
}

/**
 * The user, and device, that an application service asks to act as: one that it covers and has itself registered, or its sender. It is
 * never a person (RULES B14) and never an administrator. https://spec.matrix.org/v1.19/application-service-api/#identity-assertion
 */
export async function actAsService({ db, clock }: { db: Database; clock: Clock }, service: AppService, { ip, userAgent, evenLocked, query }: Request): Promise<Omit<Session, symbol>> {
  const asked = new URLSearchParams(query);
  const userId = parseUserId(asked.get('user_id') ?? service.sender);
  if (!service.covers(userId)) throw forbidden('This user is in none of the namespaces of the application service');
  const user = await db.read((tx) => findUser(tx, userId));
  if (user === undefined || user.app_service_id !== service.id) throw forbidden('The application service has not registered this user');
  if (user.is_deactivated === 1) throw forbidden('This account has been deactivated');
  if (user.is_locked === 1 && !evenLocked) throw lockedOut();
  const named = asked.get('device_id') ?? asked.get('org.matrix.msc3202.device_id');
  const deviceId = named === null ? NAMELESS : parseDeviceId(named);
  const { device_nid: deviceNid, session_nid: sessionNid } = await deviceOf(db, { userNid: user.user_nid, deviceId, ip, userAgent, now: clock() });
  return {
    userNid: user.user_nid,
    userId,
    deviceNid,
    deviceId,
    sessionNid,
    isAdmin: false,
    isSuspended: user.is_suspended === 1,
    appService: { id: service.id, isRateLimited: service.isRateLimited },
  };
}

async function deviceOf(db: Database, device: Omit<SeenDevice, 'displayName'>): Promise<SessionOfDevice> {
  const known = await db.read((tx) => findDevice(tx, device.userNid, device.deviceId));
  if (known !== undefined) return known;
  if (device.deviceId !== NAMELESS) throw new MatrixError('M_UNKNOWN_DEVICE', 'This user has no such device');
  return db.transaction((tx) => ensureDevice(tx, { ...device, displayName: undefined }));
}
