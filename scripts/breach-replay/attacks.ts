import { administrationAttacks } from './administration.js';
import { anonymousAttacks } from './anonymous.js';
import type { Attack } from './attack.js';
import { directoryAttacks } from './directory.js';
import { historyAttacks } from './history.js';
import { introductions } from './introductions.js';
import { keyAttacks } from './keys.js';
import { mediaAttacks } from './media.js';
import { oracleAttacks } from './oracles.js';
import { roomAttacks } from './rooms.js';
import { writingAttacks } from './writing.js';

/** Reading before entering, entering before writing, introductions last: what one attack wins must not be counted for another. */
export const attacks: readonly Attack[] = [
  ...historyAttacks, ...mediaAttacks, ...directoryAttacks, ...keyAttacks, ...anonymousAttacks, ...administrationAttacks, ...oracleAttacks,
  ...roomAttacks, ...writingAttacks, ...introductions,
];
