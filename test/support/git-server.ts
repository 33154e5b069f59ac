// A git server over HTTPS for a test: `git http-backend` behind TLS, with one bare repository, and the API of a provider beside it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { TestCa } from './certificates.ts';

/** A request to the API of the provider. */
export interface ApiRequest {
  readonly path: string;
  readonly authorization: string;
  readonly body: unknown;
}

export class GitServer {
  readonly user = 'weir-admin';
  readonly token = 'hush-token-of-git';
  readonly api: ApiRequest[] = [];
  readonly caFile: string;
  readonly tokenFile: string;
  /** Answers a request in place of git; null: git answers. */
  misbehave: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  readonly #ca: TestCa;
  readonly #folder: string;
  readonly #server: https.Server;

  private constructor(ca: TestCa, folder: string, server: https.Server) {
    this.#ca = ca;
    this.#folder = folder;
    this.#server = server;
    this.caFile = ca.certificate;
    this.tokenFile = path.join(folder, 'token');
  }

  /** With a repository `shop/config.git` of these files. */
  static async start(files: Readonly<Record<string, string>>): Promise<GitServer> {
    const ca = await TestCa.create();
    const { certificate, privateKey } = await ca.issue('localhost', 'DNS:localhost');
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-git-'));
    const server = https.createServer({ cert: readFileSync(certificate), key: readFileSync(privateKey) });
    const own = new GitServer(ca, folder, server);
    server.on('request', (request, response) => void own.#answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await writeFile(own.tokenFile, `${own.token}\n`);
    await own.#make(files);
    return own;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}/shop/config.git`;
  }

  /** Removes what was pushed, and answers as git again. */
  clear(): void {
    rmSync(path.join(this.#bare, 'refs', 'heads', 'weir'), { recursive: true, force: true });
    this.api.length = 0;
    this.misbehave = null;
  }

  async #make(files: Readonly<Record<string, string>>): Promise<void> {
    const [work, bare] = [path.join(this.#folder, 'work'), this.#bare];
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(work, name)), { recursive: true });
      await writeFile(path.join(work, name), content);
    }
    const git = (...args: readonly string[]) => execFileSync('git', ['-C', work, ...args], { env: this.#environment, stdio: 'pipe' });
    git('init', '-q', '-b', 'main');
    git('add', '-A');
    git('commit', '-q', '-m', 'first');
    git('commit', '-q', '--allow-empty', '-m', 'second');
    await mkdir(path.dirname(bare), { recursive: true });
    execFileSync('git', ['clone', '-q', '--bare', work, bare], { env: this.#environment, stdio: 'pipe' });
    execFileSync('git', ['-C', bare, 'config', 'http.receivepack', 'true'], { env: this.#environment });
  }

  /** What git says about the repository: `git.show('main:shop.yaml')`. */
  git(...args: readonly string[]): string {
    return execFileSync('git', ['-C', this.#bare, ...args], { env: this.#environment, encoding: 'utf8' });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
    await this.#ca.remove();
    rmSync(this.#folder, { recursive: true });
  }

  get #bare(): string {
    return path.join(this.#folder, 'root', 'shop', 'config.git');
  }

  get #environment(): NodeJS.ProcessEnv {
    const person = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' };
    return { PATH: process.env['PATH'], HOME: this.#folder, GIT_CONFIG_NOSYSTEM: '1', ...person };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = new URL(request.url ?? '/', 'https://localhost');
    if (this.misbehave !== null) return this.misbehave(request, response);
    if (/^\/api\//.test(target.pathname)) return this.#answerApi(request, response);
    const expected = `Basic ${Buffer.from(`${this.user}:${this.token}`).toString('base64')}`;
    if (request.headers.authorization !== expected) return void response.writeHead(401).end();
    this.#serveGit(request, response, target);
  }

  async #answerApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request)) as unknown;
    this.api.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '', body });
    const url = 'https://localhost/shop/config/pulls/7';
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ html_url: url, web_url: url }));
  }

  /** CGI (RFC 3875). */
  #serveGit(request: IncomingMessage, response: ServerResponse, target: URL): void {
    const child = spawn('git', ['http-backend'], {
      env: {
        ...this.#environment,
        ...{ GIT_PROJECT_ROOT: path.join(this.#folder, 'root'), GIT_HTTP_EXPORT_ALL: '1', REMOTE_USER: this.user },
        ...{ PATH_INFO: target.pathname, QUERY_STRING: target.search.slice(1), REQUEST_METHOD: request.method },
        ...{ CONTENT_TYPE: request.headers['content-type'] ?? '', GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '') },
      },
    });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      const lines = all.subarray(0, end).toString().split('\r\n');
      const headers = lines.map((line) => line.split(': ', 2) as [string, string]).filter(([name]) => name !== 'Status');
      const status = Number(/^Status: (\d+)/m.exec(lines.join('\n'))?.[1] ?? 200);
      response.writeHead(status, Object.fromEntries(headers)).end(all.subarray(end + 4));
    });
  }
}
