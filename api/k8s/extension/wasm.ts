// The group `wasm` of an ExtensionPolicy: a WebAssembly module of the proxy-wasm ABI.
import { Type } from '#lib/typebox.ts';
import { backend, configMapKey } from '../policy-reference.ts';
import { choice, duration, size, text } from '../setting.ts';
import { map } from './plugin.ts';

/** Modules know clusters of other proxies by names such as `outbound|80||users`. */
const NAME = '^[A-Za-z0-9][A-Za-z0-9_.:|/-]{0,252}$';
const BODY = ['None', 'Streamed', 'Buffered'] as const;

/** The levels of lines of a module, those of the ABI from 0 on. */
export const WASM_LOG_LEVELS = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Critical'] as const;

const backends = Type.Optional(
  Type.Array(
    Type.Object(
      {
        name: Type.String({
          pattern: NAME,
          description: 'Its name in the module.',
          '~must': 'a name of letters, digits, "-", "_", ".", ":", "/" and "|"',
        }),
        backendRef: backend('The backend.'),
      },
      { additionalProperties: false, description: 'One backend.' },
    ),
    { maxItems: 16, description: 'The backends that the module may call with proxy_http_call and proxy_grpc_call.' },
  ),
);

const settings = {
  mode: choice('Disabled: no module. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
  module: configMapKey('The module: an entry of a ConfigMap whose name ends with .wasm, or with .wasm.gz for one that gzip compressed.'),
  sha256: Type.Optional(
    Type.String({
      pattern: '^[0-9a-fA-F]{64}$',
      description: 'The SHA-256 of the entry. A module with another one is not used.',
      '~must': '64 hexadecimal digits',
    }),
  ),
  rootId: text('The name of the part of the module, for modules with several: the property plugin_root_id.', { maxLength: 253 }),
  config: map('The configuration of the plugin, which the module gets as JSON.'),
  configText: text('The same as any text, instead of config.', { maxLength: 65_536 }),
  configSchema: map('A JSON Schema (2020-12) for config, without $ref. A policy with another config is invalid.'),
  backends,
  requestBody: choice(
    'How the module gets bodies of requests. None: not at all. Streamed: in pieces as they arrive. Buffered: whole, and then it may still change the head.',
    BODY,
  ),
  responseBody: choice('How it gets bodies of answers.', BODY),
  callTime: duration('The processor time of one call of the module, from 1 ms to 10 s.'),
  timeout: duration('The time of a paused request or answer, and of a call to a backend, at most 1 minute.'),
  memory: size('The memory of the module in each worker of a proxy.', { minimum: 1_048_576, maximum: 268_435_456 }),
  maxBodySize: size('Bytes of a body that the module may hold. A larger one of a request gets 413, one of an answer 502.', {
    minimum: 1,
    maximum: 67_108_864,
  }),
  logLevel: choice('The least level of its lines in the log of the proxy.', WASM_LOG_LEVELS),
  onError: choice('The handling of requests while the module fails. Closed: requests get an error. Open: they go on without it.', [
    'Closed',
    'Open',
  ]),
};

export const wasm = Type.Optional(
  Type.Object(settings, {
    additionalProperties: false,
    description:
      'A WebAssembly module by the proxy-wasm ABI 0.2.1 sees and changes requests and answers. A nearer policy replaces all of it.',
    '~whole': true,
    'x-kubernetes-validations': [{ rule: "has(self.module) || (has(self.mode) && self.mode == 'Disabled')", message: 'must have module' }],
  }),
);
