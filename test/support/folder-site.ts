// `weir up` with routes and policies to one backend, all made of objects.
import { once } from 'node:events';
import http from 'node:http';
import type https from 'node:https';
import { FolderWeir, type SeenRequest } from './folder-weir.ts';
import { freePorts } from './free-port.ts';
import { gateway, gatewayClass, listOf, type Manifest } from './objects.ts';

const NOTHING: SeenRequest = { method: '', url: '', headers: {}, body: '' };

export interface FolderSiteOptions {
  /** The Gateway; `gw` with one HTTP listener by default. */
  readonly gateway?: (port: number) => Manifest;
  /** Answers requests at the backend; 200 by default. */
  readonly respond?: http.RequestListener;
}

/** The objects of a site besides its GatewayClass, its Gateway and the Backend `app`. */
export type FolderObjects = readonly object[];

export class FolderSite extends FolderWeir {
  readonly port: number;

  private constructor(port: number, respond: http.RequestListener) {
    super(respond);
    this.port = port;
  }

  /** Starts the backend and `weir up`; resolves when it serves. */
  static async open(
    objects: FolderObjects,
    { gateway: gatewayAt = standard, respond = answer }: FolderSiteOptions = {},
  ): Promise<FolderSite> {
    const [port = 0, backendPort = 0] = await freePorts(2);
    const site = new FolderSite(port, respond);
    const app = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name: 'app' } };
    site.write('site', [gatewayClass(), gatewayAt(port), { ...app, spec: { endpoints: [{ ip: '127.0.0.1', port: backendPort }] } }]);
    site.write('objects', objects);
    await site.serve(backendPort);
    return site;
  }

  /** The last request at the backend. */
  get seen(): SeenRequest {
    return this.requests.at(-1) ?? NOTHING;
  }

  /** Writes a file of the folder anew. */
  write(name: string, objects: FolderObjects): void {
    this.save(`${name}.json`, listOf(...objects));
  }

  /** Resolves once `weir up` has printed something like that. */
  async printed(pattern: RegExp): Promise<void> {
    await this.weir.printed(pattern);
  }

  /** A request on a connection of its own; resolves at the end of its answer. */
  async get(url: string, headers: http.OutgoingHttpHeaders | readonly string[] = {}): Promise<http.IncomingMessage> {
    return ended(http.get({ host: '127.0.0.1', port: this.port, path: url, headers, agent: false }));
  }

  /** The status of such a request. */
  async status(url: string, headers: http.OutgoingHttpHeaders = {}): Promise<number | undefined> {
    return (await this.get(url, headers)).statusCode;
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
