// The connection to a syslog server: takes frames, keeps them in bounded memory while the server is slow or away, and drops and counts
// further ones. Nothing waits for it.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { Backoff } from '../backoff.ts';
import type { SyslogSettings } from './settings.ts';

/** The most bytes that wait. */
const MAX_WAITING_BYTES = 4_194_304;
/** Frames that are written together. */
const CHUNK_BYTES = 65_536;
/** Frames gather for so long. */
const GATHER_MS = 100;

export interface SenderTimes {
  /** Until a connection must be open, with its TLS. */
  readonly connectMs: number;
  /** Until the server must have taken what was written. */
  readonly writeMs: number;
  readonly minimumPauseMs: number;
  readonly maximumPauseMs: number;
}

const TIMES: SenderTimes = { connectMs: 10_000, writeMs: 30_000, minimumPauseMs: 500, maximumPauseMs: 30_000 };

export class SyslogSender {
  readonly #settings: SyslogSettings;
  readonly #times: SenderTimes;
  readonly #backoff: Backoff;
  readonly #problem: (message: string) => void;
  #frames: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  #sent = 0;
  /** Frames at the front that are being written. */
  #writing = 0;
  #socket: net.Socket | null = null;
  #isOpen = false;
  #timer: NodeJS.Timeout | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #closed: (() => void) | null = null;

  /** `problem`: called with the reason when a connection fails. */
  constructor(settings: SyslogSettings, problem: (message: string) => void = () => undefined, times = TIMES) {
    this.#settings = settings;
    this.#problem = problem;
    this.#times = times;
    this.#backoff = new Backoff({ minimum: times.minimumPauseMs, maximum: times.maximumPauseMs });
  }

  /** Frames that got lost here. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Frames that the kernel has taken. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a frame, or drops it. */
  add(frame: Buffer): void {
    if (this.#closed !== null || this.#bytes + frame.length > MAX_WAITING_BYTES) {
      this.#dropped++;
      return;
    }
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#writing > 0 || (this.#socket !== null && !this.#isOpen)) return;
    if (this.#bytes >= CHUNK_BYTES && this.#timer === null) this.#pump();
    else this.#timer ??= setTimeout(this.#due, GATHER_MS).unref();
  }

  readonly #due = (): void => {
    this.#timer = null;
    this.#pump();
  };

  #pump(): void {
    if (this.#writing > 0 || this.#timer !== null) return;
    if (this.#frames.length === 0) return this.#closed?.();
    if (this.#socket === null) return this.#connect();
    if (this.#isOpen) this.#write(this.#socket);
  }

  #connect(): void {
    const { host, port } = this.#settings;
    const open = (): void => {
      this.#isOpen = true;
      this.#clearDeadline();
      this.#pump();
    };
    try {
      this.#socket = this.#settings.tls ? tls.connect({ ...this.#tlsOptions(), host, port }, open) : net.connect({ host, port }, open);
    } catch (error) {
      return this.#failed(error as Error);
    }
    const socket = this.#socket;
    socket.unref();
    // A syslog server sends nothing; what comes is not kept.
    socket.resume();
    socket.on('error', (error) => this.#lost(socket, error));
    socket.on('close', () => this.#lost(socket, new Error('the server has closed the connection')));
    this.#startDeadline(socket, this.#times.connectMs);
  }

  #tlsOptions(): tls.ConnectionOptions {
    const { host, caFile } = this.#settings;
    return { ...(caFile === '' ? {} : { ca: readFileSync(caFile) }), ...(net.isIP(host) === 0 ? { servername: host } : {}) };
  }

  #write(socket: net.Socket): void {
    let count = 0;
    let bytes = 0;
    while (count < this.#frames.length && bytes < CHUNK_BYTES) bytes += (this.#frames[count++] as Buffer).length;
    this.#writing = count;
    this.#startDeadline(socket, this.#times.writeMs);
    socket.write(Buffer.concat(this.#frames.slice(0, count)), (error) => {
      if (error instanceof Error || this.#socket !== socket) return;
      this.#clearDeadline();
      this.#backoff.reset();
      this.#frames.splice(0, count);
      this.#bytes -= bytes;
      this.#sent += count;
      this.#writing = 0;
      this.#pump();
    });
  }

  #startDeadline(socket: net.Socket, ms: number): void {
    this.#clearDeadline();
    this.#deadline = setTimeout(() => socket.destroy(new Error(`the server has not answered or read for ${ms} ms`)), ms).unref();
  }

  #clearDeadline(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
  }

  /** What was being written is sent again: the server discards a part of a frame. */
  #lost(socket: net.Socket, error: Error): void {
    if (this.#socket !== socket) return;
    socket.destroy();
    this.#socket = null;
    this.#isOpen = false;
    this.#writing = 0;
    this.#clearDeadline();
    this.#failed(error);
  }

  #failed(error: Error): void {
    this.#problem(error.message);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#due, this.#backoff.next()).unref();
  }

  /** Sends what waits for up to `timeout` ms; the rest is dropped. False: something was. */
  async close(timeout: number): Promise<boolean> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(resolve, timeout);
    this.#closed = resolve;
    this.#socket?.ref();
    this.#pump();
    await promise;
    clearTimeout(late);
    const left = this.#frames.length;
    this.#dropped += left;
    this.#frames = [];
    this.#bytes = 0;
    const socket = this.#socket;
    this.#socket = null;
    this.#clearDeadline();
    socket?.end();
    socket?.destroySoon();
    if (this.#timer !== null) clearTimeout(this.#timer);
    return left === 0;
  }
}
