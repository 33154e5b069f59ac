// The action of a probe or a hook: a program in the container, a request or a connection from the node, or a pause.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecResult } from './container-process.ts';
import type { Action, ContainerSpec } from './objects.ts';

/** The container for an action. */
export interface ActionTarget {
  readonly spec: ContainerSpec;
  readonly podIp: string;
  exec(words: readonly string[], signal: AbortSignal): Promise<ExecResult>;
}

/** Null after success, otherwise the failure. */
export type Failure = string | null;

/** Runs it; never rejects. */
export async function perform(action: Action, target: ActionTarget, signal: AbortSignal): Promise<Failure> {
  try {
    return await performed(action, target, signal);
  } catch (error) {
    return signal.aborted ? 'it took too long' : String(error);
  }
}

async function performed(action: Action, target: ActionTarget, signal: AbortSignal): Promise<Failure> {
  if (action.exec !== undefined) {
    const { exitCode, output } = await target.exec(action.exec.command, signal);
    return exitCode === 0 ? null : `exit code ${exitCode}: ${output.trim()}`;
  }
  if (action.httpGet !== undefined) return request(action.httpGet, target, signal);
  if (action.tcpSocket !== undefined) return connect(action.tcpSocket, target, signal);
  if (action.sleep !== undefined) await delay(action.sleep.seconds * 1_000, null, { signal });
  return null;
}

async function request(get: NonNullable<Action['httpGet']>, target: ActionTarget, signal: AbortSignal): Promise<Failure> {
  const headers = { 'user-agent': 'kube-probe/1.36', connection: 'close', ...headersOf(get.httpHeaders ?? []) };
  const place = { host: get.host ?? target.podIp, port: portOf(get.port, target.spec), path: get.path ?? '/' };
  const options = { ...place, headers, agent: false as const, signal };
  const sent = get.scheme === 'HTTPS' ? https.get({ ...options, rejectUnauthorized: false }) : http.get(options);
  const [response] = (await once(sent, 'response')) as [http.IncomingMessage];
  response.on('error', () => undefined).destroy();
  const status = response.statusCode ?? 0;
  return status >= 200 && status < 400 ? null : `HTTP probe failed with statuscode: ${status}`;
}

function headersOf(list: readonly { readonly name: string; readonly value: string }[]): Record<string, string> {
  return Object.fromEntries(list.map(({ name, value }) => [name, value]));
}

async function connect(to: NonNullable<Action['tcpSocket']>, target: ActionTarget, signal: AbortSignal): Promise<Failure> {
  const socket = net.connect(portOf(to.port, target.spec), to.host ?? target.podIp);
  try {
    await once(socket, 'connect', { signal });
    return null;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

function portOf(port: number | string, spec: ContainerSpec): number {
  if (typeof port === 'number') return port;
  const named = spec.ports?.find(({ name }) => name === port);
  if (named === undefined) throw new Error(`the container has no port called ${port}`);
  return named.containerPort;
}
