// The operations about this process: its settings with their origin, and a bundle of diagnostics.
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply, stream, type Area } from '../api/operation.ts';
import { bundleOf, type BundleParts } from './bundle.ts';

const CLOSED = { additionalProperties: false };
const SETTING = Type.Object(
  {
    name: Type.String({ description: 'The flag, without dashes.' }),
    value: Type.String(),
    origin: Type.Enum(['flag', 'environment', 'default'], { description: 'What decides the value; a flag wins over a variable.' }),
    variable: Type.String({ description: 'The variable of the environment that sets it.' }),
    default: Type.String(),
  },
  CLOSED,
);
const PART = Type.Record(Type.String(), Type.Unknown());
const BUNDLE = Type.Object(
  { made: Type.String(), versions: PART, troubles: PART, log: Type.Array(Type.Unknown()) },
  { additionalProperties: true, description: 'The sections, by their names.' },
);
const TAG = 'diagnostics';

/** The operations about this process. */
export function diagnosticsArea(parts: BundleParts): Area {
  return { name: TAG, summary: 'Settings of this process, and bundles of diagnostics.', operations: [settings(parts), bundle(parts)] };
}

function settings(parts: BundleParts) {
  return adminOperation({
    ...{ id: 'settings.list', method: 'GET', path: '/settings', tag: TAG, permission: 'system:read' },
    summary: 'List the settings of this process, with what decides each',
    answer: Type.Object({ items: Type.Array(SETTING) }, CLOSED),
    example: {
      answer: {
        items: [{ name: 'log-level', value: 'debug', origin: 'environment' as const, variable: 'WEIR_LOG_LEVEL', default: 'info' }],
      },
    },
    run: () => Promise.resolve(reply({ items: [...parts.settings] })),
  });
}

function bundle(parts: BundleParts) {
  return adminOperation({
    ...{ id: 'diagnostics.bundle', method: 'POST', path: '/diagnostics', tag: TAG, permission: 'system:diagnose' },
    summary: 'Make a bundle of diagnostics without secrets',
    description:
      'One JSON document: versions, settings, troubles, status, problems, errors and alerts of the fleet, configuration, the last entries of the audit log, lines of the log, metrics. Each section has at most 2 MiB. Data of Secrets, values under names of secrets, tokens, card numbers and mail addresses are hidden.',
    answer: BUNDLE,
    streams: 'application/json',
    example: { answer: { made: '2026-11-30T16:04:00.120Z', versions: { weir: '1.4.0' }, troubles: {}, log: [] } },
    run(_, { caller, signal }) {
      return Promise.resolve(stream(bundleOf(parts, { caller: caller.name, signal })));
    },
  });
}
