// The routes of the admin API: a Fastify instance with a route for each operation, and the gate in front of all.
import { randomUUID } from 'node:crypto';
import type { RequestListener, Server } from 'node:http';
import fastify from 'fastify';
import type { FastifyBodyParser, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '#lib/log.ts';
import { API_PREFIX, senderOf, sendProblem } from './answer.ts';
import type { Auditor } from './authenticator.ts';
import type { CallListener } from './calls.ts';
import { addressFinder, type FindAddress, type TrustedProxies } from './client-address.ts';
import { answerClientError } from './client-errors.ts';
import { cookieIn } from './cookies.ts';
import { addDocumentRoutes } from './document-routes.ts';
import { Execution, type ExecutionRequest } from './execution.ts';
import { userAgentOf, type Gate } from './gate.ts';
import { securityHeaders } from './headers.ts';
import type { ServerLimits } from './limits.ts';
import type { AdminMetrics } from './metrics.ts';
import { UPLOAD_TYPES, type AdminOperation, type Area, type Caller, type UploadType } from './operation.ts';
import { routesMatching } from './paths.ts';
import type { AdminProblem } from './problem.ts';
import { problemOf } from './request-errors.ts';

export interface AppOptions {
  readonly areas: readonly Area[];
  readonly auditor: Auditor;
  readonly gate: Gate;
  readonly metrics: AdminMetrics;
  /** Hears of each call of an operation. */
  readonly calls?: CallListener;
  readonly limits: ServerLimits;
  readonly isSecure: boolean;
  /** Proxies in front whose word about the address of a caller counts; null trusts none. */
  readonly trustedProxies: TrustedProxies | null;
  readonly hasTls: boolean;
  readonly makeServer: (listener: RequestListener) => Server;
  /** The server stops. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller of an operation; null before the gate. */
    caller: Caller | null;
    /** The caller has left, or the server stops. */
    left: AbortSignal | null;
  }
  interface FastifyContextConfig {
    operation?: AdminOperation;
    execution?: Execution;
  }
}

/** The largest reason in the header Weir-Reason, characters. */
const MAX_REASON = 500;

/** Makes the instance, without a bound port. */
export function buildApp(options: AppOptions): FastifyInstance {
  const { limits, areas, makeServer } = options;
  const routes = new Routes(options);
  const app = fastify({
    serverFactory: (handler) => makeServer(handler as unknown as RequestListener),
    clientErrorHandler: answerClientError,
    bodyLimit: limits.bodyBytes,
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
    logger: false,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: (error, request, reply) => void routes.refuse(request as FastifyRequest, reply as FastifyReply, problemOf(error)),
  });
  app.decorateRequest('caller', null);
  app.decorateRequest('left', null);
  addParser(app);
  app.addHook('onRequest', (request, reply) => routes.admit(request, reply));
  app.addHook('onResponse', (request, reply, done) => {
    routes.ended(request, reply);
    done();
  });
  for (const operation of areas.flatMap(({ operations }) => operations)) routes.add(app, operation);
  addDocumentRoutes(app, areas);
  app.setNotFoundHandler((request, reply) => routes.refuse(request, reply, routes.unknown(request, reply)));
  app.setErrorHandler<FastifyError>((error, request, reply) => routes.fail(error, request, reply));
  return app;
}

/**
 * JSON, and the types of uploads for operations that take them: forms of web pages cannot send these to another site. Names that reach
 * prototypes are refused.
 */
function addParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'));
  for (const type of UPLOAD_TYPES) app.addContentTypeParser(type, { parseAs: 'buffer' }, parseUpload(type));
}

/** The bytes, if the operation takes this type. */
function parseUpload(type: UploadType): FastifyBodyParser<Buffer> {
  return (request, bytes, done) => {
    if (request.routeOptions.config.operation?.upload === type) done(null, bytes);
    else done(Object.assign(new Error(type), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }));
  };
}

class Routes {
  readonly #options: AppOptions;
  readonly #operations: readonly AdminOperation[];
  readonly #findAddress: FindAddress;

  constructor(options: AppOptions) {
    this.#options = options;
    this.#findAddress = addressFinder(options.trustedProxies);
    this.#operations = options.areas.flatMap(({ operations }) => operations);
  }

  add(app: FastifyInstance, operation: AdminOperation): void {
    const { auditor, isSecure } = this.#options;
    const execution = new Execution(operation, auditor);
    const send = senderOf(operation);
    app.route({
      method: operation.method,
      url: `${API_PREFIX}${operation.path.replace(/\{(\w+)\}/g, ':$1')}`,
      bodyLimit: operation.maxBodyBytes ?? this.#options.limits.bodyBytes,
      config: { operation, execution },
      handler: async (request, reply) => {
        const { params, query, body } = request;
        const context = this.#context(request);
        // The server sets its own limit again for the next request of the connection.
        if (operation.maxSeconds !== undefined) request.raw.socket.setTimeout(operation.maxSeconds * 1_000);
        const outcome = await execution.run({ params, query, body, ifMatch: request.headers['if-match'] }, context);
        if (!outcome.ok) return this.refuse(request, reply, outcome.error);
        const { requestId, signal } = context;
        return send(reply, outcome.value, { requestId, signal, isSecure, ifNoneMatch: request.headers['if-none-match'] });
      },
    });
  }

  /** The gate, before the body is read. */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { gate, metrics, hasTls } = this.#options;
    metrics.began();
    void reply.headers({ ...securityHeaders(hasTls), 'x-request-id': request.id });
    const head = { method: request.method, headers: request.headers, address: this.#addressOf(request) };
    const problem = gate.refuseHead(head);
    if (problem !== null) return this.#refuseEarly(request, reply, problem);
    const { operation, execution } = request.routeOptions.config;
    if (operation === undefined) return undefined;
    if (operation.deprecated !== undefined) void reply.header('deprecation', `@${Date.parse(operation.deprecated) / 1_000}`);
    const admitted = await gate.admit(head, operation);
    if (admitted.ok) {
      request.caller = admitted.value;
      request.left = signalOf(reply, this.#options.signal);
      return undefined;
    }
    request.caller = admitted.error.caller;
    await execution?.refused(admitted.error.problem, this.#context(request), null);
    return this.#refuseEarly(request, reply, admitted.error.problem);
  }

  #addressOf({ ip, headers }: FastifyRequest): string {
    return this.#findAddress(ip, headers);
  }

  /** The answer was sent. */
  ended({ routeOptions, caller, id: requestId }: FastifyRequest, { statusCode: status, elapsedTime: ms }: FastifyReply): void {
    const { operation } = routeOptions.config;
    this.#options.metrics.ended(operation?.id ?? 'none', status, ms);
    if (operation === undefined || caller === null) return;
    this.#options.calls?.ended({ operation: operation.id, status, ms, caller, requestId, isStream: operation.streams !== undefined });
  }

  refuse(request: FastifyRequest, reply: FastifyReply, problem: AdminProblem): FastifyReply {
    return sendProblem(reply, problem, request.id);
  }

  /** The answer for a path without an operation of this method. */
  unknown({ method, url }: FastifyRequest, reply: FastifyReply): AdminProblem {
    const path = url.split('?', 1)[0] ?? '';
    const methods = routesMatching(this.#operations, path.slice(API_PREFIX.length)).map((each) => each.method);
    if (!path.startsWith(`${API_PREFIX}/`) || methods.length === 0) {
      return { status: 404, code: 'path-unknown', detail: `there is no such path; ${API_PREFIX}/openapi.json has all` };
    }
    void reply.header('allow', [...new Set(methods)].join(', '));
    return { status: 405, code: 'method-unknown', detail: `the path has no ${method}, but ${methods.join(', ')}` };
  }

  /** An error of the parser, or a bug. */
  fail(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = problemOf(error);
    if (problem.status === 500) this.#options.log.error({ err: error, requestId: request.id }, 'a bug stopped a request of the admin API');
    return this.refuse(request, reply, problem);
  }

  #refuseEarly(request: FastifyRequest, reply: FastifyReply, problem: AdminProblem): FastifyReply {
    this.#options.metrics.refused(problem.code);
    const { operation } = request.routeOptions.config;
    const fields = { requestId: request.id, operation: operation?.id ?? 'none', code: problem.code, caller: request.caller?.id ?? '' };
    this.#options.log.info({ ...fields, address: this.#addressOf(request) }, 'a request of the admin API is refused');
    // The rest of the body would be read for nothing.
    if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
      void reply.header('connection', 'close');
    return this.refuse(request, reply, problem);
  }

  #context(request: FastifyRequest): ExecutionRequest {
    const { isSecure, log, signal } = this.#options;
    return {
      caller: request.caller as Caller,
      requestId: request.id,
      path: request.url.split('?', 1)[0] ?? '',
      userAgent: userAgentOf(request.headers),
      reason: reasonOf(request),
      log: log.child({ requestId: request.id }),
      signal: request.left ?? signal,
      cookie: (name) => cookieIn(request.headers.cookie, name, isSecure),
    };
  }
}

function reasonOf({ headers }: FastifyRequest): string {
  const reason = headers['weir-reason'];
  // Node reads headers as Latin-1; callers send UTF-8.
  return typeof reason === 'string' ? Buffer.from(reason, 'latin1').toString().slice(0, MAX_REASON) : '';
}

/** Aborts when the connection of an answer is closed, or the server stops. */
function signalOf(reply: FastifyReply, stopping: AbortSignal): AbortSignal {
  const left = new AbortController();
  reply.raw.once('close', () => left.abort());
  return AbortSignal.any([left.signal, stopping]);
}
