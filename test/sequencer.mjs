// The order of test files, for jest: the longest first, so that none of them is left to run alone at the end. Jest orders the rest, by
// what it remembers of earlier runs, which is nothing on a machine of CI.
import Sequencer from '@jest/test-sequencer';
import { rankOf } from './groups.ts';

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((a, b) => rankOf(a.path) - rankOf(b.path));
  }
}
