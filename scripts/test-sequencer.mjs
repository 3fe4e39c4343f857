import { basename } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** The files that take longest. */
const longest = [
  'walk', 'conversation', 'breach-replay', 'crash', 'directory-timing', 'construction-rules-configuration', 'construction-rules-faults', 'fuzz', 'media-timing',
  'rooms-delayed-events', 'errors-bad-input',
].map((name) => `${name}.test.ts`);

/** Begins with the longest files: on a machine that has not timed them yet, one that came last would run on with the other cores idle. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const place = longest.indexOf(basename(path));
      return place < 0 ? longest.length : place;
    };
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
