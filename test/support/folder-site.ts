// `weir up` with a folder of objects and a backend that records what it gets: for tests of what clients and backends see.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { Child } from './child.ts';
import { freePorts } from './free-port.ts';
import { gateway, gatewayClass, listOf, type Manifest } from './objects.ts';

/** A request as the backend saw it. */
export interface SeenRequest {
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
}

export interface FolderSiteOptions {
  /** The Gateway; `gw` with one HTTP listener by default. */
  readonly gateway?: (port: number) => Manifest;
  /** Answers requests at the backend; 200 by default. */
  readonly respond?: http.RequestListener;
}

/** The objects of a site besides its GatewayClass, its Gateway and the Backend `app`. */
export type FolderObjects = readonly object[];

export class FolderSite {
  readonly folder: string;
  readonly port: number;
  readonly backend: http.Server;
  /** The last request at the backend. */
  seen: SeenRequest = { url: '', headers: {} };
  #weir: Child | null = null;

  private constructor(port: number, respond: http.RequestListener) {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'weir-site-'));
    this.port = port;
    this.backend = http.createServer((request, response) => {
      this.seen = { url: request.url ?? '', headers: request.headers };
      respond(request, response);
    });
  }

  /** Starts the backend and `weir up`; resolves when it serves. */
  static async open(
    objects: FolderObjects,
    { gateway: gatewayAt = standard, respond = answer }: FolderSiteOptions = {},
  ): Promise<FolderSite> {
    const [port = 0, backendPort = 0] = await freePorts(2);
    const site = new FolderSite(port, respond);
    site.backend.listen(backendPort, '127.0.0.1');
    await once(site.backend, 'listening');
    const app = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name: 'app' } };
    site.write('site', [gatewayClass(), gatewayAt(port), { ...app, spec: { endpoints: [{ ip: '127.0.0.1', port: backendPort }] } }]);
    site.write('objects', objects);
    site.#weir = new Child(['up', site.folder, '--access-log', 'off']);
    await site.#weir.printed(/serving/);
    return site;
  }

  /** Writes a file of the folder anew. */
  write(name: string, objects: FolderObjects): void {
    writeFileSync(path.join(this.folder, `${name}.json`), listOf(...objects));
  }

  /** What `weir up` has printed. */
  get output(): string {
    return this.#weir?.output ?? '';
  }

  /** Resolves once `weir up` has printed something like that. */
  async printed(pattern: RegExp): Promise<void> {
    await this.#weir?.printed(pattern);
  }

  /** A request on a connection of its own; resolves at the end of its answer. */
  async get(url: string, headers: http.OutgoingHttpHeaders | readonly string[] = {}): Promise<http.IncomingMessage> {
    return ended(http.get({ host: '127.0.0.1', port: this.port, path: url, headers, agent: false }));
  }

  /** The status of such a request. */
  async status(url: string, headers: http.OutgoingHttpHeaders = {}): Promise<number | undefined> {
    return (await this.get(url, headers)).statusCode;
  }

  async close(): Promise<void> {
    await this.#weir?.stop();
    this.backend.closeAllConnections();
    this.backend.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Reads an answer to its end. */
export async function ended(request: ReturnType<typeof https.get>): Promise<http.IncomingMessage> {
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(response.resume(), 'end');
  return response;
}

/** A route of paths below `/<name>` to the Backend `app`, and a SecurityPolicy for it. */
export function protectedRoute(name: string, security: object): FolderObjects {
  const matches = [{ path: { type: 'PathPrefix', value: `/${name}` } }];
  const rules = [{ matches, backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }];
  return [
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name },
      spec: { parentRefs: [{ name: 'gw' }], rules },
    },
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'SecurityPolicy',
      metadata: { name },
      spec: { targetRefs: [{ kind: 'HTTPRoute', name }], ...security },
    },
  ];
}

/** A Secret with these entries. */
export function secret(name: string, stringData: Readonly<Record<string, string>>, type = 'Opaque'): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData };
}

/** A Consumer. */
export function consumer(name: string, spec: object): object {
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Consumer', metadata: { name }, spec };
}

function standard(port: number): Manifest {
  return gateway('gw', [{ name: 'http', port }]);
}

function answer(_request: http.IncomingMessage, response: http.ServerResponse): void {
  response.end('ok');
}
