// `weir up` as a process with two workers, and an operator who asks it with `weir` and reads its status.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FleetStatus } from '../../controller/telemetry/status.ts';
import { Child, runWeir } from './child.ts';
import { freePorts } from './free-port.ts';
import { backendWithRoute, gateway, gatewayClass } from './objects.ts';

const DEADLINE_MS = 30_000;

export class OperatedWeir {
  readonly #folder: string;
  readonly #child: Child;
  readonly #ports: readonly number[];

  private constructor(folder: string, child: Child, ports: readonly number[]) {
    this.#folder = folder;
    this.#child = child;
    this.#ports = ports;
  }

  /** Starts it with a Gateway `gw`, these objects and further flags. */
  static async start(objects: readonly object[], ...flags: readonly string[]): Promise<OperatedWeir> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-operated-'));
    const ports = await freePorts(2);
    const items = [gatewayClass(), gateway('gw', [{ name: 'http', port: ports[0] as number }]), ...objects];
    writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const fixed = ['--access-log', 'off', '--store', 'off', '--admin-port', String(ports[1])];
    const own = flags.indexOf('--workers');
    const workers = own < 0 ? 2 : Number(flags[own + 1]);
    const child = new Child(['up', folder, ...fixed, ...(own < 0 ? ['--workers', '2'] : []), ...flags]);
    await child.printed(/serving; stop with/);
    // A process that died meanwhile is replaced, and its successor must serve too.
    if (workers > 1) await child.printed(new RegExp(`(?:a worker serves[^]*?){${workers}}`));
    return new OperatedWeir(folder, child, ports);
  }

  async stop(): Promise<void> {
    await this.#child.stop('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Of the listener. */
  get port(): number {
    return this.#ports[0] as number;
  }

  /** Of the operations. */
  get adminPort(): number {
    return this.#ports[1] as number;
  }

  /** Runs `weir` against it. */
  async weir(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    const { code, stdout, stderr } = await runWeir([...args, '--controller', `127.0.0.1:${this.#ports[1]}`]);
    return { code, output: stdout + stderr };
  }

  /** Sends a request to the API for operators. */
  async operate(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }> {
    const request = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${this.#ports[1]}${path}`, { method, ...request });
    return { status: response.status, body: await response.json() };
  }

  async status(): Promise<FleetStatus> {
    const response = await fetch(`http://127.0.0.1:${this.#ports[1]}/status`);
    return (await response.json()) as FleetStatus;
  }

  /** The status once it shows something: reports come with an interval. */
  async statusWith(condition: (status: FleetStatus) => boolean): Promise<FleetStatus> {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const status = await this.status();
      if (condition(status)) return status;
      if (performance.now() > deadline) throw new Error(`waited in vain for another status than ${JSON.stringify(status)}`);
    }
  }

  /** Resolves once the log matches. */
  async printed(pattern: RegExp): Promise<void> {
    await this.#child.printed(pattern);
  }

  /** The lines of the log with this reason. */
  said(reason: string): readonly object[] {
    const lines = this.#child.output.split('\n').filter((line) => line.includes(`"reason":"${reason}"`));
    return lines.map((line) => JSON.parse(line) as object);
  }

  /** Sends requests until the log matches. */
  async askUntil(pattern: RegExp): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!pattern.test(this.#child.output)) {
      if (performance.now() > deadline) throw new Error(`waited in vain for ${pattern} in ${this.#child.output}`);
      await this.ask(1);
    }
  }

  /** What it has printed. */
  get output(): string {
    return this.#child.output;
  }

  /** Sends requests one after the other. */
  async ask(
    times: number,
    headers: Readonly<Record<string, string>> = {},
    path = '/',
    method = 'GET',
  ): Promise<readonly { readonly status: number; readonly body: string }[]> {
    const answers: { status: number; body: string }[] = [];
    for (let i = 0; i < times; i++) {
      const response = await fetch(`http://127.0.0.1:${this.#ports[0]}${path}`, { headers, method });
      answers.push({ status: response.status, body: await response.text() });
    }
    return answers;
  }
}

/** A Backend `app` at these ports of this machine, and a route to it. */
export function appAt(ports: readonly number[]): readonly object[] {
  return backendWithRoute('app', { endpoints: ports.map((port) => ({ ip: '127.0.0.1', port })) });
}
