// Frames of hostile clients, and messages in every cut.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FAULT, MessageReader } from './message-reader.ts';

const MASK = [0x12, 0x34, 0x56, 0x78];

interface FrameParts {
  readonly first: number;
  readonly payload?: Buffer;
  readonly mask?: readonly number[] | null;
  /** The length in place of the shortest form. */
  readonly length?: readonly number[];
}

function frame({ first, payload = Buffer.alloc(0), mask = MASK, length }: FrameParts): Buffer {
  const bit = mask === null ? 0 : 0x80;
  const form = length ?? shortest(payload.length);
  const masked = payload.map((octet, i) => octet ^ (mask === null ? 0 : (mask[i & 3] as number)));
  return Buffer.from([first, bit | (form[0] as number), ...form.slice(1), ...(mask ?? []), ...masked]);
}

function shortest(length: number): readonly number[] {
  if (length < 126) return [length];
  if (length < 65_536) return [126, length >> 8, length & 0xff];
  return [127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
}

/** What a reader says to these chunks: the messages, the pings, and the fault. */
function read(chunks: readonly Buffer[], max = 1_000): { said: unknown[]; fault: number; closeCode: number } {
  const said: unknown[] = [];
  const sink = {
    text: (message: string) => void said.push(message),
    ping: (payload: Buffer) => void said.push(['ping', payload.toString()]),
    pong: () => void said.push(['pong']),
  };
  const reader = new MessageReader(sink, max);
  let fault = 0;
  for (const chunk of chunks) if (fault === 0) fault = reader.read(chunk);
  return { said, fault, closeCode: reader.closeCode };
}

const text = (message: string, first = 0x81): Buffer => frame({ first, payload: Buffer.from(message) });
const close = (code: number, reason = ''): Buffer =>
  frame({ first: 0x88, payload: Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason, 'latin1')]) });

describe('a client that violates the protocol', () => {
  test.each<[string, Buffer, number]>([
    ['sends a frame without a mask', frame({ first: 0x81, payload: Buffer.from('a'), mask: null }), FAULT.protocol],
    ['sets the first reserved bit, as for permessage-deflate', frame({ first: 0xc1 }), FAULT.protocol],
    ['sets the second reserved bit', frame({ first: 0xa1 }), FAULT.protocol],
    ['sets the third reserved bit', frame({ first: 0x91 }), FAULT.protocol],
    ['sends an unknown opcode of data', frame({ first: 0x83 }), FAULT.protocol],
    ['sends an unknown opcode of control', frame({ first: 0x8b }), FAULT.protocol],
    ['continues a message that has not begun', frame({ first: 0x80 }), FAULT.protocol],
    ['begins a message within a message', Buffer.concat([text('a', 0x01), text('b', 0x81)]), FAULT.protocol],
    ['cuts a ping into frames', frame({ first: 0x09 }), FAULT.protocol],
    ['sends a ping of 126 bytes', frame({ first: 0x89, payload: Buffer.alloc(126) }), FAULT.protocol],
    ['sends a close frame of one byte', frame({ first: 0x88, payload: Buffer.from([3]) }), FAULT.protocol],
    ['writes a small length in two bytes', frame({ first: 0x81, payload: Buffer.from('a'), length: [126, 0, 1] }), FAULT.protocol],
    ['writes a small length in eight bytes', frame({ first: 0x81, length: [127, 0, 0, 0, 0, 0, 0, 0xff, 0xff] }), FAULT.protocol],
    ['writes a length of 2^63', frame({ first: 0x81, length: [127, 0x80, 0, 0, 0, 0, 0, 0, 0] }), FAULT.protocol],
    ['announces more than the limit', frame({ first: 0x81, length: [127, 0, 0, 0, 0, 0x40, 0, 0, 0] }), FAULT.tooLarge],
    ['sends more than the limit in frames', Buffer.concat([text('a'.repeat(600), 0x01), text('b'.repeat(600), 0x80)]), FAULT.tooLarge],
    ['sends a binary message', frame({ first: 0x82 }), FAULT.unsupported],
    ['sends text that is not UTF-8', frame({ first: 0x81, payload: Buffer.from([0xc0, 0xaf]) }), FAULT.notText],
    ['sends half of a surrogate', frame({ first: 0x81, payload: Buffer.from([0xed, 0xa0, 0x80]) }), FAULT.notText],
    ['gives a reason that is not UTF-8', close(1_000, '\xff'), FAULT.notText],
    ...[0, 999, 1_004, 1_005, 1_006, 1_015, 1_016, 2_999, 5_000, 65_535].map((code): [string, Buffer, number] => [
      `closes with ${code}`,
      close(code),
      FAULT.protocol,
    ]),
  ])('%s', (_, bytes, fault) => {
    expect(read([bytes]).fault).toBe(fault);
    expect(read([...bytes].map((octet) => Buffer.from([octet]))).fault).toBe(fault);
  });

  test('gets no memory for a frame that is too large', () => {
    const huge = frame({ first: 0x81, length: [127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff] });
    expect(read([huge]).fault).toBe(FAULT.tooLarge);
  });

  test('is not heard after its close frame', () => {
    expect(read([Buffer.concat([close(1_000, 'bye'), text('late')])])).toEqual({ said: [], fault: 0, closeCode: 1_000 });
  });
});

describe('a client that keeps to the protocol', () => {
  test('may cut a message into frames, with pings between them', () => {
    const bytes = [
      text('a', 0x01),
      frame({ first: 0x89, payload: Buffer.from('p') }),
      text('', 0x00),
      text('b', 0x80),
      frame({ first: 0x8a }),
    ];
    expect(read(bytes).said).toEqual([['ping', 'p'], 'ab', ['pong']]);
  });

  test('may cut a character between two frames', () => {
    const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
    expect(read([frame({ first: 0x01, payload: first }), frame({ first: 0x80, payload: second })]).said).toEqual(['é']);
  });

  test('may close without a status, and with one of its own', () => {
    expect([read([frame({ first: 0x88 })]).closeCode, read([close(4_321)]).closeCode]).toEqual([1_005, 4_321]);
  });

  test('is read the same in all cuts of its bytes', () => {
    const messages = fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map((each) => text(each)));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) chunks.push(bytes.subarray(at, (at += cuts[i % cuts.length] as number)));
        expect(read(chunks, 10_000)).toEqual({ said: sent.map((each) => each.toWellFormed()), fault: 0, closeCode: 0 });
      }),
      { numRuns: 200 },
    );
  });
});
