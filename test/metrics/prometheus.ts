// A real Prometheus that scrapes what a test names, every second, with the alerts of the chart; and promtool.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { stringify } from 'yaml';
import { freePorts } from '../support/free-port.ts';

/** The chart. */
export const CHART = path.resolve(import.meta.dirname, '..', '..', 'charts', 'weir');
/** The alerts of the chart. */
export const ALERTS = path.join(CHART, 'rules', 'alerts.yaml');

/** A scrape target: a job with the addresses (`host:port`) of its processes. */
export interface Job {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** A series of a result. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Target {
  readonly health: string;
  readonly lastError: string;
}

export class Prometheus {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #port: number;
  #output = '';

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    const args = ['--config.file', 'prometheus.yaml', '--storage.tsdb.path', 'data', '--web.listen-address', `127.0.0.1:${port}`];
    // The kernel kills it when the test ends, also when the test is killed.
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', 'prometheus', ...args, '--log.level', 'warn'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
  }

  /** `history`: samples of the past that it has from the start, in OpenMetrics. */
  static async start(jobs: readonly Job[], history = ''): Promise<Prometheus> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-prometheus-'));
    if (history !== '') backfill(folder, history);
    const scrapes = jobs.map(({ name, addresses }) => ({
      job_name: name,
      static_configs: [{ targets: addresses, labels: { namespace: 'weir-system' } }],
    }));
    const config = { global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: [ALERTS], scrape_configs: scrapes };
    writeFileSync(path.join(folder, 'prometheus.yaml'), stringify(config));
    const [port = 0] = await freePorts(1);
    return new Prometheus(folder, port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What it has said, for the message of a failed test. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when it answers questions. */
  async ready(): Promise<void> {
    const isReady = () => request(`${this.url}/-/ready`).then(async ({ statusCode, body }) => body.dump().then(() => statusCode === 200));
    while (!(await isReady().catch(() => false))) {
      if (this.#process.exitCode !== null) throw new Error(this.#output);
      await delay(20);
    }
  }

  /** The series that an expression has now; none while Prometheus is not ready. */
  async query(expression: string): Promise<readonly Series[]> {
    const answer = await this.#ask<{ readonly result: readonly Series[] }>(`/api/v1/query?query=${encodeURIComponent(expression)}`);
    return answer?.result ?? [];
  }

  /** Why targets cannot be scraped: one text each. */
  async troubles(): Promise<readonly string[]> {
    const answer = await this.#ask<{ readonly activeTargets: readonly Target[] }>('/api/v1/targets');
    return answer?.activeTargets.filter(({ health }) => health !== 'up').map(({ lastError }) => lastError) ?? ['not ready'];
  }

  /** Rules that cannot be evaluated. */
  async badRules(): Promise<readonly string[]> {
    const answer = await this.#ask<{ readonly groups: readonly { readonly rules: readonly { name: string; health: string }[] }[] }>(
      '/api/v1/rules',
    );
    return answer?.groups.flatMap(({ rules }) => rules.filter(({ health }) => health !== 'ok').map(({ name }) => name)) ?? ['not ready'];
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'close');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Null while it does not answer. */
  async #ask<Data>(target: string): Promise<Data | null> {
    try {
      const { body } = await request(`http://127.0.0.1:${this.#port}${target}`);
      const answer = (await body.json()) as { readonly data?: Data; readonly error?: string };
      if (answer.error !== undefined) throw new Error(`${target}: ${answer.error}`);
      return answer.data ?? null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return null;
      throw error;
    }
  }
}

function backfill(folder: string, history: string): void {
  writeFileSync(path.join(folder, 'history.txt'), history);
  const args = ['tsdb', 'create-blocks-from', 'openmetrics', 'history.txt', 'data'];
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
}

/** What promtool says of an exposition; '' where nothing is to be said. */
export function checkMetrics(text: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

/** A query of a panel. */
export interface PanelQuery {
  readonly panel: string;
  readonly expression: string;
}

/** All queries of a dashboard of the chart, for every namespace, job, Gateway and backend. */
export function queriesOf(dashboard: string): readonly PanelQuery[] {
  const { title, panels } = JSON.parse(readFileSync(path.join(CHART, 'dashboards', dashboard), 'utf8')) as {
    readonly title: string;
    readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  };
  return panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr }) => ({
      panel: `${title}: ${panel.title}`,
      expression: expr.replaceAll('$__rate_interval', '20s').replaceAll(/\$(namespace|job|gateway|backend)\b/g, '.*'),
    })),
  );
}
