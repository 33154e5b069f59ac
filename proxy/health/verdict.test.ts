// The health of a target from the outcomes of its probes.
import { expect, test } from '@jest/globals';
import { Verdict } from './verdict.ts';

/** The health after each outcome: + passed, - failed. */
function healthAfter(outcomes: string, healthyThreshold: number, unhealthyThreshold: number): string {
  const verdict = new Verdict({ healthyThreshold, unhealthyThreshold });
  const letters = Array.from(outcomes, (outcome) => {
    verdict.take(outcome === '+');
    return verdict.health === 'healthy' ? 'h' : 'u';
  });
  return letters.join('');
}

test.each([
  ['the first outcome decides at once', '+', 3, 3, 'h'],
  ['also if it fails', '-', 3, 3, 'u'],
  ['failures in a row make it unhealthy', '+---', 1, 3, 'hhhu'],
  ['a success between them starts the count again', '+--+--', 1, 3, 'hhhhhh'],
  ['successes in a row make it healthy', '-++', 2, 1, 'uuh'],
  ['a failure between them starts the count again', '-+-++', 2, 1, 'uuuuh'],
  ['thresholds of 1 follow each outcome', '+-+-', 1, 1, 'huhu'],
])('%s', (_, outcomes, healthy, unhealthy, expected) => {
  expect(healthAfter(outcomes, healthy, unhealthy)).toBe(expected);
});
