// A Lua script that Redis runs at once. It is sent by its digest; a server that does not know it gets the text.
import { createHash } from 'node:crypto';
import type { RedisClient } from './redis.ts';

/** A script with its digest. */
export interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

export function redisScript(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

type Argument = string | number | Buffer;

/** Sends a command. */
type Send = (command: 'EVALSHA' | 'EVAL', ...values: Argument[]) => Promise<unknown>;

/** Runs a script; texts of the answer are texts. */
export function runScript(client: RedisClient, script: RedisScript, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
  return run((command, ...values) => client.call(command, ...values), script, [keys.length, ...keys, ...args]);
}

/** The same; texts of the answer are bytes. */
export function runScriptForBytes(
  client: RedisClient,
  script: RedisScript,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  return run((command, ...values) => client.callBuffer(command, ...values), script, [keys.length, ...keys, ...args]);
}

async function run(send: Send, { sha, text }: RedisScript, values: readonly Argument[]): Promise<unknown> {
  try {
    return await send('EVALSHA', sha, ...values);
  } catch (error) {
    // The server is new, or its scripts were flushed: nothing has happened.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return send('EVAL', text, ...values);
  }
}
