// The gRPC check: one call of grpc.health.v1.Health/Check. A channel of a gRPC library would keep connections and retries of its own.
import type http2 from 'node:http2';
import type net from 'node:net';
import type { GrpcCheck, ProbeTarget } from '../exchange/probe-target.ts';
import { decodeStatus, encodeCheck } from './health-message.ts';
import { authorityOf } from './http-answer.ts';
import { callHttp2 } from './http2-call.ts';
import type { Http2Answer } from './http2-call.ts';
import type { Settle } from './outcome.ts';

/** An answer has less than 20 bytes. */
const MAX_ANSWER_BYTES = 4_096;

/** Probes an open connection. */
export function probeGrpc(target: ProbeTarget, check: GrpcCheck, socket: net.Socket, settle: Settle): void {
  const headers = {
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    ':scheme': target.tls === null ? 'http' : 'https',
    ':authority': authorityOf(target, check.host),
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': `${target.check.pace.timeout}m`,
    'user-agent': 'weir-health-check',
  };
  callHttp2(socket, headers, encodeCheck(check.service), [new GrpcAnswer(settle), settle]);
}

class GrpcAnswer implements Http2Answer {
  readonly #settle: Settle;
  #body: Buffer = Buffer.alloc(0);
  /** Of the trailers, or of the head if it is all there is. */
  #status: string | null = null;
  #message = '';

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  head(headers: http2.IncomingHttpHeaders, status: number): void {
    if (status !== 200) this.#settle({ fault: 'status', detail: String(status) });
    this.trailers(headers);
  }

  data(chunk: Buffer): void {
    this.#body = Buffer.concat([this.#body, chunk.subarray(0, MAX_ANSWER_BYTES - this.#body.length)]);
    if (this.#body.length >= MAX_ANSWER_BYTES) this.#settle({ fault: 'too_large', detail: `more than ${MAX_ANSWER_BYTES} bytes` });
  }

  trailers({ 'grpc-status': status, 'grpc-message': message = '' }: http2.IncomingHttpHeaders): void {
    if (typeof status !== 'string') return;
    this.#status = status;
    this.#message = String(message).slice(0, 200);
  }

  end(): void {
    if (this.#status === null) return this.#settle({ fault: 'malformed', detail: 'no grpc-status' });
    if (this.#status !== '0') return this.#settle({ fault: 'grpc_status', detail: `${this.#status} ${this.#message}`.trim() });
    const serving = decodeStatus(this.#body);
    if (serving === null) return this.#settle({ fault: 'malformed', detail: 'no HealthCheckResponse' });
    this.#settle(serving === 'SERVING' ? null : { fault: 'not_serving', detail: serving });
  }
}
