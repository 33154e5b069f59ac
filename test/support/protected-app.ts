// `weir up` with one route to a backend that tells what it got.
import { once } from 'node:events';
import http from 'node:http';
import { FolderWeir, type SeenRequest } from './folder-weir.ts';
import { freePorts } from './free-port.ts';
import { backendSite } from './objects.ts';

/** A request of a test. */
export interface AppRequest {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: http.OutgoingHttpHeaders | readonly string[];
  readonly body?: string;
}

export class ProtectedApp extends FolderWeir {
  readonly port: number;

  private constructor(port: number) {
    super((request, response) => void request.on('end', () => response.end('ok')));
    this.port = port;
  }

  /** `manifest`: objects besides the route `app`. */
  static async open(manifest: string, args?: readonly string[]): Promise<ProtectedApp> {
    const [port = 0, backendPort = 0] = await freePorts(2);
    const app = new ProtectedApp(port);
    app.save('site.json', backendSite(port, 'app', { endpoints: [{ ip: '127.0.0.1', port: backendPort }] }));
    app.save('policy.yaml', manifest);
    await app.serve(backendPort, args);
    return app;
  }

  /** The requests that the backend got. */
  get seen(): SeenRequest[] {
    return this.requests;
  }

  /** The last request that the backend got. */
  get last(): SeenRequest {
    const last = this.seen.at(-1);
    if (last === undefined) throw new Error('the backend got no request');
    return last;
  }

  /** Writes a file with objects. */
  write(name: string, manifest: string): void {
    this.save(name, manifest);
  }

  async ask({ method = 'GET', url = '/', headers = {}, body = '' }: AppRequest): Promise<http.IncomingMessage & { text: string }> {
    const request = http.request({ host: '127.0.0.1', port: this.port, method, path: url, headers, agent: false });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return Object.assign(response, { text });
  }

  async status(request: AppRequest): Promise<number | undefined> {
    return (await this.ask(request)).statusCode;
  }
}
