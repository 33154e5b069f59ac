// A PostgreSQL server for one test: its own folder and port, as a user other than root, which the server refuses.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePorts } from './free-port.ts';

/** Debian installs the programs beside each other, by release. */
const RELEASES = '/usr/lib/postgresql';
/** The user id of the server if the test runs as root: PostgreSQL refuses to run as root. */
const USER = 65_534;
/** The password of the database user. */
export const PASSWORD = 'a p@ss:word/?';

/** The folder with the programs of the newest installed release; '' without one. */
export function postgresPrograms(): string {
  const releases = existsSync(RELEASES) ? readdirSync(RELEASES).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = releases.map((release) => path.join(RELEASES, release, 'bin'));
  return folders.find((folder) => existsSync(path.join(folder, 'postgres'))) ?? '';
}

export class Postgres {
  readonly #folder: string;
  readonly port: number;
  /** The log of the server up to now. */
  #output = '';
  #server: ChildProcess | null = null;
  #paused: readonly number[] = [];

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** Creates an empty database and starts the server. */
  static async start(): Promise<Postgres> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-postgres-'));
    const password = path.join(folder, 'password');
    writeFileSync(password, PASSWORD);
    if (isRoot()) [folder, password].forEach((each) => chownSync(each, USER, USER));
    const [port = 0] = await freePorts(1);
    const postgres = new Postgres(folder, port);
    try {
      const options = ['--username=weir', '--auth=scram-sha-256', `--pwfile=${password}`, '--no-sync', '--no-locale', '--encoding=UTF8'];
      postgres.#run('initdb', ['-D', postgres.#data, ...options]);
      await postgres.restart();
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    return postgres;
  }

  /** Without a password. */
  get url(): string {
    return `postgres://weir@127.0.0.1:${this.port}/postgres`;
  }

  /** Starts the server after `kill`. Resolves once it takes connections. */
  async restart(): Promise<void> {
    const options = ['-c', 'listen_addresses=127.0.0.1', '-p', String(this.port), '-k', this.#folder, '-c', 'shared_buffers=16MB'];
    const [command, ...args] = asUser([path.join(postgresPrograms(), 'postgres'), '-D', this.#data, ...options]);
    const from = this.#output.length;
    const server = spawn('setpriv', ['--pdeathsig', 'KILL', command ?? '', ...args], { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    this.#server = server;
    const exit = once(server, 'exit');
    server.stderr.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    while (!this.#output.slice(from).includes('database system is ready')) {
      if (server.exitCode !== null) throw new Error(`postgres ended:\n${this.#output}`);
      await Promise.race([once(server.stderr, 'data'), exit]);
    }
  }

  /** Kills the server with all its processes, like a crash. Resolves once all of them are gone. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === null || server.exitCode !== null) return;
    // SIGQUIT ends all processes at once, without a checkpoint. After SIGKILL they would outlive the first one and keep its memory.
    const exit = once(server, 'exit');
    this.resume();
    server.kill('SIGQUIT');
    await exit;
    this.#server = null;
  }

  /** Stops all processes of the server without ending them, so that connections stay open and nothing answers. */
  pause(): void {
    this.#paused = this.#processes();
    for (const pid of this.#paused) process.kill(pid, 'SIGSTOP');
  }

  resume(): void {
    for (const pid of this.#paused) process.kill(pid, 'SIGCONT');
    this.#paused = [];
  }

  /** Runs a statement as the owner. */
  query(sql: string): string {
    const env = { ...process.env, PGPASSWORD: PASSWORD };
    const args = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'weir', '-d', 'postgres', '-Atqc', sql];
    return execFileSync(path.join(postgresPrograms(), 'psql'), args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The first process, before the others that it starts. */
  #processes(): readonly number[] {
    const pid = this.#server?.pid;
    if (pid === undefined) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return [pid, ...children.filter((each) => each !== '').map(Number)];
  }

  get #data(): string {
    return path.join(this.#folder, 'data');
  }

  #run(program: string, args: readonly string[]): void {
    const [command = '', ...rest] = asUser([path.join(postgresPrograms(), program), ...args]);
    execFileSync(command, rest, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function asUser(command: readonly string[]): readonly string[] {
  return isRoot() ? ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', ...command] : command;
}
