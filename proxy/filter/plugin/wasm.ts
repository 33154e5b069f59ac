// The `wasm` of an ExtensionPolicy: a WebAssembly module of the proxy-wasm ABI sees and changes requests and answers.
import { WASM_LOG_LEVELS } from '#api/k8s/extension/wasm.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { WasmSettings } from '../../exchange/plugins.ts';
import type { Filter, FilterKind } from '../filter.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { PluginFilter } from './plugin-filter.ts';
import { DEFAULT_BODY_SIZE, startPlugin } from './started-plugin.ts';

type Settings = NonNullable<PolicySettings<'ExtensionPolicy'>['wasm']>;

const DEFAULT_MEMORY = 32 * 1_048_576;

export const wasm: FilterKind = {
  name: 'wasm',
  isExtension: true,
  ofPolicies: (policies) => {
    if (policies.settings('ExtensionPolicy').settings.wasm?.mode === 'Disabled') return null;
    return policies.filterOf('ExtensionPolicy', ['wasm'], ({ wasm: settings = {} }, context) => open(settings, context));
  },
};

function open(settings: Settings, context: PolicyFilterContext): Filter {
  const { maxBodySize = DEFAULT_BODY_SIZE, onError } = settings;
  const wasm = wasmSettings(settings, maxBodySize);
  const running = startPlugin(settings, { language: 'wasm', config: configOf(settings), memory: DEFAULT_MEMORY, wasm }, context);
  return new PluginFilter(running, context, { name: 'wasm', maxBodySize, failOpen: onError === 'Open', seesCalls: true });
}

function wasmSettings(settings: Settings, maxBodySize: number): WasmSettings {
  const { rootId = '', requestBody = 'None', responseBody = 'None', logLevel = 'Info', sha256 = '' } = settings;
  return { rootId, requestBody, responseBody, logLevel: WASM_LOG_LEVELS.indexOf(logLevel), sha256, maxBodySize };
}

function configOf({ config, configText }: Settings): string {
  return configText ?? (config === undefined ? '' : JSON.stringify(config));
}
