// Runs docs/guides/wasm-module.md as written, with the modules of Go that the build of another module has fetched.
import { execFileSync } from 'node:child_process';
import { wasmModuleBytes } from '../plugins/wasm-module.ts';
import { describeGuide } from '../support/guide.ts';

describeGuide('wasm-module.md', ['curl'], {
  env: () => {
    wasmModuleBytes();
    const go = (name: string): string => execFileSync('go', ['env', name], { encoding: 'utf8' }).trim();
    const found = Object.fromEntries(['GOMODCACHE', 'GOCACHE'].map((name) => [name, go(name)]));
    return { ...found, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOSUMDB: 'off', GOTOOLCHAIN: 'local' };
  },
});
