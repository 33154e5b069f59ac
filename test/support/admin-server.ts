// A server of the admin API with callers by token and by session, and an audit log in memory.
import { once } from 'node:events';
import net from 'node:net';
import type { AdminApiOptions } from '../../admin/api/server.ts';
import { AdminApi } from '../../admin/api/server.ts';
import type { AuditRecord, Auditor, Authenticated, Authenticator } from '../../admin/api/authenticator.ts';
import { SERVER_LIMITS } from '../../admin/api/limits.ts';
import { AdminMetrics } from '../../admin/api/metrics.ts';
import type { Area, Caller } from '../../admin/api/operation.ts';
import type { Permission } from '../../admin/api/permissions.ts';
import { createLog } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';

/** The rights of a caller: permissions in all namespaces, or in one. */
export interface TestCaller {
  readonly permissions: readonly Permission[];
  readonly namespace?: string;
  /** The caller has a session in a cookie with this token against forged requests. */
  readonly csrfToken?: string;
}

export const SESSION_COOKIE = 'weir-session';

/** Callers by the text of their token, or of their session. */
export class TableAuthenticator implements Authenticator {
  readonly #callers: Readonly<Record<string, TestCaller>>;

  constructor(callers: Readonly<Record<string, TestCaller>>) {
    this.#callers = callers;
  }

  authenticate({
    authorization,
    address,
    cookie,
  }: Parameters<Authenticator['authenticate']>[0]): ReturnType<Authenticator['authenticate']> {
    const token = authorization?.replace(/^Bearer /, '') ?? cookie(SESSION_COOKIE);
    if (token === null) return Promise.resolve(ok(null));
    const found = Object.hasOwn(this.#callers, token) ? this.#callers[token] : undefined;
    if (found === undefined) return Promise.resolve(err({ status: 401, code: 'token-invalid', detail: 'the token is not valid' }));
    const authenticated: Authenticated = { caller: callerOf(token, address, found), csrfToken: found.csrfToken ?? null };
    return Promise.resolve(ok(authenticated));
  }
}

function callerOf(name: string, address: string, { permissions, namespace }: TestCaller): Caller {
  return {
    kind: 'token',
    id: `id-of-${name}`,
    name,
    address,
    session: null,
    may: (permission, wanted) => permissions.includes(permission) && (namespace === undefined || namespace === wanted),
    mayAnywhere: (permission) => permissions.includes(permission),
  };
}

/** Keeps entries in memory. `trouble` and `fails` provoke the faults of a store. */
export class MemoryAuditor implements Auditor {
  readonly entries: AuditRecord[] = [];
  trouble: string | null = null;
  fails = false;

  record(entry: AuditRecord): ReturnType<Auditor['record']> {
    if (this.fails) return Promise.resolve(err('the disk is full'));
    this.entries.push(entry);
    return Promise.resolve(ok(undefined));
  }
}

export interface TestApi extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly auditor: MemoryAuditor;
  readonly metrics: AdminMetrics;
  /** All lines of the log. */
  readonly log: string[];
}

/** Starts a server on loopback. */
export async function startAdminApi(
  areas: readonly Area[],
  callers: Readonly<Record<string, TestCaller>>,
  options: Partial<AdminApiOptions> = {},
): Promise<TestApi> {
  const auditor = new MemoryAuditor();
  const metrics = new AdminMetrics();
  const lines: string[] = [];
  const api = new AdminApi({
    address: { host: '127.0.0.1', port: 0 },
    tls: null,
    isSecure: false,
    trustedProxies: null,
    areas,
    authenticator: new TableAuthenticator(callers),
    auditor,
    addressRate: { burst: 10_000, perSecond: 10_000 },
    callerRate: { burst: 10_000, perSecond: 10_000 },
    limits: SERVER_LIMITS,
    metrics,
    log: createLog('trace', { write: (line: string) => void lines.push(line) }),
    ...options,
  });
  const port = await api.start();
  const url = `${(options.tls ?? null) === null ? 'http' : 'https'}://127.0.0.1:${port}`;
  return { port, url, auditor, metrics, log: lines, [Symbol.asyncDispose]: () => api.stop() };
}

/** Sends bytes on a connection, and resolves to all bytes of the answer when the server closes it. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}
