// Signs of life in streams of events: the client reads the same events, whatever the chunks of the backend are.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StageOutlet } from '../../exchange/body-stage.ts';
import { HeartbeatStage } from './heartbeat-stage.ts';

interface Event {
  readonly type: string;
  readonly data: string;
  readonly id: string;
}

/** As the HTML standard reads a stream (section 9.2.6). */
function eventsOf(stream: Buffer): readonly Event[] {
  const text = new TextDecoder('utf-8').decode(stream);
  const events: Event[] = [];
  let [data, type, id] = [[] as string[], '', ''];
  const lines = text.split(/\r\n|\n|\r/);
  for (const line of lines.slice(0, -1)) {
    const [, name = '', value = ''] = /^([^:]*)(?::(?: ?)(.*))?$/s.exec(line) ?? [];
    if (name === 'data') data.push(value);
    else if (name === 'event') type = value;
    else if (name === 'id') id = value;
    if (line !== '') continue;
    if (data.length > 0) events.push({ type, data: data.join('\n'), id });
    [data, type] = [[], ''];
  }
  return events;
}

/** What passes the stage, with a look before and after each chunk. */
function passed(chunks: readonly Buffer[]): { readonly bytes: Buffer; readonly comments: number } {
  const output: Buffer[] = [];
  let comments = 0;
  const out: StageOutlet = {
    data: (chunk) => {
      output.push(Buffer.from(chunk));
      return true;
    },
    end: () => undefined,
    ready: () => undefined,
    leave: () => false,
    fail: () => undefined,
    failed: () => undefined,
  };
  const stage = new HeartbeatStage({ add: () => undefined, delete: () => undefined });
  const look = (): void => {
    const before = output.length;
    stage.look(performance.now(), 0);
    comments += output.length - before;
  };
  stage.begin(out);
  look();
  for (const chunk of chunks) {
    stage.data(chunk, out);
    look();
  }
  return { bytes: Buffer.concat(output), comments };
}

const END = fc.constantFrom('\n', '\r', '\r\n');
const LINE = fc.oneof(
  fc.constantFrom('data: a', 'data:', 'data', 'id: 1', 'event: x', ': note', 'retry: 1', ''),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, ' ')}`),
);
const STREAM = fc
  .tuple(fc.boolean(), fc.array(fc.tuple(LINE, END)))
  .map(([isMarked, lines]) => Buffer.from(`${isMarked ? '\ufeff' : ''}${lines.map((parts) => parts.join('')).join('')}`));

test('comments change no event, with any ends of lines and any chunks', () => {
  fc.assert(
    fc.property(STREAM, fc.array(fc.nat(200)), (stream, cuts) => {
      const places = [...new Set([0, ...cuts.filter((cut) => cut > 3 && cut < stream.length), stream.length])].sort((a, b) => a - b);
      const chunks = places.slice(1).map((end, i) => stream.subarray(places[i], end));
      expect(eventsOf(passed(chunks).bytes)).toEqual(eventsOf(stream));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  [[], 1],
  [['data: 1\n'], 1],
  [['data: 1\n', '\n'], 2],
  [['data: 1\r\n'], 1],
  [['data: 1\r\n\r\n'], 2],
  [['data: 1\r', '\r'], 2],
  [['data: 1\n\nda'], 1],
  [['data: 1\n\nda', 'ta: 2\n\n'], 2],
])('comments come between events only: %j', (chunks, comments) => {
  expect(passed(chunks.map((text) => Buffer.from(text))).comments).toBe(comments);
});
