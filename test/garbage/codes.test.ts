// Garbage, truncation and resets in every phase of every protocol: each counts as one failure with one documented code, and has one log
// line with that code.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { LIVES } from './lives.ts';
import type { Life } from './lives.ts';
import { Rig } from './rig.ts';

const DOCUMENTED = ['errors', 'listeners', 'metrics']
  .map((name) => readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', `${name}.md`), 'utf8'))
  .join('\n');
/** Failures of requests and of passed-through connections have one line each in the access log. */
const LOGGED = /^weir_(errors|stream_failures)_total /;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(true);
});
afterAll(() => rig.close());

describe.each(Object.entries(LIVES))('%s', (_, lives) => {
  test.each(lives.map((life) => [life.what, life] as const))('%s', async (_what, life) => {
    const before = rig.failures();
    await rig.live(life);
    await rig.settled();
    const more = [...rig.failures()].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
    const counted = Object.fromEntries(more.filter(([, count]) => count !== 0));
    expect(counted).toEqual(Object.fromEntries(life.counts.map((name) => [name, 1])));
    for (const name of life.counts) expect(DOCUMENTED).toContain(`\`${name.split(' ').at(-1)}\``);
  });

  test('each is a line of the log', async () => {
    const codes = lives.flatMap(loggedCodes);
    expect(await rig.errorsLogged(codes.length)).toEqual(codes);
  });
});

function loggedCodes({ counts }: Life): string[] {
  return counts.filter((name) => LOGGED.test(name)).map((name) => name.split(' ')[1] as string);
}
