// `weir explain ADDRESS`: shows the listener, route, rule, filters and backend of a request or connection, and why other candidates lost.
// The matcher of the proxy decides, over a folder of YAML or over the configuration of a running proxy.
import { readEndpointFlags } from '#api/k8s/endpoint-flags.ts';
import type { PrincipalSource } from '#api/expression/facts.ts';
import type * as ir from '#api/ir/ir.ts';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { explainPolicies, explainStreamPolicies, printPolicies } from '#api/policy/explain.ts';
import { PolicyIndex, requestTargets } from '#api/policy/layers.ts';
import { policyCors } from '#api/policy/cors.ts';
import { describeProblem, problemsInForce } from '#api/policy/problems.ts';
import { explain as explainRequest, type Winner } from '#api/match/explain.ts';
import { explainStream, printStreamExplanation, type StreamRequest } from '#api/match/explain-stream.ts';
import { printExplanation } from '#api/match/print.ts';
import { buildTable } from '#api/match/table.ts';
import { ERRORS } from '../proxy/exchange/errors.ts';
import { agree } from '../proxy/listener/protocol.ts';
import { trustedProxies } from '../proxy/runtime/client-traffic.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { parseAddress } from './explained-address.ts';
import {
  ACCESS_FLAGS,
  callerOf,
  explainAccess,
  printAccess,
  type ExplainedPolicyAccess,
  type HypotheticalRequest,
} from './explained-access.ts';
import { explainChain, printChain, type ChainPart } from './explained-chain.ts';
import { measuredCosts, printCosts } from './explained-costs.ts';
import { identified, type IdentifiedRequest } from './explained-client.ts';
import { CONFIG_FLAGS, configOf, type Config } from './explained-config.ts';
import type { SampleRequest } from '../proxy/trial/sample-request.ts';
import { REQUEST_FLAGS, explainedRequest } from './explained-request.ts';
import { trafficTo } from './explained-traffic.ts';

const FORMATS = ['text', 'json'] as const;

const FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      ...CONFIG_FLAGS,
      ...REQUEST_FLAGS,
      from: { default: '127.0.0.1', value: 'IP', text: 'address of the peer that sends the request' },
      measure: {
        default: '',
        value: 'REQUESTS',
        text: 'also time the chain of filters of the rule at the proxy, for so many requests of each worker or a minute',
      },
      all: { default: 'false', value: '', text: 'also list the matches of other hosts and listeners' },
      format: { default: 'text', value: 'text|json', text: 'form of the output', words: FORMATS },
    },
  },
  ACCESS_FLAGS,
];

export const explain: Command = {
  name: 'explain',
  arguments: 'URL|HOST:PORT (--config DIR | --proxy ADDRESS)',
  summary:
    'Shows the listener, route, rule, filters, backend and policy settings of a request or connection, and why other candidates lost. It also decides about a caller by authorization. Ends with 1 if there is no match, or if the request would be refused.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [text, ...rest] = values.positionals;
    if (text === undefined || rest.length > 0) throw new UsageError('weir explain takes one address: a URL, or HOST:PORT');
    const address = parseAddress(text);
    const choices: Choices = {
      method: values.text('method'),
      headers: values.list('header'),
      from: values.text('from'),
      format: values.word('format', FORMATS),
      all: values.isOn('all'),
      caller: callerOf(values),
      measure: values.text('measure'),
      proxy: values.text('proxy'),
    };
    if (choices.measure !== '' && choices.proxy === '') throw new UsageError('--measure needs a running proxy: --proxy ADDRESS');
    const config = await configOf(values.text('config'), values.text('proxy'), readEndpointFlags(values));
    const traffic = trafficTo(address, config.listeners);
    if (traffic.kind === 'none') {
      console.log(traffic.reason);
      return 1;
    }
    return traffic.kind === 'stream' ? explainConnection(config, traffic.request, choices) : explainUrl(config, traffic.url, choices);
  },
};

interface Choices {
  readonly method: string;
  readonly headers: readonly string[];
  readonly from: string;
  readonly format: string;
  readonly all: boolean;
  readonly caller: PrincipalSource | null;
  /** '' for no measurement. */
  readonly measure: string;
  readonly proxy: string;
}

/** Prints the explanation of a request. Returns the exit code. */
async function explainUrl(
  { listeners, routes, policies, clusters }: Config,
  url: string,
  { method, headers, from, format, all, caller, measure, proxy }: Choices,
): Promise<number> {
  const asked = explainedRequest(url, method, headers);
  const { served, unserved } = agree(onPort(listeners, asked.port), null);
  const table = buildTable([...served, ...unserved], routes);
  const index = new PolicyIndex(policies);
  const owner = table.listenerOf(asked.request.host) ?? '';
  const sent = identified(asked, from, trustedProxies(index, listeners).get(owner) ?? null);
  const explanation = explainRequest(table, sent.request, (route, listener) => policyCors(index, route, listener));
  const { winner } = explanation;
  const { settings, sources, problems, access, chain } =
    winner === null ? NO_RULE : explainRule(index, clusters, winner, hypothetical(asked, sent, from, caller));
  const costs = winner === null || measure === '' ? null : await measuredCosts(proxy, winner.route.key, measure);
  const shown = { ...explanation, client: sent.client, refused: sent.refused, access, sources, chain, costs, settings, problems };
  const parts = [
    printExplanation(explanation, all),
    sourcesText(sources),
    clientText(sent),
    problems.map((problem) => `refused   ${ERRORS.policyUnresolved.title} (${ERRORS.policyUnresolved.code}): ${describeProblem(problem)}`),
    printAccess(access),
    printChain(chain),
    printCosts(costs),
    printPolicies(settings),
  ].flat();
  console.log(format === 'json' ? JSON.stringify(shown, null, 2) : textOf(parts));
  return winner === null || sent.refused || isRefused(access) ? 1 : 0;
}

/** The settings that apply to requests of the rule that gets the request. */
function explainRule(
  index: PolicyIndex,
  clusters: Config['clusters'],
  { route, listener }: Winner,
  request: HypotheticalRequest,
): RuleExplanation {
  return {
    settings: explainPolicies(index, route, listener),
    sources: sourcesOf(route.backends, clusters),
    problems: problemsInForce(index, requestTargets(route, listener, null)),
    access: explainAccess(index, route, listener, request),
    chain: explainChain(index, route, listener),
  };
}

interface RuleExplanation {
  readonly settings: ReturnType<typeof explainPolicies>;
  readonly sources: ReturnType<typeof sourcesOf>;
  readonly problems: ReturnType<typeof problemsInForce>;
  readonly access: ExplainedPolicyAccess | null;
  readonly chain: readonly ChainPart[];
}

/** No rule gets the request. */
const NO_RULE: RuleExplanation = { settings: [], sources: [], problems: [], access: null, chain: [] };

function isRefused(access: ExplainedPolicyAccess | null): boolean {
  return access !== null && access.enforced && !access.allowed;
}

/** The request as authorization sees it. */
function hypothetical(
  { secured }: SampleRequest,
  { request, client }: IdentifiedRequest,
  from: string,
  principal: PrincipalSource | null,
): HypotheticalRequest {
  const { method, path, headers } = request;
  return { method, path, requestHeaders: headers, clientAddress: client ?? from, principal, request, secured };
}

/** Prints the explanation of a connection. Returns the exit code. */
function explainConnection(
  { listeners, streamRoutes, policies, clusters }: Config,
  request: StreamRequest,
  { format, all }: Choices,
): number {
  const isUdp = request.protocol === 'UDP';
  const datagrams = listeners.filter(({ port, protocol }) => port === request.port && protocol === 'UDP');
  const isServed = ({ unserved }: ir.Listener): boolean => unserved === undefined;
  const groups = isUdp
    ? { served: datagrams.filter(isServed), unserved: datagrams.filter((listener) => !isServed(listener)) }
    : agree(onPort(listeners, request.port), null);
  const explanation = explainStream(request, groups, streamRoutes);
  const { winner } = explanation;
  const settings = winner === null ? [] : explainStreamPolicies(new PolicyIndex(policies), winner.route, winner.listener);
  const sources = winner === null ? [] : sourcesOf(winner.route.backends, clusters);
  const parts = [printStreamExplanation(explanation, all), sourcesText(sources), printPolicies(settings)];
  console.log(format === 'json' ? JSON.stringify({ ...explanation, sources, settings }, null, 2) : textOf(parts));
  return winner === null ? 1 : 0;
}

function onPort(listeners: readonly ir.Listener[], port: number): readonly ir.Listener[] {
  return listeners.filter((listener) => listener.port === port && listener.protocol !== 'UDP');
}

function textOf(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

/** Where the endpoints of a backend come from if not from Kubernetes. */
interface ExplainedSource {
  readonly backend: string;
  readonly source: string;
}

function sourcesOf(backends: readonly { readonly cluster: string | null }[], clusters: readonly ir.Cluster[]): readonly ExplainedSource[] {
  const named = new Set(backends.map(({ cluster }) => cluster));
  return clusters.flatMap(({ key, source }) => (source !== undefined && named.has(key) ? [{ backend: key, source }] : []));
}

function sourcesText(sources: readonly ExplainedSource[]): string {
  return sources.map(({ backend, source }) => `source    ${backend}: ${source}`).join('\n');
}

function clientText({ client, refused }: IdentifiedRequest): string {
  if (refused) return `refused before routing: ${ERRORS.clientUnknown.title} (${ERRORS.clientUnknown.code})`;
  return client === null ? '' : `client    ${client}, from the headers of trusted proxies`;
}
