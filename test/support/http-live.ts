// The live state of a running `weir up`, over its admin port: the operations of a real controller for tests of the admin API.
import type { ControllerState, Live, LiveAnswer, LiveCall, LiveFault } from '../../admin/live/live.ts';
import { err, ok, type Result } from '#lib/result.ts';

export class HttpLive implements Live {
  readonly #port: number;
  /** The calls so far. */
  readonly calls: LiveCall[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  start(): void {
    // It is there already.
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  states(): readonly ControllerState[] {
    return [{ address: `127.0.0.1:${this.#port}`, connected: true, since: '', lastError: '' }];
  }

  async call(call: LiveCall): Promise<Result<LiveAnswer, LiveFault>> {
    this.calls.push(call);
    const { operation, input, signal } = call;
    const [method = '', path = ''] = operation.split(' ');
    const url = new URL(`http://127.0.0.1:${this.#port}${path}`);
    if (method === 'GET') for (const [name, value] of Object.entries(input)) url.searchParams.set(name, String(value));
    const body = method === 'GET' ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) };
    const response = await fetch(url, { method, signal, ...body });
    if (response.body === null) return err({ code: 'controller-refuses', reason: 'no body' });
    return ok({ status: response.status, type: response.headers.get('content-type') ?? '', body: response.body });
  }
}
