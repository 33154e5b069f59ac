// The messages of a call in stages: whatever the chunks, the compression and the pauses of the receiver, each message comes once, in order.
import { promisify } from 'node:util';
import { deflateSync, gunzip, gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StageOutlet } from './body-stage.ts';
import type { Headers } from './headers.ts';
import { messageFrame } from './message-frame.ts';
import { MessageStage, type CallMessage, type MessageStageOptions } from './message-stage.ts';
import { StagedBody } from './staged-body.ts';

const MAX = 5_000;
const REQUEST: MessageStageOptions = { direction: 'request', coding: 'gzip', maxBytes: MAX };

/** Passes messages on as they are, but for those that `change` has another one for. */
class Passing extends MessageStage {
  readonly seen: Buffer[] = [];
  readonly #change: (message: Buffer) => Buffer | null;

  constructor(options: Partial<MessageStageOptions> = {}, change: (message: Buffer) => Buffer | null = () => null) {
    super({ ...REQUEST, ...options });
    this.#change = change;
  }

  protected override message({ bytes, frame }: CallMessage, out: StageOutlet): boolean {
    this.seen.push(Buffer.from(bytes));
    const changed = this.#change(bytes);
    return out.data(changed === null ? frame : messageFrame(changed));
  }
}

/** What left the stage. */
interface Passed {
  readonly bytes: Buffer;
  readonly trailers: Headers | null;
  /** The code of an error, or the message of a bug; '' without one. */
  readonly failure: string;
}

/** Sends the chunks through the stage, to a receiver that is full after every `full`th chunk until a later turn. */
async function passed(stage: MessageStage, chunks: readonly Buffer[], full = 2): Promise<Passed> {
  const received: Buffer[] = [];
  const { promise: over, resolve } = Promise.withResolvers<Omit<Passed, 'bytes'>>();
  let goOn: () => void = () => undefined;
  let isPaused = false;
  const body = new StagedBody({
    pause: () => (isPaused = true),
    resume: () => {
      isPaused = false;
      goOn();
    },
    data: (chunk) => {
      received.push(Buffer.from(chunk));
      const room = received.length % full !== 0;
      if (!room) setImmediate(() => body.drained());
      return room;
    },
    end: (trailers) => resolve({ trailers, failure: '' }),
    fail: ({ code, detail }) => resolve({ trailers: null, failure: `${code}: ${detail}` }),
    failed: (bug) => resolve({ trailers: null, failure: String(bug) }),
  });
  body.add(stage);
  body.open();
  const feeding = feed();
  const outcome = await over;
  goOn();
  await feeding;
  body.stop();
  return { bytes: Buffer.concat(received), ...outcome };

  /** The buffer of a chunk is used again, as a codec does. */
  async function feed(): Promise<void> {
    for (const chunk of chunks) {
      if (isPaused) await new Promise<void>((resume) => (goOn = resume));
      const buffer = Buffer.from(chunk);
      body.data(buffer);
      buffer.fill(0xff);
    }
    body.end(['grpc-status', '0']);
  }
}

function compressed(message: Buffer, encode: (bytes: Buffer) => Buffer = gzipSync): Buffer {
  const frame = messageFrame(encode(message));
  frame[0] = 1;
  return frame;
}

/** Divides bytes into chunks of the given sizes, again and again. */
function divided(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const message = fc.tuple(
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 0, max: MAX - 100 }).map((size) => new Uint8Array(size)),
  ),
  fc.boolean(),
);

test('messages pass as they came, or changed without compression', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3_000 })), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (messages, sizes, full, changes) => {
        const contents = messages.map(([bytes]) => Buffer.from(bytes));
        const frames = messages.map(([bytes, isPacked]) => (isPacked ? compressed : messageFrame)(Buffer.from(bytes)));
        const changed = (content: Buffer): Buffer => Buffer.concat([Buffer.from('+'), content]);
        const stage = new Passing({}, changes ? changed : () => null);
        const { bytes, trailers, failure } = await passed(stage, divided(Buffer.concat(frames), sizes), full);
        expect(failure).toBe('');
        expect(trailers).toEqual(['grpc-status', '0']);
        expect(Buffer.concat(stage.seen).equals(Buffer.concat(contents))).toBe(true);
        const expected = changes ? contents.map((content) => messageFrame(changed(content))) : frames;
        expect(bytes.equals(Buffer.concat(expected))).toBe(true);
      },
    ),
    { numRuns: 400 },
  );
});

test('deflate is read, and identity where nothing is compressed', async () => {
  const stage = new Passing({ coding: 'deflate' });
  await passed(stage, [compressed(Buffer.from('packed'), deflateSync)]);
  expect(stage.seen.map(String)).toEqual(['packed']);
  const plain = await passed(new Passing({ coding: 'identity' }), [messageFrame(Buffer.from('plain'))]);
  expect(plain.failure).toBe('');
});

const BOMB = compressed(Buffer.alloc(MAX + 1));
const HUGE = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
const TOO_LARGE = 'a message is larger than the limit of the filter that reads it';

test.each([
  ['a length beyond the limit', HUGE, {}, `request_body_too_large: ${TOO_LARGE}`],
  ['a length beyond the limit in an answer', HUGE, { direction: 'answer' as const }, `answer_too_large: ${TOO_LARGE}`],
  ['a message that becomes larger than the limit', BOMB, {}, `request_body_too_large: ${TOO_LARGE}`],
  ['unknown flags', Buffer.from([2, 0, 0, 0, 0]), {}, 'grpc_message_malformed: a message has unknown flags'],
  ['bytes that are not gzip', Buffer.from([1, 0, 0, 0, 1, 7]), {}, 'grpc_message_malformed: a message does not have its coding'],
  ['a message without its end', Buffer.from([0, 0, 0, 0, 2, 7]), {}, 'grpc_message_malformed: the last message is not complete'],
  [
    'a prefix without its end',
    Buffer.from([0, 0]),
    { direction: 'answer' as const },
    'upstream_malformed: the last message is not complete',
  ],
  [
    'compression without a coding',
    compressed(Buffer.from('x')),
    { coding: null },
    'content_coding_refused: a message has a coding that the proxy does not read',
  ],
  [
    'an unknown coding in an answer',
    compressed(Buffer.from('x')),
    { coding: 'snappy', direction: 'answer' as const },
    'answer_unreadable: a message has a coding that the proxy does not read',
  ],
])('%s ends the call', async (_, bytes, options, failure) => {
  for (const size of [1, 4, bytes.length]) {
    const stage = new Passing(options);
    expect((await passed(stage, divided(Buffer.concat([messageFrame(Buffer.from('first')), bytes]), [size]))).failure).toBe(failure);
    expect(stage.seen.map(String)).toEqual(['first']);
  }
});

test('a bug in a filter ends only the exchange, also behind a decoded message', async () => {
  const stage = new Passing({}, () => {
    throw new Error('a bug');
  });
  expect((await passed(stage, [compressed(Buffer.from('x'))])).failure).toBe('Error: a bug');
});

test('nothing comes after the end of the exchange', async () => {
  const stage = new Passing();
  const body = new StagedBody({
    pause: () => undefined,
    resume: () => undefined,
    data: () => true,
    end: () => undefined,
    fail: () => undefined,
    failed: () => undefined,
  });
  body.add(stage);
  body.open();
  body.data(compressed(Buffer.from('x')));
  body.stop();
  // Begun after the one of the stage, so it ends after it.
  await promisify(gunzip)(gzipSync(Buffer.from('x')));
  await new Promise(setImmediate);
  body.data(messageFrame(Buffer.from('y')));
  expect(stage.seen).toEqual([]);
});
