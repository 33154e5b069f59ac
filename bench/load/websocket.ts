// Messages over open WebSockets, echoed by the origin, one at a time on each.
import path from 'node:path';
import { runPinned } from './load.ts';
import type { Load, LoadResult } from './load.ts';

const SCRIPT = path.resolve(import.meta.dirname, 'websocket-echoes.ts');

export const websocketLoad: Load = {
  missing: () => null,
  async run(core, { port, path: target, connections, seconds }) {
    const report = await runPinned(core, process.execPath, [SCRIPT, String(port), target, String(connections), String(seconds)]);
    // JSON has no NaN, and this load reports all values.
    return JSON.parse(report) as LoadResult;
  },
};
