// A processor of tests that speaks Envoy's protocol with the library of gRPC.
import path from 'node:path';
import { loadPackageDefinition, Server, ServerCredentials, type GrpcObject, type ServiceClientConstructor } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = path.join(import.meta.dirname, '..', '..', 'proxy', 'filter', 'processor', 'processor.proto');

interface SentHeaders {
  readonly headers: { readonly headers: readonly { readonly key: string; readonly raw_value: Buffer }[] };
  readonly end_of_stream: boolean;
}

/** A message, as far as tests read it. */
export interface ProcessorMessage {
  readonly request: string;
  readonly request_headers?: SentHeaders;
  readonly response_headers?: SentHeaders;
  readonly request_body?: { readonly body: Buffer; readonly end_of_stream: boolean };
  readonly response_body?: { readonly body: Buffer; readonly end_of_stream: boolean };
  readonly request_trailers?: { readonly trailers: SentHeaders['headers'] };
  readonly response_trailers?: { readonly trailers: SentHeaders['headers'] };
  readonly attributes: Readonly<Record<string, { readonly fields: Readonly<Record<string, object>> }>>;
  readonly observability_mode: boolean;
}

export type ProcessorStream = ServerDuplexStream<ProcessorMessage, object>;

export class ExternalProcessor {
  readonly messages: ProcessorMessage[] = [];
  /** The streams that have begun, and how many have ended. */
  streams = 0;
  ended = 0;
  /** Answers a message; tests replace it. By default each part passes as it is. */
  answer: (message: ProcessorMessage, stream: ProcessorStream) => void = (message, stream) => void stream.write({ [message.request]: {} });
  port = 0;
  readonly #server = new Server();

  async start(): Promise<this> {
    const root = loadPackageDefinition(loadSync(PROTO, { keepCase: true, oneofs: true, enums: String, defaults: true })) as unknown as {
      envoy: { service: { ext_proc: { v3: GrpcObject & { ExternalProcessor: ServiceClientConstructor } } } };
    };
    this.#server.addService(root.envoy.service.ext_proc.v3.ExternalProcessor.service, {
      Process: (stream: ProcessorStream) => {
        this.streams++;
        stream.on('data', (message: ProcessorMessage) => {
          this.messages.push(message);
          this.answer(message, stream);
        });
        stream.on('error', () => undefined);
        // A stream that has ended is cancelled afterwards.
        let hasEnded = false;
        const end = (): void => {
          this.ended += hasEnded ? 0 : 1;
          hasEnded = true;
        };
        stream.on('cancelled', end);
        stream.on('end', () => {
          end();
          stream.end();
        });
      },
    });
    this.port = await new Promise((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
    });
    return this;
  }

  /** The kinds of messages so far. */
  get parts(): readonly string[] {
    return this.messages.map(({ request }) => request);
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

/** A header that a processor sets. */
export function setHeader(key: string, value: string, more: object = {}): object {
  return { header: { key, raw_value: Buffer.from(value) }, ...more };
}

/** The value of a header in a message, or undefined. */
export function sentHeader(sent: SentHeaders | undefined, name: string): string | undefined {
  return sent?.headers.headers.find(({ key }) => key === name)?.raw_value.toString();
}
