// Frames that pass through: unchanged with any splits; frames that violate a rule or a limit are stopped.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import { FrameScanner } from './scanner.ts';

const UNLIMITED = { maxFrameBytes: 0, maxMessageBytes: 0 };

interface Shape {
  readonly first: number;
  readonly payload: Buffer;
  readonly masked?: boolean;
  /** The bytes of the length, in the shortest form by default. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** A length in 1, 3 or 9 bytes, with the mask bit. */
function lengthOf(octets: number, mask: number, lengthBytes: 0 | 2 | 8): Buffer {
  const length = Buffer.alloc(1 + lengthBytes);
  length[0] = mask | (lengthBytes === 0 ? octets : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) length.writeUInt16BE(octets, 1);
  if (lengthBytes === 8) length.writeBigUInt64BE(BigInt(octets), 1);
  return length;
}

function shortest(octets: number): 0 | 2 | 8 {
  if (octets < 126) return 0;
  return octets < 65_536 ? 2 : 8;
}

function frame({ first, payload, masked = true, lengthBytes = shortest(payload.length) }: Shape): Buffer {
  const length = lengthOf(payload.length, masked ? 0x80 : 0, lengthBytes);
  return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(masked ? 4 : 0, 0x55), payload]);
}

function text(bytes: number, first = 0x81, masked = true): Buffer {
  return frame({ first, payload: Buffer.alloc(bytes, 'x'), masked });
}

/** Scans pieces; returns the bytes that passed, and the error. */
function scan(scanner: FrameScanner, pieces: readonly Buffer[]): { readonly passed: Buffer; readonly error: ExchangeError | null } {
  const passed: Buffer[] = [];
  for (const piece of pieces) {
    const error = scanner.scan(piece);
    passed.push(scanner.before, piece.subarray(0, scanner.passed));
    if (error !== null) return { passed: Buffer.concat(passed), error };
  }
  return { passed: Buffer.concat(passed), error: null };
}

function cutAt(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}

const bytewise = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.from([byte]));

const control = fc
  .tuple(fc.constantFrom(0x89, 0x8a), fc.integer({ min: 0, max: 125 }))
  .map(([first, length]) => frame({ first, payload: Buffer.alloc(length, 1) }));
/** A message in fragments, with control frames between them. */
const message = fc
  .tuple(
    fc.constantFrom(0x1, 0x2),
    fc.array(fc.tuple(fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536), fc.array(control, { maxLength: 2 })), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([opcode, pieces]) =>
    Buffer.concat(
      pieces.flatMap(([length, controls], i) => {
        const first = (i === 0 ? opcode : 0) | (i === pieces.length - 1 ? 0x80 : 0);
        return i === pieces.length - 1 ? [...controls, text(length, first)] : [text(length, first), ...controls];
      }),
    ),
  );

describe('a valid message', () => {
  test('passes unchanged with any splits', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 3 }),
        fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 20 }),
        (messages, sizes) => {
          const bytes = Buffer.concat([...messages, frame({ first: 0x88, payload: Buffer.from([0x0f, 0xa1]) })]);
          const scanner = new FrameScanner('client', false, UNLIMITED);
          const { passed, error } = scan(scanner, cutAt(bytes, sizes));
          expect(error).toBeNull();
          expect(passed.equals(bytes)).toBe(true);
          expect([scanner.atBoundary, scanner.closed]).toEqual([true, true]);
        },
      ),
    );
  });

  test('passes byte by byte', () => {
    const bytes = Buffer.concat([text(300, 0x01), text(0, 0x89), text(70_000, 0x80)]);
    expect(scan(new FrameScanner('client', false, UNLIMITED), bytewise(bytes)).passed.equals(bytes)).toBe(true);
  });

  test('may be as large as the limits, and no larger', () => {
    const limits = { maxFrameBytes: 100, maxMessageBytes: 150 };
    const pass = (...frames: readonly Buffer[]) => scan(new FrameScanner('client', false, limits), [Buffer.concat(frames)]);
    expect(pass(text(100, 0x01), text(50, 0x80), text(100))).toMatchObject({ error: null });
    const first = text(100, 0x01);
    expect(pass(first, text(51, 0x80))).toEqual({ passed: first, error: ERRORS.webSocketTooLarge });
    expect(pass(text(101))).toEqual({ passed: Buffer.alloc(0), error: ERRORS.webSocketTooLarge });
  });

  test('endless fragments end at the limit', () => {
    const scanner = new FrameScanner('client', false, { maxFrameBytes: 0, maxMessageBytes: 1_000 });
    expect(scanner.scan(text(1, 0x01))).toBeNull();
    let pieces = 1;
    while (scanner.scan(text(1, 0x00)) === null) pieces++;
    expect(pieces).toBe(1_000);
  });

  test('a length above the limit is refused before the first byte of the payload', () => {
    const header = Buffer.from([0x82, 0xff, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]);
    const scanner = new FrameScanner('client', false, { maxFrameBytes: 10, maxMessageBytes: 0 });
    expect(scan(scanner, [header])).toEqual({ passed: Buffer.alloc(0), error: ERRORS.webSocketTooLarge });
    expect(scanner.atBoundary).toBe(true);
  });
});

describe('a violation of the protocol', () => {
  test.each<[string, Buffer]>([
    ['a client that does not mask', text(5, 0x81, false)],
    ['a continuation of nothing', text(5, 0x80)],
    ['a second message within one', Buffer.concat([text(5, 0x01), text(5, 0x81)])],
    ['an unknown opcode', text(5, 0x83)],
    ['an unknown control opcode', text(5, 0x8b)],
    ['a reserved bit', text(5, 0xa1)],
    ['compression without negotiation', text(5, 0xc1)],
    ['a control frame in pieces', text(5, 0x09)],
    ['a control frame that is too long', text(126, 0x89)],
    ['a close frame with half a status', text(1, 0x88)],
    ['a frame behind a close frame', Buffer.concat([text(2, 0x88), text(1)])],
    ['a length in two bytes that has one', frame({ first: 0x81, payload: Buffer.alloc(5), lengthBytes: 2 })],
    ['a length in eight bytes that has two', frame({ first: 0x81, payload: Buffer.alloc(300), lengthBytes: 8 })],
    ['a length beyond numbers', Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4])],
  ])('%s', (_, bytes) => {
    for (const pieces of [[bytes], bytewise(bytes)]) {
      const scanner = new FrameScanner('client', false, UNLIMITED);
      expect(scan(scanner, pieces).error).toBe(ERRORS.webSocketMalformed);
      expect(scanner.atBoundary).toBe(true);
    }
  });

  test('a server that masks', () => {
    expect(new FrameScanner('server', false, UNLIMITED).scan(text(5))).toBe(ERRORS.webSocketMalformed);
    expect(new FrameScanner('server', false, UNLIMITED).scan(text(5, 0x81, false))).toBeNull();
  });

  test('negotiated compression, but not on a continuation', () => {
    const scanner = new FrameScanner('client', true, UNLIMITED);
    expect(scanner.scan(text(5, 0x41))).toBeNull();
    expect(scanner.scan(text(5, 0xc0))).toBe(ERRORS.webSocketMalformed);
  });
});

describe('the close code', () => {
  const close = (payload: Buffer, masked: boolean): Buffer =>
    frame({ first: 0x88, payload: masked ? Buffer.from(payload.map((byte) => byte ^ 0x55)) : payload, masked });
  test.each<[string, Buffer, number]>([
    ['of a frame that has one', Buffer.from([0x0f, 0xa1]), 4_001],
    ['with a reason behind it', Buffer.from([0x03, 0xe8, ...Buffer.from('bye')]), 1_000],
    ['of a frame without', Buffer.alloc(0), 1_005],
  ])('%s, masked or not, with any split', (_, payload, code) => {
    for (const masked of [true, false]) {
      const scanner = new FrameScanner(masked ? 'client' : 'server', false, UNLIMITED);
      for (const byte of bytewise(close(payload, masked))) {
        expect(scanner.closeCode).toBe(0);
        expect(scanner.scan(byte)).toBeNull();
        if (scanner.closeCode !== 0) break;
      }
      expect(scanner.closeCode).toBe(code);
      expect(scanner.closed).toBe(true);
    }
  });
});
