// A real ACME server for tests: Pebble, with its DNS server, both built from their Go module once per version.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { TestCa, type IssuedFiles } from '../support/certificates.ts';
import { freePorts } from '../support/free-port.ts';
import { moduleTool } from '../support/go-tool.ts';

const MODULE = 'github.com/letsencrypt/pebble/v2/cmd';
export const PEBBLE = moduleTool('pebble', '2.10.3', [`${MODULE}/pebble`, `${MODULE}/pebble-challtestsrv`]);

const ORDERS = /There are now (\d+) orders in the db/g;

/** Options of the server. */
export interface PebbleOptions {
  /** The ports of this machine that stand for 80 and 443 of every host. */
  readonly httpPort?: number;
  readonly tlsPort?: number;
  /** Lifetime of certificates, seconds. */
  readonly lifetime?: number;
  /** A key that accounts have to be bound to: its name, and the key in base64url. */
  readonly binding?: { readonly keyId: string; readonly key: string };
}

export class Pebble {
  readonly httpPort: number;
  readonly tlsPort: number;
  readonly #folder: string;
  readonly #options: PebbleOptions;
  readonly #ca: TestCa;
  readonly #certificate: IssuedFiles;
  readonly #ports: Readonly<Record<'acme' | 'management' | 'dns' | 'dnsManagement', number>>;
  readonly #agent: Agent;
  #processes: ChildProcess[] = [];
  #output = '';

  private constructor(options: PebbleOptions, ca: TestCa, certificate: IssuedFiles, ports: readonly number[]) {
    const [acme = 0, management = 0, dns = 0, dnsManagement = 0, http = 0, tls = 0] = ports;
    this.#options = options;
    this.#ca = ca;
    this.#certificate = certificate;
    this.#ports = { acme, management, dns, dnsManagement };
    this.httpPort = options.httpPort ?? http;
    this.tlsPort = options.tlsPort ?? tls;
    this.#folder = mkdtempSync(path.join(os.tmpdir(), 'weir-pebble-'));
    this.#agent = new Agent({ connect: { rejectUnauthorized: false } });
  }

  /** Resolves once the server answers. */
  static async start(options: PebbleOptions = {}): Promise<Pebble> {
    const ca = await TestCa.create();
    const certificate = await ca.issue('pebble', 'IP:127.0.0.1');
    const pebble = new Pebble(options, ca, certificate, await freePorts(6));
    await pebble.resume();
    return pebble;
  }

  /** The URL of the directory. */
  get directory(): string {
    return `https://127.0.0.1:${this.#ports.acme}/dir`;
  }

  /** The file with the CA of the server's own certificate. */
  get authority(): string {
    return this.#ca.certificate;
  }

  /** What the server has written. */
  get output(): string {
    return this.#output;
  }

  /** Starts the server; it has forgotten everything. */
  async resume(): Promise<void> {
    const file = path.join(this.#folder, 'pebble.json');
    writeFileSync(file, JSON.stringify(this.#config()));
    const { dns, dnsManagement } = this.#ports;
    const resolver = ['-dnsserver', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`];
    const others = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', '', '-defaultIPv6', '', '-defaultIPv4', '127.0.0.1'];
    const server = ['-config', file, '-dnsserver', `127.0.0.1:${dns}`, '-strict'];
    this.#processes = [this.#spawn('pebble-challtestsrv', [...resolver, ...others]), this.#spawn('pebble', server)];
    while ((await this.#ask(this.directory)) === null) await delay(20);
    while ((await this.setTxt('ready.test.', '')) === null) await delay(20);
  }

  /** Kills the server. */
  async kill(): Promise<void> {
    const processes = this.#processes;
    this.#processes = [];
    const over = processes.map((each) => once(each, 'close'));
    for (const each of processes) each.kill('SIGKILL');
    await Promise.all(over);
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#agent.close();
    await this.#ca.remove();
    rmSync(this.#folder, { recursive: true });
  }

  /** The certificates of the issuing CAs, PEM. They are others after each start. */
  async roots(): Promise<string> {
    return (await this.#ask(`https://127.0.0.1:${this.#ports.management}/roots/0`)) ?? '';
  }

  /** Publishes a TXT record; '' removes those of the name. */
  setTxt(host: string, value: string): Promise<string | null> {
    const url = `http://127.0.0.1:${this.#ports.dnsManagement}/${value === '' ? 'clear-txt' : 'set-txt'}`;
    return this.#ask(url, JSON.stringify(value === '' ? { host } : { host, value }));
  }

  /** Sets the address of a name. */
  setAddress(host: string, address: string): Promise<string | null> {
    return this.#ask(`http://127.0.0.1:${this.#ports.dnsManagement}/add-a`, JSON.stringify({ host, addresses: [address] }));
  }

  /** How many orders it has had since its start. */
  get orders(): number {
    return Number([...this.#output.matchAll(ORDERS)].at(-1)?.[1] ?? 0);
  }

  /** The name has no address any more. */
  loseName(host: string): Promise<string | null> {
    return this.#ask(`http://127.0.0.1:${this.#ports.dnsManagement}/set-servfail`, JSON.stringify({ host }));
  }

  /** Sets the window of renewal of a certificate (PEM, RFC 9773). */
  renewNow(certificate: string, window: { readonly start: string; readonly end: string }): Promise<string | null> {
    const body = { certificate, ariResponse: JSON.stringify({ suggestedWindow: window }) };
    return this.#ask(`https://127.0.0.1:${this.#ports.management}/set-renewal-info/`, JSON.stringify(body));
  }

  #spawn(program: string, flags: readonly string[]): ChildProcess {
    const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20', PEBBLE_AUTHZREUSE: '0' };
    // The kernel kills it when the test ends, also when the test is killed.
    const command = ['--pdeathsig', 'KILL', path.join(PEBBLE.folder, program), ...flags];
    const started = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'], env });
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
    return started;
  }

  async #ask(url: string, body?: string): Promise<string | null> {
    try {
      const answer = await request(url, {
        dispatcher: this.#agent,
        headers: { 'user-agent': 'test' },
        method: body === undefined ? 'GET' : 'POST',
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.body.text();
      return answer.statusCode === 200 ? text : null;
    } catch {
      return null;
    }
  }

  #config(): object {
    const { lifetime = 7_776_000, binding } = this.#options;
    const bound =
      binding === undefined ? {} : { externalAccountBindingRequired: true, externalAccountMACKeys: { [binding.keyId]: binding.key } };
    return {
      pebble: {
        listenAddress: `127.0.0.1:${this.#ports.acme}`,
        managementListenAddress: `127.0.0.1:${this.#ports.management}`,
        certificate: this.#certificate.certificate,
        privateKey: this.#certificate.privateKey,
        httpPort: this.httpPort,
        tlsPort: this.tlsPort,
        ocspResponderURL: '',
        ...bound,
        retryAfter: { authz: 1, order: 1 },
        profiles: { default: { description: 'the profile of the tests', validityPeriod: lifetime } },
      },
    };
  }
}
