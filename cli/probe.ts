// `weir probe URLS`: asks until every one answers, for checks from an image that holds no other HTTP client.
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { parseDuration } from '#lib/duration.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

/** Between two tries, and the longest wait for one answer, milliseconds. */
const PAUSE = 500;
const ANSWER_TIMEOUT = 5_000;

export const probe: Command = {
  name: 'probe',
  usage: 'URLS... [--within TIME]',
  summary: 'Asks each URL until it answers 200, by default for up to 30s. Ends with 1 when one does not.',
  async run(args) {
    const options = { within: { type: 'string', default: '30s' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    if (positionals.length === 0) throw new UsageError('weir probe takes URLs');
    const strange = positionals.find((url) => !/^https?:/.test(url) || !URL.canParse(url));
    if (strange !== undefined) throw new UsageError(`${JSON.stringify(strange)} is not an http or https URL`);
    const within = parseDuration(values.within);
    if (!within.ok) throw new UsageError(`--within: ${within.error}`);
    const answers = await Promise.all(positionals.map((url) => untilAnswered(url, performance.now() + within.value)));
    positionals.forEach((url, index) => console.log(`${url}: ${answers[index] ?? 'ok'}`));
    return answers.every((answer) => answer === null) ? 0 : 1;
  },
};

/** Null once it answers 200; at the deadline, what it does instead. */
async function untilAnswered(url: string, deadline: number): Promise<string | null> {
  for (;;) {
    const answer = await ask(url);
    if (answer === null || performance.now() >= deadline) return answer;
    await delay(PAUSE);
  }
}

async function ask(url: string): Promise<string | null> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: ANSWER_TIMEOUT, bodyTimeout: ANSWER_TIMEOUT });
    const text = (await body.text()).trim().slice(0, 200);
    return statusCode === 200 ? null : `${statusCode} ${text}`;
  } catch (error) {
    return (error as Error).message || String((error as NodeJS.ErrnoException).code);
  }
}
