import type { Database } from '../storage/database.js';
import type { Notifier } from '../storage/stream.js';
import { Acknowledgements } from './acknowledge.js';
import { KeyCounts } from './key-counts.js';
import { LazyMembers } from './lazy-members.js';
import { MyRooms } from './my-rooms.js';
import { RoomRows } from './room-rows.js';
import { SharedTimelines } from './shared-timelines.js';
import { UnwantedOf } from './unwanted.js';

/** What /sync remembers from one poll to the next; at first nothing. */
export function syncMemories(db: Database, notifier: Notifier) {
  return {
    myRooms: new MyRooms(notifier),
    keyCounts: new KeyCounts(notifier),
    sharedTimelines: new SharedTimelines(),
    roomRows: new RoomRows(),
    lazyMembers: new LazyMembers(),
    unwanted: new UnwantedOf(notifier),
    acknowledgements: new Acknowledgements(db),
  };
}
