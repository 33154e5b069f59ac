// The module of test/plugins/wasm-module, built once per source with the SDK for Go.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildGoTool, sourceTool } from '../support/go-tool.ts';

const FILE = 'module.wasm';
const BUILD = ['build', '-buildvcs=false', '-buildmode=c-shared', '-ldflags=-s -w', '-o', FILE, '.'];

export const WASM_MODULE = {
  ...sourceTool('wasm-module', path.join(import.meta.dirname, 'wasm-module'), [BUILD]),
  env: { GOOS: 'wasip1', GOARCH: 'wasm' },
};

export function wasmModuleBytes(): Buffer {
  buildGoTool(WASM_MODULE);
  return readFileSync(path.join(WASM_MODULE.folder, FILE));
}
