// The plugins of all workers of a proxy for operators: the command, and its part in a worker.
import { isPluginLine, PluginSums } from '#api/wire/plugin-lines.ts';
import { packLines, readLines } from '#lib/json-lines.ts';
import { ok } from '#lib/result.ts';
import { PART_BYTES, type Inspected, type Inspecting } from './inspection/inspection.ts';
import type { WorkerPlugins } from './plugin/worker-plugins.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** Plugins in the answer of one proxy. */
const MAX_PLUGINS = 2_000;

export function pluginCommands(supervisor: Pick<Supervisor, 'inspect'>): CommandTable {
  return {
    plugins: async (_, { chunk, signal }) => {
      const sums = new PluginSums(MAX_PLUGINS);
      const part = async (data: Buffer): Promise<void> =>
        readLines(data)
          .filter(isPluginLine)
          .forEach((line) => sums.add(line));
      const inspected = await supervisor.inspect({ kind: 'plugins' }, null, { part, signal });
      for (const lines of packLines(sums.lines, PART_BYTES)) await chunk(lines);
      return inspected.ok ? ok(undefined) : inspected;
    },
  };
}

/** Sends a line for each plugin of the worker. */
export async function inspectPlugins({ part }: Inspecting, plugins: Pick<WorkerPlugins, 'lines'>): Promise<Inspected> {
  for (const lines of packLines(plugins.lines(), PART_BYTES)) await part(lines);
  return ok({ dropped: 0 });
}
