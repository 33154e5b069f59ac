// JSON of requests and answers, read strictly: what two readers may understand differently is refused.
import { err, ok, type Result } from '#lib/result.ts';
import { JsonScanner } from '../request-limits/json-scanner.ts';

/** Containers within each other. */
const MAX_DEPTH = 128;

const LIMITS = {
  depth: MAX_DEPTH,
  members: Infinity,
  elements: Infinity,
  stringBytes: Infinity,
  numberLength: 1_000,
  uniqueNames: true,
};

/** The value of a JSON text in UTF-8, in which no object has a name twice. */
export function strictJson(body: Buffer): Result<unknown> {
  const scanner = new JsonScanner(LIMITS);
  const problem = scanner.write(body) ?? scanner.end();
  return problem === null ? ok(JSON.parse(body.toString('utf8')) as unknown) : err(`has ${WORDS[problem] ?? problem}`);
}

const WORDS: Readonly<Record<string, string>> = { 'not JSON': 'a fault in its JSON', 'nested too deeply': `more than ${MAX_DEPTH} levels` };
