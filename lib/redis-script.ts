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

/** Runs a script; texts of the answer are texts. */
export function runScript(
  client: RedisClient,
  { sha, text }: RedisScript,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  const rest = [keys.length, ...keys, ...args];
  return known(
    () => client.call('EVALSHA', sha, ...rest),
    () => client.call('EVAL', text, ...rest),
  );
}

/** The same; texts of the answer are bytes. */
export function runScriptForBytes(
  client: RedisClient,
  { sha, text }: RedisScript,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  const rest = [keys.length, ...keys, ...args];
  return known(
    () => client.callBuffer('EVALSHA', sha, ...rest),
    () => client.callBuffer('EVAL', text, ...rest),
  );
}

async function known(bySha: () => Promise<unknown>, byText: () => Promise<unknown>): Promise<unknown> {
  try {
    return await bySha();
  } catch (error) {
    // The server is new, or its scripts were flushed: nothing has happened.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return byText();
  }
}
