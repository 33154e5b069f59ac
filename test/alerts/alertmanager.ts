// A real Alertmanager for tests, built from its Go module once per version.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { freePorts } from '../support/free-port.ts';
import { moduleTool } from '../support/go-tool.ts';

export const ALERTMANAGER = moduleTool('alertmanager', '0.28.1', ['github.com/prometheus/alertmanager/cmd/alertmanager']);

const CONFIG = 'route: { receiver: none }\nreceivers: [{ name: none }]\n';

/** An alert as its API shows it. */
export interface ManagedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly status: { readonly state: string };
  readonly endsAt: string;
}

export class Alertmanager {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#folder = folder;
    const args = [
      '--config.file=config.yaml',
      '--storage.path=data',
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ];
    // The kernel kills it when the test ends, also when the test is killed.
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', path.join(ALERTMANAGER.folder, 'alertmanager'), ...args], {
      cwd: folder,
      stdio: 'ignore',
    });
  }

  static async start(): Promise<Alertmanager> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-alertmanager-'));
    writeFileSync(path.join(folder, 'config.yaml'), CONFIG);
    const [port = 0] = await freePorts(1);
    return new Alertmanager(folder, port);
  }

  /** The alerts that it has; null while it does not answer. */
  async alerts(): Promise<readonly ManagedAlert[] | null> {
    try {
      const { body } = await request(`${this.url}/api/v2/alerts`);
      return (await body.json()) as readonly ManagedAlert[];
    } catch {
      return null;
    }
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'close');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
