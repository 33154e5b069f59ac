// The group `plugin` of an ExtensionPolicy: a module of the user in TypeScript or JavaScript.
import { Type } from '#lib/typebox.ts';
import { backend, configMapKey } from '../policy-reference.ts';
import { choice, duration, size } from '../setting.ts';

const NAME = '^[A-Za-z][A-Za-z0-9_-]{0,62}$';

/** A map with any values. */
export const map = (description: string) => Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description }));

const backends = Type.Optional(
  Type.Array(
    Type.Object(
      {
        name: Type.String({ pattern: NAME, description: 'Its name in the plugin.', '~must': 'a name of letters, digits, "-" and "_"' }),
        backendRef: backend('The backend.'),
      },
      { additionalProperties: false, description: 'One backend.' },
    ),
    { maxItems: 16, description: 'The backends that the plugin may ask with `context.fetch`.' },
  ),
);

const settings = {
  mode: choice('Disabled: no plugin. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
  module: configMapKey('The module: an entry of a ConfigMap whose name ends with .ts, .mts, .js or .mjs.'),
  config: map('The configuration that the plugin gets as `context.config`.'),
  configSchema: map('A JSON Schema (2020-12) for config, without $ref. A policy with another config is invalid.'),
  backends,
  callTime: duration('The processor time of one call of a hook, from 1 ms to 10 s.'),
  timeout: duration('The time of one call with its waits for backends, at most 1 minute.'),
  memory: size('The memory of the plugin in each worker of a proxy.', { minimum: 1_048_576, maximum: 268_435_456 }),
  maxBodySize: size(
    'Bytes of a body that onRequestBody and onResponseBody get. A larger one of a request gets 413, one of an answer 502.',
    {
      minimum: 1,
      maximum: 67_108_864,
    },
  ),
  onError: choice('The handling of requests while the plugin fails. Closed: requests get an error. Open: they go on without it.', [
    'Closed',
    'Open',
  ]),
};

export const plugin = Type.Optional(
  Type.Object(settings, {
    additionalProperties: false,
    description: 'A module of your own sees and changes requests and answers. A nearer policy replaces all of it.',
    '~whole': true,
    'x-kubernetes-validations': [{ rule: "has(self.module) || (has(self.mode) && self.mode == 'Disabled')", message: 'must have module' }],
  }),
);
