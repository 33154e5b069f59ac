// The contract of the admin API: an operation is a method and a path, the permission that it needs, the schemas of its input and answer,
// an example, and a function. The server does everything else around it: it authenticates, authorises, validates, limits and audits.
import { Type } from '#lib/typebox.ts';
import type { Static, TObject, TSchema } from '#lib/typebox.ts';
import type { Log } from '#lib/log.ts';
import { ok, type Result } from '#lib/result.ts';
import type { Permission } from './permissions.ts';
import type { AdminProblem } from './problem.ts';

/** The source of a request, with its rights. */
export interface Caller {
  /** `anonymous`: without credentials; only operations without a permission see it. */
  readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous';
  /** The id of the user, token or account in the store; '' for anonymous. */
  readonly id: string;
  /** The name for people and for the audit log. */
  readonly name: string;
  /** The IP address. */
  readonly address: string;
  /** The id of the session; null without one. */
  readonly session: string | null;
  /** Whether it has the permission in a namespace; null: in all of them, and for what is in none. */
  may(permission: Permission, namespace: string | null): boolean;
  /** Whether it has the permission in at least one namespace. */
  mayAnywhere(permission: Permission): boolean;
}

/** A change that an operation has made, for the audit log. Secrets are not part of it. */
export interface Change {
  /** Its kind and name: `user/ana`, `HTTPRoute/shop/cart`. */
  readonly object: string;
  /** Its state before; null: it did not exist. */
  readonly before: unknown;
  /** Its state after; null: it does not exist any more. */
  readonly after: unknown;
}

/** The context of an operation, besides its input. */
export interface OperationContext {
  readonly caller: Caller;
  readonly requestId: string;
  /** The header User-Agent, shortened; '' without one. */
  readonly userAgent: string;
  /** Why the caller does this, by the header Weir-Reason; '' without one. */
  readonly reason: string;
  /** Adds the request id to each line. */
  readonly log: Log;
  /** The caller has left, or the server stops. */
  readonly signal: AbortSignal;
  /** The value of a cookie, by its name without prefix; null without it. */
  cookie(name: string): string | null;
  /** Adds a change to the entry of the audit log, which is written before the answer is sent. Call it for each change that was made. */
  changed(change: Change): void;
}

/** A cookie for the caller. The server adds HttpOnly, and with TLS Secure and the prefix `__Host-`. */
export interface AnswerCookie {
  readonly name: string;
  /** '' removes the cookie. */
  readonly value: string;
  /** Seconds. */
  readonly maxAge: number;
  /** Lax: also sent when another site leads to this one, as providers of logins do. */
  readonly sameSite: 'Strict' | 'Lax';
}

/** A successful answer. `reply()` and `stream()` make one. */
export interface AdminAnswer<A> {
  /** Undefined with status 204 and 302. */
  readonly body: A;
  /** The version of the object, without quotes. The caller sends it back in If-Match. */
  readonly etag?: string;
  /** The path of a created object, or the target of a redirection. */
  readonly location?: string;
  readonly cookies?: readonly AnswerCookie[];
}

/** The body of an answer that comes in parts. The server stops to read it when the caller leaves or takes nothing for long. */
export type StreamBody = AsyncIterable<string | Uint8Array>;

/** The input of an operation, valid by its schemas. */
export interface OperationInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The bytes of the body, of an operation with `upload`; otherwise empty. */
  readonly upload: Uint8Array;
  /** The ETag that the caller expects, by If-Match, without quotes; null: none is expected. */
  readonly ifMatch: string | null;
}

/** The types of bodies that are not JSON. Forms of web pages can send none of them to another site. */
export const UPLOAD_TYPES = ['application/gzip', 'application/yaml'] as const;
export type UploadType = (typeof UPLOAD_TYPES)[number];

/** An example for the document. The tests send it, and expect success. */
export interface OperationExample<P, Q, B, A> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The bytes of an upload. */
  readonly upload?: Uint8Array;
  /** The body of the answer; absent if it has none, or comes in parts. */
  readonly answer?: A;
  /** Parameters that are valid and name nothing; the tests expect 404. Needed if the path has parameters. */
  readonly unknown?: P;
}

/** The definition of an operation, for adminOperation(). */
export interface OperationDefinition<P extends TObject, Q extends TObject, B extends TObject, A extends TSchema> {
  /** `users.get`: stable, and unique. It is the operationId of the document, and the name in metrics and the audit log. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below /api/v1: `/users/{user}`. */
  readonly path: `/${string}`;
  /** The area of the document. */
  readonly tag: string;
  /** One line without a full stop. */
  readonly summary: string;
  /** More sentences. */
  readonly description?: string;
  /** Null: no credentials are needed. */
  readonly permission: Permission | null;
  /** The namespace in which the caller needs the permission. Absent, or null: in all namespaces. */
  readonly namespaceOf?: (input: OperationInput<Static<P>, Static<Q>, Static<B>>) => string | null;
  /** The operation itself leaves out what the caller may not see, so the permission in any namespace is enough to call it. */
  readonly filtersNamespaces?: boolean;
  /** Any caller with credentials may call it, since it is about the caller; `permission` is null then. */
  readonly needsLogin?: boolean;
  /** Closed objects; absent: no members. Members of params and query are converted from text. */
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The schema of the answer; of one event, if it comes in parts. */
  readonly answer: A;
  /** Default 200; 204 and 302 have no body. */
  readonly status?: 200 | 201 | 202 | 204 | 302;
  /** The content type of an answer that comes in parts: `text/event-stream`. `run` then answers with `stream()`. */
  readonly streams?: string;
  /** `required`: a request without If-Match gets 428. `run` compares, and answers 412 with changedMeanwhile(). */
  readonly precondition?: 'required' | 'optional';
  /** The longest time until the answer begins, seconds; 60 by default. */
  readonly maxSeconds?: number;
  /** The content type of a body that is not JSON: `application/gzip`. The operation gets its bytes, all at once, and has no `body`. */
  readonly upload?: UploadType;
  /** The largest body, bytes; 64 KiB by default. */
  readonly maxBodyBytes?: number;
  /**
   * Whether it has an entry in the audit log; by default if its method is not GET. True for a read that takes data out: an export, a
   * backup, a heap snapshot. False for a question that needs a body: it changes nothing, and `context.changed` is a bug.
   */
  readonly audited?: boolean;
  /**
   * Since when a caller should use another operation, by the policy of docs/reference/admin.md: an ISO date. The description names the other
   * one. Answers have the header Deprecation (RFC 9745).
   */
  readonly deprecated?: string;
  /** Codes of the refusals that `run` gives, for the document: `{ 409: ['user-exists'] }`. */
  readonly problems?: Readonly<Partial<Record<AdminProblem['status'], readonly string[]>>>;
  readonly example: OperationExample<Static<P>, Static<Q>, Static<B>, Static<A>>;
  /** Does the work. A refusal is a value; an exception is a bug, and answers 500. */
  readonly run: (
    input: OperationInput<Static<P>, Static<Q>, Static<B>>,
    context: OperationContext,
  ) => Promise<Result<AdminAnswer<Static<A>>, AdminProblem>> | Promise<Result<AdminAnswer<StreamBody>, AdminProblem>>;
}

/** An operation of any types, as the server and the document see it. */
export interface AdminOperation extends Omit<
  OperationDefinition<TObject, TObject, TObject, TSchema>,
  'params' | 'query' | 'body' | 'namespaceOf' | 'example' | 'run'
> {
  readonly params: TObject;
  readonly query: TObject;
  /** Null: the operation takes no body. */
  readonly body: TObject | null;
  readonly status: 200 | 201 | 202 | 204 | 302;
  readonly example: OperationExample<unknown, unknown, unknown, unknown>;
  /** Whether its permission is needed in one namespace, not in all. */
  readonly hasNamespace: boolean;
  namespaceOf(input: OperationInput<unknown, unknown, unknown>): string | null;
  run(input: OperationInput<unknown, unknown, unknown>, context: OperationContext): Promise<Result<AdminAnswer<unknown>, AdminProblem>>;
}

/** Operations of one part of the API, in the order of the document. */
export interface Area {
  /** The tag of its operations. */
  readonly name: string;
  /** One sentence for the document. */
  readonly summary: string;
  readonly operations: readonly AdminOperation[];
}

/** An object without members. */
const NOTHING = Type.Object({}, { additionalProperties: false });

type Nothing = typeof NOTHING;

/** Makes an operation. */
export function adminOperation<A extends TSchema, P extends TObject = Nothing, Q extends TObject = Nothing, B extends TObject = Nothing>(
  definition: OperationDefinition<P, Q, B, A>,
): AdminOperation {
  const { namespaceOf = () => null, run, ...rest } = definition;
  // The server validates input by the schemas before these functions get it.
  type Input = OperationInput<Static<P>, Static<Q>, Static<B>>;
  return {
    ...rest,
    params: definition.params ?? NOTHING,
    query: definition.query ?? NOTHING,
    body: definition.body ?? null,
    status: definition.status ?? 200,
    hasNamespace: definition.namespaceOf !== undefined,
    namespaceOf: (input) => namespaceOf(input as Input),
    run: (input, context) => run(input as Input, context),
  };
}

/** Whether an operation has an entry in the audit log. */
export function isAudited({ method, audited }: Pick<AdminOperation, 'method' | 'audited'>): boolean {
  return audited ?? method !== 'GET';
}

/** A successful answer. */
export function reply<A>(body: A, rest: Omit<AdminAnswer<A>, 'body'> = {}): Result<AdminAnswer<A>, never> {
  return ok({ ...rest, body });
}

/** A successful answer without a body, for the statuses 204 and 302. */
export function replyEmpty(rest: Omit<AdminAnswer<undefined>, 'body'> = {}): Result<AdminAnswer<undefined>, never> {
  return ok({ ...rest, body: undefined });
}

/** An answer that comes in parts. */
export function stream(body: StreamBody): Result<AdminAnswer<StreamBody>, never> {
  return ok({ body });
}
