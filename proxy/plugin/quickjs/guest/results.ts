// The messages with the results of hooks.
import type { PluginReply } from '../../../../sdk/index.ts';
import type { CallMessage, Changes, FromPlugin, Hook } from '../../message.ts';
import { bufferOf, bytesOf } from './bytes.ts';
import type { ExchangeState } from './exchanges.ts';
import { flat } from './headers.ts';
import type { Request, Response } from './heads.ts';
import { send } from './host.ts';

/** The message with the result of a hook; '' if it was sent with bytes. */
export function done({ call: id, hook }: Pick<CallMessage, 'call' | 'hook'>, state: ExchangeState, result: unknown): string {
  const edits = editsOf(state);
  const bytes = bytesOf(result);
  const reply = replyOf(hook, bytes === null ? result : null);
  const changes: Changes = {
    ...edits,
    ...(bytes === null ? {} : { replaces: true }),
    ...(reply === null ? {} : { reply: { status: reply.status, headers: flat(reply.headers ?? {}) } }),
  };
  const isEmpty = Object.keys(changes).length === 0;
  const text = JSON.stringify({ type: 'done', call: id, changes: isEmpty ? null : changes } satisfies FromPlugin);
  const body = bytes ?? bytesOf(reply?.body);
  if (body === null) return text;
  send(text, bufferOf(body));
  return '';
}

function replyOf(hook: Hook, result: unknown): PluginReply | null {
  if (result === undefined || result === null) return null;
  if (hook === 'onRequest' || hook === 'onRequestBody') return result as PluginReply;
  throw new TypeError(`${hook} returned neither bytes nor a text`);
}

function editsOf({ request, response }: ExchangeState): Changes {
  return { ...(request === null ? {} : requestEdits(request)), ...(response === null ? {} : responseEdits(response)) };
}

function requestEdits(request: Request): Changes {
  const changes: Changes = {
    ...(request.hasHeaderEdits ? { requestHeaders: request.headers.list } : {}),
    ...(request.isMoved ? { path: request.path, query: request.query } : {}),
  };
  request.told();
  return changes;
}

function responseEdits(response: Response): Changes {
  const changes: Changes = {
    ...(response.hasHeaderEdits ? { responseHeaders: response.headers.list } : {}),
    ...(response.isChanged ? { status: response.status } : {}),
  };
  response.told();
  return changes;
}
