// `weir try URL`: shows what the filters of a rule and an HTTPPolicy change in a request, and in an answer to it, without traffic. The filters
// of the proxy make the changes.
import { readFileSync } from 'node:fs';
import { readEndpointFlags } from '#api/k8s/endpoint-flags.ts';
import { flagsOf, FlagValues, type FlagGroup } from '#lib/flags.ts';
import { trySample, type SampleAnswer } from '../proxy/trial/trial.ts';
import { ACCESS_FLAGS, callerOf } from './explained-access.ts';
import { CONFIG_FLAGS, configOf } from './explained-config.ts';
import { REQUEST_FLAGS, explainedRequest, headerLines } from './explained-request.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printTrial } from './printed-trial.ts';

const FORMATS = ['text', 'json'] as const;

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      ...CONFIG_FLAGS,
      ...REQUEST_FLAGS,
      body: { default: '', value: 'TEXT|@FILE', text: 'body of the request', short: 'd' },
      from: { default: '127.0.0.1', value: 'IP', text: 'address of the client' },
      status: { default: '200', value: 'STATUS', text: 'status of the answer of the backend' },
      'answer-header': { default: '', value: "'NAME: VALUE'", text: 'a header of the answer', multiple: true },
      'answer-body': { default: '', value: 'TEXT|@FILE', text: 'body of the answer' },
      format: { default: 'text', value: 'text|json', text: 'form of the output', words: FORMATS },
    },
  },
  ACCESS_FLAGS,
];

export const tryOut: Command = {
  name: 'try',
  arguments: 'URL (--config DIR | --proxy ADDRESS)',
  summary:
    'Shows what the rule of a request and its HTTPPolicy change in the request, and in an answer to it, without traffic. Ends with 1 if no rule gets the request, or if it would be refused.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [url, ...rest] = values.positionals;
    if (url === undefined || rest.length > 0) throw new UsageError('weir try takes one URL');
    const asked = explainedRequest(url, values.text('method'), values.list('header'));
    const sample = {
      ...asked,
      body: bodyOf(values, 'body'),
      from: values.text('from'),
      principal: callerOf(values),
      answer: answerOf(values),
    };
    const config = await configOf(values.text('config'), values.text('proxy'), readEndpointFlags(values));
    const trial = await trySample(config, sample);
    if (trial === null) {
      console.log('no rule gets the request: `weir explain` says why');
      return 1;
    }
    console.log(values.word('format', FORMATS) === 'json' ? JSON.stringify(trial, null, 2) : printTrial(trial));
    return trial.refusal === null ? 0 : 1;
  },
};

function answerOf(values: FlagValues): SampleAnswer {
  const status = Number(values.text('status'));
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new UsageError('--status: expected a number from 200 to 599');
  return { status, headers: headerLines(values.list('answer-header')).flat(), body: bodyOf(values, 'answer-body') };
}

function bodyOf(values: FlagValues, flag: string): Buffer {
  const text = values.text(flag);
  if (!text.startsWith('@')) return Buffer.from(text);
  try {
    return readFileSync(text.slice(1));
  } catch (error) {
    throw new UsageError(`--${flag}: ${text.slice(1)} cannot be read: ${(error as NodeJS.ErrnoException).code ?? ''}`);
  }
}
