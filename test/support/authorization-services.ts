// Authorisation services of tests: one over HTTP, and one that speaks Envoy's protocol with the library of gRPC.
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import path from 'node:path';
import { loadPackageDefinition, Server, ServerCredentials, status, type GrpcObject, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = path.join(import.meta.dirname, '..', '..', 'proxy', 'filter', 'external', 'authorization.proto');

/** A question over HTTP. */
export interface HttpQuestion {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A service over HTTP. */
export class HttpAuthorization {
  readonly questions: HttpQuestion[] = [];
  /** Answers the question; tests replace it. */
  answer: (question: HttpQuestion, response: http.ServerResponse) => void = (_, response) => void response.end();
  readonly #server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const question = { method, url, headers, body: Buffer.concat(chunks).toString() };
      this.questions.push(question);
      this.answer(question, response);
    });
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get last(): HttpQuestion | undefined {
    return this.questions.at(-1);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A question over gRPC, as far as tests read it. */
export interface GrpcQuestion {
  readonly attributes: {
    readonly source: { readonly address: { readonly socket_address: { readonly address: string } } };
    readonly request: {
      readonly http: {
        readonly method: string;
        readonly path: string;
        readonly host: string;
        readonly scheme: string;
        readonly headers: Readonly<Record<string, string>>;
        readonly body: string;
        readonly raw_body: Buffer;
      };
    };
  };
}

/** A service over gRPC. */
export class GrpcAuthorization {
  readonly questions: GrpcQuestion[] = [];
  /** The decision, or a status of gRPC. */
  decide: (question: GrpcQuestion) => object | number = () => ({ status: { code: 0 } });
  port = 0;
  readonly #server = new Server();

  async start(): Promise<this> {
    const root = loadPackageDefinition(loadSync(PROTO, { keepCase: true })) as unknown as {
      envoy: { service: { auth: { v3: GrpcObject & { Authorization: ServiceClientConstructor } } } };
    };
    this.#server.addService(root.envoy.service.auth.v3.Authorization.service, {
      Check: ({ request }: { request: GrpcQuestion }, reply: (error: object | null, decision?: object) => void) => {
        this.questions.push(request);
        const decision = this.decide(request);
        if (typeof decision === 'number') reply({ code: decision, details: status[decision] });
        else reply(null, decision);
      },
    });
    this.port = await new Promise((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
    });
    return this;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

/** A header of a decision over gRPC. */
export function option(key: string, value: string, append = false): object {
  return { header: { key, value }, ...(append ? { append: { value: true } } : {}) };
}
