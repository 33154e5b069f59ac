// Controllers and proxies as programs: what they hold, levels of their logs, and files about their processes.
import { Type } from '#lib/typebox.ts';
import type { LiveRow } from './row.ts';
import { COMMANDED, DURATION, input, list, NAME, PROXIES, shown, TEXT, WORKER } from './schemas.ts';

const DIAGNOSE = 'system:diagnose';
/** The longest profile, and the way of its file, milliseconds. */
const PROFILE_MS = 120_000;
/** A heap of gigabytes takes minutes. */
const SNAPSHOT_MS = 300_000;
const SECRETS = 'The file contains the secrets of requests under way. It is for developers; keep it as you keep keys.';
const PROXY = input({ proxy: NAME });
const NONE = { params: { proxy: 'weir-up' }, unknown: { proxy: 'none' } };

/** The operations about processes. */
export const SYSTEM_ROWS: readonly LiveRow[] = [
  {
    ...{ id: 'resources.list', runs: 'GET /resources', method: 'GET', path: '/resources', permission: 'configuration:read' },
    summary: 'List compiled resources as proxies get them, without secrets',
    query: input({ kind: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })), prefix: Type.Optional(NAME) }),
    answer: list({ kind: TEXT, key: TEXT, version: TEXT }),
    example: { query: { kind: 'Listener' } },
  },
  {
    ...{ id: 'push-sessions.list', runs: 'GET /sessions', method: 'GET', path: '/push-sessions', permission: 'system:read' },
    summary: 'List the streams by which proxies get their configuration, with refused resources',
    answer: list({ nodeId: TEXT, scope: TEXT, phase: TEXT }),
    example: {},
  },
  {
    ...{ id: 'statuses.list', runs: 'GET /statuses', method: 'GET', path: '/statuses', permission: 'configuration:read' },
    summary: 'List statuses of Gateways, routes and policies',
    answer: list({ object: TEXT, status: shown({}) }),
    example: {},
  },
  {
    ...{ id: 'proxies.log-level', runs: 'PUT /proxies/log-level', method: 'PUT', path: '/proxies/log-level', permission: 'system:write' },
    summary: 'Set the level of the log of proxies, or of one component',
    body: input({
      level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
      component: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      proxies: PROXIES,
    }),
    answer: COMMANDED,
    example: { body: { level: 'info' } },
    noun: 'proxy',
    changes: ({ component }) => `log-level/${String(component ?? 'all')}`,
  },
  {
    ...{ id: 'proxies.profile', runs: 'POST /proxies/profile', method: 'POST', path: '/proxies/{proxy}/profile', permission: DIAGNOSE },
    summary: 'Take a CPU profile of a worker of a proxy, at most a minute',
    params: PROXY,
    body: input({ worker: WORKER, duration: Type.Optional(DURATION) }),
    answer: shown({}),
    example: { ...NONE, body: { duration: '50ms' } },
    ...{ noun: 'proxy', streams: 'file', deadlineMs: PROFILE_MS },
  },
  {
    ...{ id: 'proxies.heap-snapshot', runs: 'POST /proxies/heap-snapshot', method: 'POST', path: '/proxies/{proxy}/heap-snapshot' },
    permission: DIAGNOSE,
    summary: 'Take a heap snapshot of a worker of a proxy',
    description: SECRETS,
    params: PROXY,
    body: input({ worker: WORKER }),
    answer: shown({}),
    example: { ...NONE, body: {} },
    ...{ noun: 'proxy', streams: 'file', deadlineMs: SNAPSHOT_MS },
  },
  {
    ...{ id: 'controllers.profile', runs: 'POST /controller/profile', method: 'POST', path: '/controllers/profile', permission: DIAGNOSE },
    summary: 'Take a CPU profile of the controller that answers, at most a minute',
    body: input({ duration: Type.Optional(DURATION) }),
    answer: shown({}),
    example: { body: { duration: '50ms' } },
    ...{ streams: 'file', deadlineMs: PROFILE_MS },
  },
  {
    ...{ id: 'controllers.heap-snapshot', runs: 'POST /controller/heap-snapshot', method: 'POST', path: '/controllers/heap-snapshot' },
    permission: DIAGNOSE,
    summary: 'Take a heap snapshot of the controller that answers',
    description: SECRETS,
    body: input({}),
    answer: shown({}),
    example: { body: {} },
    ...{ streams: 'file', deadlineMs: SNAPSHOT_MS },
  },
];
