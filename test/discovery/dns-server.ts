// A resolver of a test in a process of its own, which can be killed and brought back on the same port.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { until } from '../support/until.ts';
import type { DnsRecord, Rcode } from './dns-message.ts';

/** What the resolver answers. The keys are `TYPE name`, or `all` for every question that fails. */
export interface Zone {
  readonly records: Readonly<Record<string, readonly DnsRecord[]>>;
  readonly failing: Readonly<Record<string, Exclude<Rcode, 'ok'> | 'silent' | 'garbage'>>;
}

interface Report {
  readonly port?: number;
  readonly asked?: string;
  readonly taken?: true;
}

export class DnsServer {
  readonly #host: string;
  #process: ChildProcess | null = null;
  #port = 0;
  #taken = 0;
  #zone: Zone = { records: {}, failing: {} };
  /** Every question since the start, like `A shop.test`. */
  readonly asked: string[] = [];

  constructor(host = '127.0.0.1') {
    this.#host = host;
  }

  /** `HOST:PORT`, also while the process is dead. */
  get address(): string {
    return `${this.#host}:${this.#port}`;
  }

  async start(): Promise<this> {
    const child = fork(path.join(import.meta.dirname, 'dns-process.ts'), [this.#host, String(this.#port)], { execPath: process.execPath });
    this.#process = child;
    const started = Promise.withResolvers<number>();
    child.on('message', ({ port, asked, taken }: Report) => {
      if (port !== undefined) started.resolve(port);
      if (asked !== undefined) this.asked.push(asked);
      if (taken === true) this.#taken++;
    });
    child.once('exit', () => started.reject(new Error('the resolver ended before it listened')));
    this.#port = await started.promise;
    await this.set(this.#zone);
    return this;
  }

  /** Sets all records; resolves once the resolver answers with them. */
  async set({ records = {}, failing = {} }: Partial<Zone>): Promise<void> {
    this.#zone = { records, failing };
    const taken = this.#taken;
    this.#process?.send({ zone: this.#zone });
    await until(() => this.#taken > taken, 'the resolver to take the records');
  }

  /** Sets the addresses of a name, and no other records. */
  addresses(name: string, addresses: readonly string[], ttl = 0): Promise<void> {
    return this.set({ records: { [`A ${name}`]: addresses.map((data) => ({ type: 'A', ttl, data })) } });
  }

  /** Resolves once the resolver has got this many more questions. */
  async askedAgain(count: number): Promise<void> {
    const wanted = this.asked.length + count;
    await until(() => this.asked.length >= wanted, `${count} more questions to the resolver`);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
