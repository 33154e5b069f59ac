// `weir explain URL`: which listener, route, rule, filters and backend a request gets, and why the others lost. By the matcher
// that routes the traffic, over a folder of YAML or over what a running proxy serves.
import type * as ir from '#api/ir/ir.ts';
import { explainPolicies, printPolicies, type ExplainedSettings } from '#api/policy/explain.ts';
import { PolicyIndex } from '#api/policy/layers.ts';
import { explain as explainRequest, type Explanation } from '#api/match/explain.ts';
import { printExplanation } from '#api/match/print.ts';
import { buildTable } from '#api/match/table.ts';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { Compiler } from '../controller/compile/compile.ts';
import { readOnce } from '../controller/watch/files.ts';
import { ERRORS } from '../proxy/exchange/errors.ts';
import { agree } from '../proxy/listener/protocol.ts';
import { trustedProxies } from '../proxy/runtime/client-traffic.ts';
import { lackIn, withPairs } from '../proxy/runtime/pairs.ts';
import type { LackOf } from '../proxy/runtime/pairs.ts';
import type { DescribedSecret } from '../proxy/supervisor/pairs.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { identified, type IdentifiedRequest } from './explained-client.ts';
import { explainedRequest, type ExplainedRequest } from './explained-request.ts';
import { CONTROLLER_NAME } from './standalone.ts';

const FORMATS = ['text', 'json'] as const;

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      config: { default: '', value: 'DIR', text: 'explain what this folder would serve' },
      proxy: { default: '', value: 'ADDRESS', text: 'explain what a running proxy serves; HOST:PORT of its admin server' },
      method: { default: 'GET', value: 'METHOD', text: 'method of the request', short: 'X' },
      header: { default: '', value: "'NAME: VALUE'", text: 'a header of the request', short: 'H', multiple: true },
      from: { default: '127.0.0.1', value: 'IP', text: 'address of the peer that sends the request' },
      all: { default: 'false', value: '', text: 'list the matches of other hosts and listeners too' },
      format: { default: 'text', value: 'text|json', text: 'form of the output', words: FORMATS },
    },
  },
];

/** What requests are matched against. */
interface Config {
  readonly listeners: readonly ir.Listener[];
  readonly routes: readonly ir.Route[];
  readonly policies: readonly ir.Policy[];
}

/** What a proxy tells of its Secrets; one of an earlier release tells nothing. */
interface Described {
  readonly secrets?: readonly DescribedSecret[];
}

export const explain: Command = {
  name: 'explain',
  arguments: 'URL (--config DIR | --proxy ADDRESS)',
  summary:
    'Says which listener, route, rule, filters, backend and settings of policies a request gets and why the others lost; ends with 1 when none does.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [text, ...rest] = values.positionals;
    if (text === undefined || rest.length > 0) throw new UsageError('weir explain takes one URL');
    const asked = explainedRequest(text, values.text('method'), values.list('header'));
    const choices = { from: values.text('from'), format: values.word('format', FORMATS), all: values.isOn('all') };
    return explainIn(await configOf(values.text('config'), values.text('proxy')), asked, choices);
  },
};

interface Choices {
  readonly from: string;
  readonly format: string;
  readonly all: boolean;
}

/** Prints it; the exit code. */
function explainIn({ listeners, routes, policies }: Config, asked: ExplainedRequest, { from, format, all }: Choices): number {
  const { port } = asked;
  const onPort = listeners.filter((listener) => listener.port === port && listener.protocol !== 'UDP');
  if (onPort.length === 0) {
    const ports = [...new Set(listeners.map((listener) => listener.port))].join(', ') || 'none';
    console.log(`no listener has port ${port}; there are: ${ports}`);
    return 1;
  }
  const { served, unserved } = agree(onPort, null);
  const table = buildTable([...served, ...unserved], routes);
  const index = new PolicyIndex(policies);
  const owner = table.listenerOf(asked.request.host) ?? '';
  const sent = identified(asked, from, trustedProxies(index, listeners).get(owner) ?? null);
  const explanation = explainRequest(table, sent.request);
  const { winner } = explanation;
  const settings = winner === null ? [] : explainPolicies(index, winner.route, winner.listener);
  const shown = { ...explanation, client: sent.client, refused: sent.refused, settings };
  console.log(format === 'json' ? JSON.stringify(shown, null, 2) : textOf(explanation, sent, settings, all));
  return winner === null || sent.refused ? 1 : 0;
}

function textOf(explanation: Explanation, sent: IdentifiedRequest, settings: readonly ExplainedSettings[], all: boolean): string {
  return [printExplanation(explanation, all), clientText(sent), printPolicies(settings)].filter((part) => part !== '').join('\n');
}

function clientText({ client, refused }: IdentifiedRequest): string {
  if (refused) return `refused before that: ${ERRORS.clientUnknown.title} (${ERRORS.clientUnknown.code})`;
  return client === null ? '' : `client    ${client}, as proxies in front tell`;
}

async function configOf(folder: string, proxy: string): Promise<Config> {
  if ((folder === '') === (proxy === '')) throw new UsageError('weir explain needs either --config DIR or --proxy ADDRESS');
  return folder === '' ? ofProxy(proxy) : ofFolder(folder);
}

async function ofFolder(folder: string): Promise<Config> {
  const { objects, problems } = await readOnce([folder]);
  for (const { file, line, object, field, reason } of problems) {
    console.error(`${file}:${line}: left out: ${[object, field].filter((part) => part !== '').join(' ')}: ${reason}`);
  }
  const compiler = new Compiler({ controllerName: CONTROLLER_NAME, allowLoopback: true, fleets: { byDefault: 'Shared', lacks: '' } });
  compiler.apply(objects.map((object) => ({ type: 'upsert', object })));
  const resources = [...compiler.resources()].map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
  const lacks = lackIn(new Map(resources.filter((resource) => resource.kind === 'Secret').map((secret) => [secret.key, secret])));
  return {
    listeners: resources.filter((resource) => resource.kind === 'Listener').map((listener) => withPairs(listener, lacks)),
    routes: resources.filter((resource) => resource.kind === 'Route'),
    policies: resources.filter((resource) => resource.kind === 'Policy'),
  };
}

/** The admin server of a proxy dumps the very resources it serves. */
async function ofProxy(address: string): Promise<Config> {
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`;
  try {
    // Most of what there is to load, and of no use for a folder.
    const { request } = await import('undici');
    const { statusCode, body } = await request(new URL('/config', url));
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
    const { secrets = [], ...config } = (await body.json()) as Omit<Config, 'policies'> & Partial<Config> & Described;
    const lacks: LackOf = (key) => {
      const secret = secrets.find((each) => each.key === key);
      return secret === undefined || secret.expires !== null ? null : (secret.problem ?? 'holds no certificate that can be read');
    };
    return { policies: [], ...config, listeners: config.listeners.map((listener) => withPairs(listener, lacks)) };
  } catch (error) {
    throw new UsageError(`--proxy ${address}: ${(error as Error).message}`);
  }
}
