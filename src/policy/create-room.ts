import { nothing, violation, type Violation } from './violation.js';

/** A1, A13: what a client may not even ask of `createRoom`. */
export function createRoomViolations(body: { preset?: string; visibility?: string; invite_3pid?: readonly unknown[] }): readonly Violation[] {
  return [
    ...(body.preset === 'public_chat' || body.visibility === 'public' ? violation('A1', 'This server has no public rooms') : nothing),
    ...(body.invite_3pid !== undefined && body.invite_3pid.length > 0
      ? violation('A13', 'This server sends no invitations to e-mail addresses or telephone numbers', 'M_THREEPID_DENIED')
      : nothing),
  ];
}
