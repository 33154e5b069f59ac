// SETTINGS: ours and those of the peer (RFC 9113 section 6.5).
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { H1Settings } from '../h1/settings.ts';
import type { Limits } from '../../exchange/limits.ts';
import type { RefusedConnections } from '../../exchange/refused-connections.ts';
import type { ConnectionFailure } from './connection-failures.ts';
import type { FloodCounts } from './floods.ts';
import { CODE, DEFAULT_WINDOW, FLAG, FRAME, FRAME_HEADER, MAX_FRAME_SIZE, MAX_WINDOW, PREFACE, readUint32 } from './frames.ts';
import type { Frame } from './frames.ts';

/** The settings of a connection at both ends. */
export interface ConnectionSettings {
  readonly limits: Limits;
  readonly wheel: TimerWheel;
  readonly floods: FloodCounts;
  /** Connections that ended because of errors of their peers. */
  readonly failures: RefusedConnections<ConnectionFailure>;
}

/** The additional settings of downstream connections. */
export type H2Settings = H1Settings & ConnectionSettings;

const HEADER_TABLE_SIZE = 1;
const ENABLE_PUSH = 2;
const MAX_CONCURRENT_STREAMS = 3;
const INITIAL_WINDOW_SIZE = 4;
const MAX_FRAME_SIZE_SETTING = 5;
const MAX_HEADER_LIST_SIZE = 6;
/** RFC 8441 section 3. */
const ENABLE_CONNECT_PROTOCOL = 8;
const ENTRY_BYTES = 6;
/** The largest payload that a peer may ask for. */
const LARGEST_FRAME = 0xff_ffff;

/** The acknowledgement of a peer's settings. */
export const SETTINGS_ACK = frameOf(FLAG.ack, []);

/** The first frames of a server: our settings, and the rest of a window that they cannot express. */
export function serverPreface(limits: Limits): Buffer {
  const settings = frameOf(0, [
    [MAX_CONCURRENT_STREAMS, limits.maxStreamsPerConnection],
    [INITIAL_WINDOW_SIZE, Math.min(limits.streamWindowBytes, MAX_WINDOW)],
    [MAX_HEADER_LIST_SIZE, limits.maxHeadBytes],
    [ENABLE_CONNECT_PROTOCOL, 1],
  ]);
  return withWindow(settings, limits);
}

/** The first frames of a client: the server must not push. */
export function clientPreface(limits: Limits): Buffer {
  const settings = frameOf(0, [
    [ENABLE_PUSH, 0],
    [INITIAL_WINDOW_SIZE, Math.min(limits.streamWindowBytes, MAX_WINDOW)],
    [MAX_HEADER_LIST_SIZE, limits.maxResponseHeadBytes],
  ]);
  return Buffer.concat([PREFACE, withWindow(settings, limits)]);
}

function withWindow(settings: Buffer, limits: Limits): Buffer {
  const more = connectionWindow(limits) - DEFAULT_WINDOW;
  if (more <= 0) return settings;
  const update = Buffer.from([0, 0, 4, FRAME.windowUpdate, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  update.writeUInt32BE(more, FRAME_HEADER);
  return Buffer.concat([settings, update]);
}

/** The receive window of a connection: at least the initial window. */
export function connectionWindow(limits: Limits): number {
  return Math.min(MAX_WINDOW, Math.max(DEFAULT_WINDOW, limits.connectionWindowBytes));
}

/** The same for a stream. A peer that does not know our settings yet may fill the initial window. */
export function streamWindow(limits: Limits): number {
  return Math.min(MAX_WINDOW, Math.max(DEFAULT_WINDOW, limits.streamWindowBytes));
}

function frameOf(flags: number, entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const length = entries.length * ENTRY_BYTES;
  const frame = Buffer.alloc(FRAME_HEADER + length);
  frame.writeUIntBE(length, 0, 3);
  frame[3] = FRAME.settings;
  frame[4] = flags;
  entries.forEach(([id, value], i) => {
    frame.writeUInt16BE(id, FRAME_HEADER + i * ENTRY_BYTES);
    frame.writeUInt32BE(value, FRAME_HEADER + i * ENTRY_BYTES + 2);
  });
  return frame;
}

/** The peer's settings. Its largest frame is only validated: we send no larger frame than every peer must accept. */
export class PeerSettings {
  initialWindow = DEFAULT_WINDOW;
  headerTableSize = 4_096;
  /** The maximum number of open streams. Section 6.5.2: unlimited until the peer sets one. */
  maxStreams = Infinity;
  /** Whether settings have arrived, and whether they allow CONNECT with a protocol. */
  known = false;
  extendedConnect = false;

  /** Applies a SETTINGS frame that is not an acknowledgement. Returns an error code, or CODE.noError. */
  take(frame: Frame): number {
    if (frame.length % ENTRY_BYTES !== 0) return CODE.frameSizeError;
    this.known = true;
    for (let at = frame.start; at < frame.end; at += ENTRY_BYTES) {
      const id = frame.buffer.readUInt16BE(at);
      const error = this.#takeEntry(id, readUint32(frame.buffer, at + 2));
      if (error !== CODE.noError) return error;
    }
    return CODE.noError;
  }

  /** RFC 8441 section 3: once allowed, it stays allowed. */
  #takeExtendedConnect(value: number): number {
    if (value > 1 || (value === 0 && this.extendedConnect)) return CODE.protocolError;
    this.extendedConnect = value === 1;
    return CODE.noError;
  }

  #takeEntry(id: number, value: number): number {
    switch (id) {
      case HEADER_TABLE_SIZE:
        this.headerTableSize = value;
        return CODE.noError;
      case ENABLE_PUSH:
        return takePush(value);
      case MAX_CONCURRENT_STREAMS:
        this.maxStreams = value;
        return CODE.noError;
      case INITIAL_WINDOW_SIZE:
        this.initialWindow = value;
        return value > MAX_WINDOW ? CODE.flowControlError : CODE.noError;
      case MAX_FRAME_SIZE_SETTING:
        return value < MAX_FRAME_SIZE || value > LARGEST_FRAME ? CODE.protocolError : CODE.noError;
      case ENABLE_CONNECT_PROTOCOL:
        return this.#takeExtendedConnect(value);
      default:
        return CODE.noError;
    }
  }
}

function takePush(value: number): number {
  return value > 1 ? CODE.protocolError : CODE.noError;
}
