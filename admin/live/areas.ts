// The areas of live state, in the order of the document.
import { adminOperation, reply, type Area } from '../api/operation.ts';
import { Type } from '#lib/typebox.ts';
import { ALERT_ROWS } from './alert-rows.ts';
import { FLEET_ROWS } from './fleet-rows.ts';
import type { Live } from './live.ts';
import { REQUEST_ROWS } from './request-rows.ts';
import { LiveOperations, type LiveRow } from './row.ts';
import { list, TEXT } from './schemas.ts';
import { SYSTEM_ROWS } from './system-rows.ts';
import { TRAFFIC_ROWS } from './traffic-rows.ts';

/** All rows, by the area that they belong to. */
export const LIVE_ROWS: Readonly<Record<string, { readonly summary: string; readonly rows: readonly LiveRow[] }>> = {
  fleet: { summary: 'Proxies, backends, endpoints and breakers.', rows: FLEET_ROWS },
  traffic: { summary: 'Limits, blocks, stored answers and open connections.', rows: TRAFFIC_ROWS },
  requests: { summary: 'Lines of requests, failures, and the window of the last two hours.', rows: REQUEST_ROWS },
  alerts: { summary: 'Alerts, silences and channels.', rows: ALERT_ROWS },
  system: { summary: 'Controllers and proxies as programs.', rows: SYSTEM_ROWS },
};

/** The areas that read and steer the running fleet. */
export function liveAreas(live: Live): readonly Area[] {
  const operations = new LiveOperations(live);
  return Object.entries(LIVE_ROWS).map(([name, { summary, rows }]) => {
    const own = name === 'system' ? [controllersOperation(live)] : [];
    return { name, summary, operations: [...own, ...operations.of(name, rows)] };
  });
}

/** It asks no controller, so it answers when all are away. */
function controllersOperation(live: Live) {
  return adminOperation({
    id: 'controllers.list',
    method: 'GET',
    path: '/controllers',
    tag: 'system',
    summary: 'List the controllers, and why one is not connected',
    permission: 'system:read',
    answer: Type.Object(
      { controllers: list({ address: TEXT, connected: Type.Boolean(), since: TEXT, lastError: TEXT }) },
      { additionalProperties: false },
    ),
    example: { answer: { controllers: [{ address: 'in-process', connected: true, since: '2026-11-30T16:04:00.120Z', lastError: '' }] } },
    run: () => Promise.resolve(reply({ controllers: [...live.states()] })),
  });
}
