// The process of `open-loop.ts`: one request at a time on each connection, and as many connections as requests are open.
import net from 'node:net';
import type { OpenLoop, OpenLoopClass, OpenLoopResult } from './open-loop.ts';

const { port, path, rate, seconds, criticalEvery, patience } = JSON.parse(process.argv[2] ?? '') as OpenLoop;
/** More open requests than that are not sent; they count as open. */
const MAX_CONNECTIONS = 10_000;

class Tally {
  due = 0;
  good = 0;
  late = 0;
  refused = 0;
  readonly #latencies: number[] = [];

  answered(status: string, ms: number): void {
    if (status !== '200') {
      this.refused++;
      return;
    }
    this.#latencies.push(ms);
    if (ms <= patience) this.good++;
    else this.late++;
  }

  result(): OpenLoopClass {
    const { due, good, late, refused } = this;
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    return { due, good, late, refused, open: due - good - late - refused, p50: at(0.5), p99: at(0.99) };
  }
}

const tallies = { critical: new Tally(), other: new Tally() };
const headOf = (priority: string): string => `GET ${path} HTTP/1.1\r\nhost: bench\r\nx-priority: ${priority}\r\n\r\n`;
const HEADS = { critical: headOf('critical'), other: headOf('default') };
const idle: Connection[] = [];
let open = 0;

class Connection {
  readonly #socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  #text = '';
  #tally: Tally | null = null;
  #dueAt = 0;

  constructor() {
    open++;
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk.latin1Slice()));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#closed());
  }

  send(kind: 'critical' | 'other', dueAt: number): void {
    this.#tally = tallies[kind];
    this.#dueAt = dueAt;
    this.#socket.write(HEADS[kind]);
  }

  #read(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#text.slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#text.length < end + 4 + length) return;
    this.#text = '';
    this.#tally?.answered(head.slice(9, 12), performance.now() - this.#dueAt);
    this.#tally = null;
    if (!/connection: close/i.test(head)) idle.push(this);
  }

  #closed(): void {
    open--;
    const place = idle.indexOf(this);
    if (place >= 0) idle.splice(place, 1);
    this.#tally?.answered('cut', 0);
  }
}

const startedAt = performance.now();
let sent = 0;

function start(): void {
  const now = performance.now();
  const elapsed = Math.min((now - startedAt) / 1_000, seconds);
  for (; sent < elapsed * rate; sent++) {
    const kind = sent % criticalEvery === 0 ? 'critical' : 'other';
    tallies[kind].due++;
    const connection = idle.pop() ?? (open < MAX_CONNECTIONS ? new Connection() : null);
    connection?.send(kind, startedAt + (sent / rate) * 1_000);
  }
  if (elapsed >= seconds) setTimeout(report, patience);
  else setTimeout(start, 1);
}

function report(): void {
  const result: OpenLoopResult = { critical: tallies.critical.result(), other: tallies.other.result() };
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

start();
