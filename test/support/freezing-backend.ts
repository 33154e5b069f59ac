// A backend that vanishes for its peers: its connections stay, nothing comes on them, and no other connection completes.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { closeLater } from './fixture.ts';
import { swallow } from './blackhole.ts';

const PROGRAM = path.join(import.meta.dirname, 'freezing-backend.mjs');

export class FreezingBackend {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Answers every path but `/never`. Ends with the test. */
  static async start(protocol: 'http1' | 'http2'): Promise<FreezingBackend> {
    const child = spawn(process.execPath, [PROGRAM, protocol], { stdio: ['ignore', 'pipe', 'ignore'] });
    closeLater(() => child.kill('SIGKILL'));
    return new FreezingBackend(child, Number(String(((await once(child.stdout, 'data')) as [Buffer])[0])));
  }

  /** Resolves once no connection to it completes. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP');
    await swallow(this.port);
  }
}
