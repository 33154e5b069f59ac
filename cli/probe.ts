// `weir probe URLS`: requests each URL until it answers. An image without another HTTP client uses it for checks.
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

/** The pause between two attempts, and the timeout of one answer, milliseconds. */
const PAUSE = 500;
const ANSWER_TIMEOUT = 5_000;

const FLAGS: readonly FlagGroup[] = [
  { title: '', flags: { within: { default: '30s', value: 'TIME', text: 'the longest wait until each URL answers 200' } } },
];

export const probe: Command = {
  name: 'probe',
  arguments: 'URLS...',
  summary: 'Requests each URL until it answers 200, by default for up to 30s. Ends with 1 if a URL does not.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const { positionals: urls } = values;
    if (urls.length === 0) throw new UsageError('weir probe takes URLs');
    const strange = urls.find((url) => !/^https?:/.test(url) || !URL.canParse(url));
    if (strange !== undefined) throw new UsageError(`${JSON.stringify(strange)} is not an http or https URL`);
    const deadline = performance.now() + values.time('within');
    const answers = await Promise.all(urls.map((url) => untilAnswered(url, deadline)));
    urls.forEach((url, index) => console.log(`${url}: ${answers[index] ?? 'ok'}`));
    return answers.every((answer) => answer === null) ? 0 : 1;
  },
};

/** Null after an answer 200; after the deadline, the last answer or error. */
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
