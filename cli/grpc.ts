// `weir grpc methods`: the methods of gRPC services with their metrics, over all proxies.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { ListedMethod, MethodList } from '../controller/operations/grpc-methods.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { commandText } from './operations/command-text.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags({});

export const grpc: Command = {
  name: 'grpc',
  arguments: 'methods [BACKEND]',
  summary:
    'Lists methods of gRPC services with the calls, failures and durations that the proxies counted for routes with grpcMethods. With BACKEND, as weir status names it, also methods without calls: a proxy asks the backend by server reflection. Ends with 1 if a proxy did not answer.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('grpc', { methods }, values.positionals);
    return run(values, rest);
  },
};

async function methods(values: FlagValues, [backend, ...more]: readonly string[]): Promise<number> {
  if (more.length > 0) throw new UsageError('weir grpc methods takes one backend, or none for all methods that were counted');
  const query = new URLSearchParams(backend === undefined ? {} : { backend }).toString();
  const path = query === '' ? '/grpc-methods' : `/grpc-methods?${query}`;
  const answer = await callOperation<MethodList>(await connectionOf(values), { method: 'GET', path });
  printAnswer(values, answer, () => listText(answer));
  const failed = answer.proxies.filter(({ outcome }) => outcome !== 'done');
  if (failed.length > 0) console.error(`weir: some proxies do not tell all methods\n${commandText({ proxies: failed })}`);
  return failed.length > 0 ? 1 : 0;
}

const COLUMNS = ['service', 'method', 'kind', 'calls', 'failures', 'p50', 'p99'];

function listText({ methods: all }: MethodList): string {
  if (all.length === 0) return 'no method is known: weir status names the backends, and routes with grpcMethods count calls';
  return tableOf(COLUMNS, all.map(rowOf));
}

function rowOf({ service, method, kind, calls, failures, p50Ms, p99Ms }: ListedMethod): readonly string[] {
  return [service, method, kind, String(calls), String(failures), durationText(p50Ms), durationText(p99Ms)];
}

function durationText(ms: number | null): string {
  return ms === null ? '' : `${ms.toFixed(1)} ms`;
}
