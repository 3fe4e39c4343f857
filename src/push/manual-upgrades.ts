import type { EventObserver } from '../rooms/append.js';
import { replacementClosed } from '../rooms/replaced.js';
import { rulesFollowUpgrades } from './rulesets.js';

/**
 * A room may be replaced by hand: another is founded that names it as its predecessor, and then its tombstone names the other.
 * Rules follow there too. https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export const rulesFollowTombstones: EventObserver = {
  async onEvent(tx, event) {
    if (event.type !== 'm.room.tombstone' || event.stateKey !== '') return;
    const replacement = await replacementClosed(tx, event);
    if (replacement !== undefined) await rulesFollowUpgrades.onUpgrade(tx, { roomNid: replacement.from.nid, from: replacement.from.id, to: replacement.to.id });
  },
};
