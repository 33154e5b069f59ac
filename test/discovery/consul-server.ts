// A real Consul for tests: one server with its data in a folder, so that it can be killed and started again. Built from its Go module once
// per version; `test/discovery/consul-agent` has the program.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Agent, request } from 'undici';
import { freePorts } from '../support/free-port.ts';
import { sourceTool } from '../support/go-tool.ts';

const BUILD = ['build', '-buildvcs=false', '-ldflags', '-s -w', '-o', 'consul', '.'];
export const CONSUL = sourceTool('consul', path.join(import.meta.dirname, 'consul-agent'), [BUILD]);

/** The token that may do everything, if the server checks tokens. */
export const ROOT_TOKEN = '00000000-0000-4000-8000-000000000001';

/** An instance to register. */
export interface Registration {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly weights?: { readonly passing: number; readonly warning: number };
  /** The state of a check of the instance; absent means that there is none. */
  readonly status?: 'passing' | 'warning' | 'critical';
}

/** Options of the server. */
export interface ConsulOptions {
  /** Requests need a token. */
  readonly acl?: boolean;
  /** PEM files; with `ca` a client needs a certificate. HTTP is off then. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca: string };
}

export class ConsulServer {
  readonly #folder: string;
  readonly #options: ConsulOptions;
  readonly #ports: readonly number[];
  #process: ChildProcess | null = null;
  #output = '';
  readonly #agent: Agent;

  private constructor(folder: string, ports: readonly number[], options: ConsulOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#ports = ports;
    const { tls } = options;
    this.#agent = new Agent(tls === undefined ? {} : { connect: { ca: tls.ca, cert: tls.certificate, key: tls.key } });
  }

  /** Resolves once the server has a leader. */
  static async start(options: ConsulOptions = {}): Promise<ConsulServer> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-consul-'));
    const server = new ConsulServer(folder, await freePorts(3), options);
    await server.resume();
    return server;
  }

  /** The URL of its API. */
  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#ports[0]}`;
  }

  /** Starts the server again with the data it had. */
  async resume(): Promise<void> {
    const file = path.join(this.#folder, 'config.json');
    writeFileSync(file, JSON.stringify(this.#config()));
    // The kernel kills it when the test ends, also when the test is killed.
    const command = ['--pdeathsig', 'KILL', path.join(CONSUL.folder, 'consul'), '-config-file', file];
    const started = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
    this.#process = started;
    while (!(await this.#hasLeader())) {
      if (started.exitCode !== null) throw new Error(`Consul ended with ${started.exitCode}:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Kills the server; its data stay. */
  async kill(): Promise<void> {
    if (this.#process === null || this.#process.exitCode !== null) return;
    const over = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await over;
    this.#process = null;
  }

  /** Suspends the process, which then holds its connections and answers nothing; `SIGCONT` continues it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#agent.destroy();
    rmSync(this.#folder, { recursive: true });
  }

  async register({ id, name, address, port, tags = [], meta = {}, weights, status }: Registration): Promise<void> {
    const check = status === undefined ? {} : { Check: { CheckID: `check:${id}`, TTL: '10m', Status: status } };
    const shares = weights === undefined ? {} : { Weights: { Passing: weights.passing, Warning: weights.warning } };
    const body = { ID: id, Name: name, Address: address, Port: port, Tags: tags, Meta: meta, ...shares, ...check };
    await this.ask('PUT', '/v1/agent/service/register', body);
  }

  async deregister(id: string): Promise<void> {
    await this.ask('PUT', `/v1/agent/service/deregister/${id}`);
  }

  /** Sets the state of the check of an instance. */
  async check(id: string, status: 'passing' | 'warning' | 'critical'): Promise<void> {
    await this.ask('PUT', `/v1/agent/check/update/check:${id}`, { Status: status });
  }

  /** Calls the API with the root token; rejects without success. */
  async ask(method: 'GET' | 'PUT', target: string, body?: unknown): Promise<unknown> {
    const answer = await request(`${this.url}${target}`, {
      method,
      headers: { 'x-consul-token': this.#options.acl === true ? ROOT_TOKEN : '' },
      dispatcher: this.#agent,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`Consul answers ${method} ${target} with ${answer.statusCode}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  async #hasLeader(): Promise<boolean> {
    try {
      return (await this.ask('GET', '/v1/status/leader')) !== '' && (await this.ask('GET', '/v1/health/service/consul')) !== null;
    } catch {
      return false;
    }
  }

  #config(): unknown {
    const [api, serf, server] = this.#ports;
    const { acl = false, tls } = this.#options;
    const file = (name: string, text: string): string => {
      writeFileSync(path.join(this.#folder, name), text);
      return path.join(this.#folder, name);
    };
    const https = tls && {
      defaults: { cert_file: file('tls.crt', tls.certificate), key_file: file('tls.key', tls.key), ca_file: file('ca.crt', tls.ca) },
      https: { verify_incoming: true },
      internal_rpc: { verify_incoming: false, verify_outgoing: false },
    };
    return {
      server: true,
      bootstrap_expect: 1,
      node_name: 'test',
      data_dir: path.join(this.#folder, 'data'),
      bind_addr: '127.0.0.1',
      client_addr: '127.0.0.1',
      ports: {
        http: tls === undefined ? api : -1,
        https: tls === undefined ? -1 : api,
        serf_lan: serf,
        server,
        serf_wan: -1,
        dns: -1,
        grpc: -1,
        grpc_tls: -1,
      },
      // Elections as fast as in production.
      performance: { raft_multiplier: 1 },
      disable_update_check: true,
      log_level: 'warn',
      ...(https === undefined ? {} : { tls: https }),
      ...(acl ? { acl: { enabled: true, default_policy: 'deny', tokens: { initial_management: ROOT_TOKEN, agent: ROOT_TOKEN } } } : {}),
    };
  }
}
